"""Names of data sets and splits -> an audit: read, cut, compared, stored; an audit of the same files is not redone."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from attnmel.compute.threads import available_processors
from attnmel.data.audit.descriptors import CHUNK, CROP, SIDE, signatures
from attnmel.data.audit.findings import AuditEntry, AuditFinding, findings_of
from attnmel.data.audit.same_pictures import same_pictures
from attnmel.data.audit.search.candidates import COMPARED_WITH_ALL
from attnmel.data.audit.store import VERSION, Audit, audit_key, audit_path, read_audit, write_audit
from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading
from attnmel.data.datasets.read_dataset import Dataset, own_folder_path, published_folder, read_dataset
from attnmel.data.datasets.splits import fold_sentence, in_use, with_splits
from attnmel.data.preprocess.array_file import MEMORY
from attnmel.data.preprocess.cache import Cache, open_cache
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.errors import ConfigError, LabelError, counted, require_known
from attnmel.files.folders import cache_folder
from attnmel.pipeline.run.images.left_out import refuse_unknown_ids
from attnmel.progress import SILENT, Progress
from attnmel.records import EVERY_SPLIT, Lesion


@dataclass(frozen=True)
class AuditInputs:
    """The images of an audit: its entries, and where the prepared image of each lies."""

    entries: tuple[AuditEntry, ...]
    caches: tuple[Cache, ...]
    places: tuple[tuple[int, int], ...]
    """Cache and row of each entry."""
    names: tuple[int, ...]
    """Index of the name on the command line that each entry belongs to."""

    def images(self, entries: Sequence[int]) -> np.ndarray:
        """Return the prepared images of some entries, [B, S, S, 3], red, green and blue."""
        pixels = np.empty((len(entries), SIDE, SIDE, 4), dtype=np.uint8)
        for number, cache in enumerate(self.caches):
            here = [at for at, entry in enumerate(entries) if self.places[entry][0] == number]
            rows = np.array([self.places[entries[at]][1] for at in here], dtype=np.int64)
            pixels[here] = cache.gather(rows)
        return pixels[..., :3]  # A view: copying three of four bytes takes longer than all of them.


@dataclass(frozen=True)
class Audited:
    """The result of `attnmel audit`."""

    inputs: AuditInputs = field(repr=False)
    audit: Audit
    path: Path
    """The stored audit."""
    leaks: tuple[AuditFinding, ...] | None
    """From the training to the test images; None where no sides were named."""

    def __repr__(self) -> str:
        return f"Audited({counted(len(self.findings), 'finding')}; see .findings and .to_dict())"

    @property
    def findings(self) -> tuple[AuditFinding, ...]:
        """Return what the pages and lists are of: the leaks where sides were named, else everything."""
        return self.audit.findings if self.leaks is None else self.leaks

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel audit --json`."""
        from attnmel.pipeline.data.audit_output import audit_dict

        return audit_dict(self)


def audit_datasets(
    names: Sequence[str],
    *,
    home: Path,
    train: Sequence[str] = (),
    test: Sequence[str] = (),
    reading: TableReading = AS_WRITTEN,
    embedding: str = "",
    exhaustive: bool = False,
    progress: Progress = SILENT,
) -> Audited:
    """Audit the data sets and splits named, and look for leaks from those that train to those that test.

    `reading` is how the tables of own folders are read; their classes also decide how a folder without splits is split,
    a fold how those that train are, and what is left out of them, as in a training. With `exhaustive` each image is
    compared with every other, which is done of up to `COMPARED_WITH_ALL` images anyway.

    Raises:
        ConfigError: one side without the other, or as `prepare_audit`.
        LabelError: as `prepare_audit`.
    """
    if bool(train) != bool(test):
        raise ConfigError("leakage goes from one side to another; name both --train and --test")
    every = list(dict.fromkeys(names)) if not train else [*names, *train, *test]
    trained_on = {dataset_and_split(one)[0] for one in train or names}
    inputs = prepare_audit(every, home=home, reading=reading, trained_on=trained_on, progress=progress)
    made, path = audit(inputs, home=home, embedding=embedding, exhaustive=exhaustive, progress=progress)
    found = None
    if train:
        sides = np.searchsorted([len(names), len(names) + len(train)], inputs.names, side="right")
        found = made.leaks(np.flatnonzero(sides == 1).tolist(), np.flatnonzero(sides == 2).tolist())
    return Audited(inputs, made, path, found)


def prepare_audit(
    names: Sequence[str],
    *,
    home: Path,
    reading: TableReading = AS_WRITTEN,
    trained_on: Collection[str] = (),
    progress: Progress = SILENT,
) -> AuditInputs:
    """Read the data sets and splits that are named (DATASET or DATASET:SPLIT) and open their prepared images.

    The fold of the `reading` is that of the data sets `trained_on` alone, and of these its own one lacks the images
    that a training leaves out.

    Raises:
        ConfigError: no name, one named twice, two folders of one name, or an unknown data set or split.
        LabelError: a split without an image.
    """
    chosen = [dataset_and_split(name) for name in names]
    if not chosen:
        raise ConfigError("nothing to audit; name data sets, for example isic2017 or isic2017:train")
    of_others = dataclasses.replace(reading, fold=None, own="")
    readings = {name: reading if name in trained_on else of_others for name, _ in chosen}
    datasets = {name: _read(name, home, one, progress) for name, one in readings.items()}
    _check_names(datasets)
    used = {name: _used(one, readings[name], progress) for name, one in datasets.items()}
    caches = {name: _opened(dataset, home, progress) for name, dataset in datasets.items()}
    entries: list[AuditEntry] = []
    places: list[tuple[int, int]] = []
    numbers: list[int] = []
    for number, (name, split) in enumerate(chosen):
        dataset, cache = datasets[name], caches[name]
        lesions = [one for one in used[name] if split in (None, one.split)]
        if not lesions:
            there = ", ".join(sorted({str(one.split) for one in used[name]}))
            raise LabelError(f"{name} has no image in the split '{split}'; it has images in: {there}")
        digests = _digests(lesions, home, progress)
        rows = cache.rows([one.image_id for one in lesions])
        entries += [
            AuditEntry(dataset.name, one.split, one.image_id, digests[one.image], one.diagnosis, one.group)
            for one in lesions
        ]
        places += [(list(caches).index(name), int(row)) for row in rows]
        numbers += [number] * len(lesions)
    _check_single(entries, numbers, names)
    return AuditInputs(tuple(entries), tuple(caches.values()), tuple(places), tuple(numbers))


def audit(
    inputs: AuditInputs, *, home: Path, embedding: str = "", exhaustive: bool = False, progress: Progress = SILENT
) -> tuple[Audit, Path]:
    """Return what is found of the entries, from the store where the same files were audited before, and its file.

    `embedding` is "random", a run folder or a checkpoint, whose trunk's embedding is compared as well.
    """
    source, features = "", None
    if embedding:
        from attnmel.pipeline.data.embedding import embedded  # and with it torch

        source, features = embedded(embedding)
    # One file may be an entry of several data sets, and is compared once.
    single = _first_places(inputs.entries)
    digests, places = list(single), list(single.values())
    in_groups = len(places) > COMPARED_WITH_ALL and not exhaustive
    key = audit_key(inputs.entries, source, in_groups=in_groups)
    path = audit_path(home, key)
    if (stored := read_audit(home, key)) is not None:
        return stored, path
    described = signatures(_chunks(inputs, places, progress), len(places))
    found = same_pictures(
        described, lambda rows: inputs.images([places[row] for row in rows]), progress, in_groups=in_groups
    )
    matches = [(digests[one.first], digests[one.second], one) for one in found]
    findings = findings_of(inputs.entries, matches)
    if features is not None:
        findings += _alike(inputs, findings, features(_chunks(inputs, places, progress)), digests)
    made = Audit(VERSION, source, inputs.entries, findings, in_groups)
    write_audit(home, key, made)
    return made, path


