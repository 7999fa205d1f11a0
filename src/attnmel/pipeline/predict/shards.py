"""A table of very many images in shards, each by a command of its own, and the shards joined. No torch.

A shard is a run of images that follow each other, in whole batches: so the joined table has the bytes of one that was
predicted at once. `NAME.csv.shard.json` next to each says which shard it is.
"""

import codecs
import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from attnmel.errors import ConfigError, counted, listed
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import replacing, write_text
from attnmel.files.locks import hold_file
from attnmel.files.table_files import damage, notice_path, read_json, write_json

BYTE_ORDER_MARK = codecs.BOM_UTF8
FOLDERS = {"maps", "dicom"}
"""Of what results are made with: each shard may have its own."""


@dataclass(frozen=True)
class Shard:
    """One of `count` shards; `number` begins with 1."""

    number: int
    count: int

    @staticmethod
    def parse(text: str) -> "Shard":
        """Return the shard K/N.

        Raises:
            ConfigError: it is not of this form, or K is not from 1 to N.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count:
            raise ConfigError(f"the shard is '{text}', expected K/N with K from 1 to N, as 3/16")
        return Shard(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def place(self, images: int, *, together: int = 1) -> slice:
        """Return which of so many images the shard has, in whole groups of `together`, which share a pass.

        Raises:
            ConfigError: there are fewer groups than shards.
        """
        groups = -(-images // together)
        if groups < self.count:
            passes = f", {together} in a pass" if together > 1 else ""
            raise ConfigError(
                f"{counted(images, 'image')}{passes} are too few for {self.count} shards; make at most {groups}"
            )
        first, end = ((self.number - step) * groups // self.count * together for step in (1, 0))
        return slice(first, min(end, images))


@dataclass(frozen=True)
class ShardRecord:
    """What is known of the table of a shard."""

    shard: int
    shards: int
    rows: int
    images: str
    """SHA-256 of the names of all images of all shards, in order."""
    made_with: Mapping[str, str]
    """As in `PartialResults`, without the folders of further files."""
    table: str
    """SHA-256 of the shard's own table."""

    @staticmethod
    def path(table: Path) -> Path:
        """Return the file next to a table."""
        return table.with_name(f"{table.name}.shard.json")

    @staticmethod
    def read(table: Path) -> "ShardRecord":
        """Return the record of a table.

        Raises:
            ConfigError: there is no such table or no record, or the table is not the one of the record.
        """
        place = ShardRecord.path(table)
        for path in (table, place):
            if not path.is_file():
                raise ConfigError(f"{path} does not exist; a shard is a table of `predict --shard` and its .shard.json")
        with damage(place, ConfigError, "predict that shard again"):
            found = ShardRecord(**read_json(place))
            dict(found.made_with)
        if found.table != file_sha256(table):
            raise ConfigError(f"{table} has changed since it was predicted; predict that shard again")
        return found


def without_folders(made_with: Mapping[str, str]) -> dict[str, str]:
    """Return the same without the folders of further files, which decide nothing in the table."""
    return {name: value for name, value in made_with.items() if name not in FOLDERS}


def write_record(table: Path, shard: Shard, rows: int, every: Sequence[str], made_with: Mapping[str, str]) -> None:
    """Write what the table of a shard with so many rows is part of; `every` are the names of all images."""
    images = hashlib.sha256("\0".join(every).encode(errors="surrogateescape")).hexdigest()
    record = ShardRecord(shard.number, shard.count, rows, images, without_folders(made_with), file_sha256(table))
    write_json(ShardRecord.path(table), asdict(record))


def join_shards(tables: Sequence[Path], out: Path) -> int:
    """Join the tables of all shards, in whatever order they are named, and return the number of images.

    Raises:
        ConfigError: a shard is missing or is there twice, or they are not of the same images, model and options.
    """
    if out.resolve() in {table.resolve() for table in tables}:
        raise ConfigError(f"{out} is one of the shards; choose another --out")
    records = {table: ShardRecord.read(table) for table in tables}
    by_number = _complete(records)
    parts = [by_number[number] for number in sorted(by_number)]
    with hold_file(out), replacing(out) as whole, whole.open("wb") as file:
        if any(map(_is_marked, parts)):
            file.write(BYTE_ORDER_MARK)
        for place, part in enumerate(parts):
            with part.open("rb") as rows:
                head = rows.readline().removeprefix(BYTE_ORDER_MARK)
                if place == 0:
                    file.write(head)
                shutil.copyfileobj(rows, file)
    write_text(notice_path(out), notice_path(parts[0]).read_text(encoding="utf-8"))
    return sum(one.rows for one in records.values())


def _complete(records: Mapping[Path, ShardRecord]) -> dict[int, Path]:
    """Return the tables by their number."""
    (first, of), *others = records.items()
    by_number = {of.shard: first}
    for table, one in others:
        if why := _differing(of, one):
            raise ConfigError(f"{first} and {table} are not shards of one table: {why}")
        if one.shard in by_number:
            raise ConfigError(f"{by_number[one.shard]} and {table} are both shard {one.shard} of {of.shards}; name one")
        by_number[one.shard] = table
    if missing := [str(number) for number in range(1, of.shards + 1) if number not in by_number]:
        are = "is" if len(missing) == 1 else "are"
        raise ConfigError(f"of {of.shards} shards {listed(missing)} {are} missing; predict and name every one")
    return by_number


def _differing(one: ShardRecord, other: ShardRecord) -> str:
    """Return what differs between two records, in words; empty where they are of one table."""
    if one.shards != other.shards:
        return f"one of {one.shards}, and one of {other.shards}"
    if one.images != other.images:
        return "their images differ; name the same folder for each"
    for name in {**one.made_with, **other.made_with}:
        values = (one.made_with.get(name, "none"), other.made_with.get(name, "none"))
        if values[0] != values[1]:
            return f"{name} was {values[0]}, and {values[1]}"
    return ""


def _is_marked(table: Path) -> bool:
    with table.open("rb") as file:
        return file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK
