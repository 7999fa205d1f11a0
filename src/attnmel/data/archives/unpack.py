"""A downloaded zip to a folder of images, masks and tables, trusting nothing in it. No torch."""

import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from attnmel.errors import ArchiveError, listed
from attnmel.files.download import require_space
from attnmel.files.folders import replacing
from attnmel.number_formats import size_in_words
from attnmel.progress import SILENT, Progress

KEPT_SUFFIXES = (".jpg", ".jpeg", ".png", ".json", ".csv")
"""What is unpacked; notices, system files and anything else stay in the zip."""

MOST_MEMBERS = 100_000
"""The official zip with the most members (ISIC 2018 task 2) has about 13,000."""
MOST_BYTES = 40_000_000_000
"""The largest official zip (ISIC 2018 task 1-2 images) holds about 11 GB."""
MOST_RATIO = 200
"""Images are packed about 1:1, feature lists about 1:50; a zip bomb reaches 1:1000."""
HARMLESS_BYTES = 64 << 20
"""So little is no bomb, however well it was packed."""

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED_FLAG = 0x1

# All that `zipfile` raises on a file that is cut off or forged.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, RuntimeError, ValueError, OverflowError)


class BadFileError(ArchiveError):
    """The file itself is damaged, unsafe or another one, so that it is of no use."""


def unpack(
    path: Path, folder: Path, *, name: str, needed: tuple[str, ...], progress: Progress = SILENT
) -> tuple[str, ...]:
    """Unpack images, masks and tables of a zip into `folder`, without its inner folders, and return their names.

    `folder` appears once everything is in it, in place of a former one of that name. `name` is what messages call the
    zip; at least one member must end in one of the `needed` suffixes.

    Raises:
        BadFileError: not a whole zip, none of what is needed, an unsafe or doubled name, a link, an encrypted member,
            a zip bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = safe_members(archive, path.stat().st_size, name)
            if not any(member.lower().endswith(needed) for member in members):
                raise BadFileError(f"{name} is not the official file: no {' or '.join(needed)} in it")
            size = sum(member.file_size for member in members.values())
            folder.parent.mkdir(parents=True, exist_ok=True)
            require_space(folder.parent, size, f"unpacking {name}")
            _write(archive, members, folder, size, progress)
    except DAMAGE as error:
        raise BadFileError(f"{name} is damaged or not a whole zip ({error or type(error).__name__})") from None
    return tuple(members)


def safe_members(archive: zipfile.ZipFile, packed: int, name: str) -> dict[str, zipfile.ZipInfo]:
    """Return the members to unpack by the name they get, once the whole zip (of `packed` bytes) has proved safe.

    Raises:
        BadFileError: names the first member that is not safe, and why.
    """
    every = archive.infolist()
    _require_bounds(every, packed, name)
    for member in every:
        if reason := _objection(member):
            raise BadFileError(f"{name} is not safe to unpack: '{member.filename}' {reason}")
    kept = [(_parts(member)[-1], member) for member in every if _is_kept(member)]
    # Names that differ only in case are one file on some disks.
    times = Counter(flat.casefold() for flat, _ in kept)
    if doubled := sorted({flat for flat, _ in kept if times[flat.casefold()] > 1}):
        raise BadFileError(f"{name} holds files of one name twice: {listed(doubled)}")
    return dict(kept)


def _require_bounds(members: list[zipfile.ZipInfo], packed: int, name: str) -> None:
    if len(members) > MOST_MEMBERS:
        raise BadFileError(f"{name} is not safe to unpack: {len(members)} members, expected at most {MOST_MEMBERS}")
    # `zipfile` never gives more of a member than the size it declares, so the declared sizes bound what is written.
    size = sum(member.file_size for member in members)
    if size > MOST_BYTES or (size > HARMLESS_BYTES and size > MOST_RATIO * packed):
        raise BadFileError(
            f"{name} is not safe to unpack: {size_in_words(packed)} would become {size_in_words(size)}, expected "
            f"at most {size_in_words(MOST_BYTES)} and {MOST_RATIO} times the size of the zip (a zip bomb?)"
        )


def _objection(member: zipfile.ZipInfo) -> str | None:
    name = member.filename.replace("\\", "/")
    if not _parts(member) and not name.endswith("/"):
        return "has no name"
    if name.startswith("/") or ":" in name:
        return "is an absolute path"
    if ".." in _parts(member):
        return "leaves the folder"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no ordinary file"
    if member.flag_bits & ENCRYPTED_FLAG:
        return "is encrypted"
    if member.compress_type not in COMPRESSIONS:
        return f"is packed by method {member.compress_type}, which no official archive uses"
    return None


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _is_kept(member: zipfile.ZipInfo) -> bool:
    """Whether it is an image, a mask or a table, and not one of the extra files of macOS."""
    if member.is_dir() or "__MACOSX" in _parts(member):
        return False
    name = _parts(member)[-1]
    return name.lower().endswith(KEPT_SUFFIXES) and not name.startswith(".")


def _write(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], folder: Path, size: int, progress: Progress
) -> None:
    with replacing(folder) as part, progress.bar(f"unpacking {folder.name}", size, "bytes") as advance:
        part.mkdir()
        for name, member in members.items():
            with archive.open(member) as source, (part / name).open("xb") as file:
                shutil.copyfileobj(source, file)
            advance(member.file_size)
        if folder.exists():
            shutil.rmtree(folder)
