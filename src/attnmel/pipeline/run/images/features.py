"""What the features of a fitted system are computed of, for the images of a data set: computed once, kept on disk.

A folder `features-<key>` in the cache holds parts of `PART` images each, in the order of the image cache, so that work
that was stopped goes on where it was. The key depends on the prepared images, the feature and its weights.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from attnmel.data.preprocess.array_file import writable
from attnmel.data.preprocess.images import central_crop
from attnmel.features.sources import Described, FeatureSource
from attnmel.features.system import FittedSystem
from attnmel.files.checksums import json_sha256
from attnmel.files.folders import cache_folder, replacing
from attnmel.files.locks import hold_file
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions

PART = 64
"""Images a file: what work that is stopped loses at most."""


class DescribedRows(NamedTuple):
    """Some of the wanted images, described."""

    places: Integer[np.ndarray, " n"]
    """Among the wanted rows."""
    described: Described


def described_parts(
    prepared: Prepared,
    rows: Integer[np.ndarray, " N"],
    source: FeatureSource,
    context: float,
    *,
    size: int,
    home: Path,
    progress: Progress = SILENT,
) -> Iterator[DescribedRows]:
    """Give the descriptions of rows of the image cache, part by part; those that are not kept yet are computed first.

    `size`: side in pixels of the central square of the prepared images that is described.

    Raises:
        AttnmelError: the disk is full or cannot be written.
    """
    key = json_sha256([prepared.cache.key, size, source.key(context)])
    folder = cache_folder(home) / f"features-{key}"
    part_of = rows // PART
    parts = np.unique(part_of).tolist()
    with progress.bar("features", len(rows), "images") as advance:
        for part in parts:
            places = np.flatnonzero(part_of == part)
            whole = _part(folder, part, prepared, source, context, size, progress)
            yield DescribedRows(places, {tap: one[rows[places] - part * PART] for tap, one in whole.items()})
            advance(len(places))


def system_predictions(
    system: FittedSystem,
    prepared: Prepared,
    rows: Integer[np.ndarray, " N"],
    *,
    home: Path,
    progress: Progress = SILENT,
) -> Predictions:
    """Predict rows of the image cache, by the descriptions that are kept."""
    size, found = system.card.size, []
    for context in system.card.contexts:
        for name, source in system.sources.items():
            members = system.at(name, context)
            shares = [np.empty((len(rows), len(one.svm.intercepts))) for one in members]
            for part in described_parts(prepared, rows, source, context, size=size, home=home, progress=progress):
                for member, share in zip(members, shares, strict=True):
                    described = part.described[member.place.tap]
                    share[part.places] = system.member_probabilities(member, described)
            found += shares
    return prepared.predictions(rows, system.joined(found))


def _part(
    folder: Path, part: int, prepared: Prepared, source: FeatureSource, context: float, size: int, progress: Progress
) -> Described:
    path = folder / f"part-{part:05d}.safetensors"
    if (found := _read(path)) is not None:
        return found
    with writable(folder, "features"), hold_file(path, waiting=progress.note):
        if (found := _read(path)) is not None:
            return found
        rows = np.arange(part * PART, min((part + 1) * PART, len(prepared.cache)))
        pixels = central_crop(prepared.cache.gather(rows), size)[..., :3]
        # safetensors 0.8 saves the memory of an array as it lies, whatever its strides.
        described = {tap: np.ascontiguousarray(one) for tap, one in source.describe(pixels, context).items()}
        with replacing(path) as new:
            # safetensors makes files that their owner alone may read; others get the rights of any other file.
            new.touch()
            rights = new.stat().st_mode
            save_file(described, new)
            new.chmod(rights)
    return described


def _read(path: Path) -> Described | None:
    """Return a part; None where there is none, or a damaged one, which is computed again."""
    try:
        return load_file(path) if path.is_file() else None
    except (SafetensorError, OSError):
        return None