def dataset_and_split(name: str) -> tuple[str, str | None]:
    """Return the data set and the split that DATASET or DATASET:SPLIT names; None for all splits.

    Raises:
        ConfigError: no such split.
    """
    dataset, colon, split = name.rpartition(":")
    # A path may hold a colon of its own, as C:\images does.
    if not colon or not dataset or "/" in split or "\\" in split:
        return name, None
    require_known("split", split, EVERY_SPLIT)
    return dataset, split


def _read(name: str, home: Path, reading: TableReading, progress: Progress) -> Dataset:
    dataset = read_dataset(name, home, reading=reading, disjoint=False)
    is_drawn = all(lesion.split is None for lesion in dataset.lesions)
    folder = own_folder_path(name)
    if is_drawn and reading.classes is None and folder is not None and published_folder(folder) is None:
        progress.note(
            f"{dataset.name} has no column split, so its images were split by their labels as they are written; a "
            "training splits them by its classes: name its recipe or run folder by --recipe for the same split"
        )
    if reading.fold is not None:
        progress.note(fold_sentence(reading.fold, dataset.name))
    return dataclasses.replace(dataset, lesions=with_splits(dataset.lesions, reading.fold))


def _used(dataset: Dataset, reading: TableReading, progress: Progress) -> tuple[Lesion, ...]:
    """Return the images of a data set that a training uses: all but those that its own recipe leaves out."""
    if dataset.name != reading.own:
        return dataset.lesions
    refuse_unknown_ids(reading.exclude, dataset.lesions, f"data.exclude names images that {dataset.name} does not hold")
    used, notes = in_use(dataset.lesions, reading.exclude, reading.limit, dataset.name)
    for note in notes:
        progress.note(note)
    return used


def _opened(dataset: Dataset, home: Path, progress: Progress) -> Cache:
    # Masks are `verify`'s concern: a broken one is no reason not to look for copies.
    bare = [dataclasses.replace(lesion, mask=None) for lesion in dataset.lesions]
    return open_cache(bare, crop=CROP, side=SIDE, home=home, progress=progress)


def _digests(lesions: Sequence[Lesion], home: Path, progress: Progress) -> dict[Path, str]:
    return content_hashes(
        [lesion.image for lesion in lesions],
        memory=cache_folder(home) / MEMORY,
        workers=available_processors(),
        progress=progress,
    )


def _check_names(datasets: Mapping[str, Dataset]) -> None:
    """Refuse two folders of one name: their images, patients and exclusions would be mixed up."""
    places: dict[str, tuple[str, Path | None]] = {}
    for name, dataset in datasets.items():
        folder = own_folder_path(name)
        before, place = places.setdefault(dataset.name, (name, folder and folder.resolve()))
        if place != (folder and folder.resolve()):
            raise ConfigError(f"'{before}' and '{name}' are both called {dataset.name}; rename one of the folders")


def _check_single(entries: Sequence[AuditEntry], numbers: Sequence[int], names: Sequence[str]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for entry, number in zip(entries, numbers, strict=True):
        before = seen.setdefault((entry.side, entry.image_id), number)
        if before != number:
            raise ConfigError(
                f"'{names[before]}' and '{names[number]}' both hold {entry.side}/{entry.image_id}; name each split once"
            )


def _first_places(entries: Sequence[AuditEntry]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, entry in enumerate(entries):
        places.setdefault(entry.digest, place)
    return places


def _chunks(inputs: AuditInputs, places: Sequence[int], progress: Progress) -> Iterator[np.ndarray]:
    with progress.bar("Reading images", len(places), "images") as advance:
        for start in range(0, len(places), CHUNK):
            some = places[start : start + CHUNK]
            yield inputs.images(some)
            advance(len(some))


def _alike(
    inputs: AuditInputs, found: Sequence[AuditFinding], pairs: Sequence[tuple[int, int, float]], digests: Sequence[str]
) -> tuple[AuditFinding, ...]:
    """Return the pairs with similar embeddings that no other finding joins."""
    known = {frozenset((inputs.entries[one.first].digest, inputs.entries[one.second].digest)) for one in found}
    place = _first_places(inputs.entries)
    return tuple(
        AuditFinding("alike", place[digests[first]], place[digests[second]], cosine)
        for first, second, cosine in pairs
        if frozenset((digests[first], digests[second])) not in known
    )
