"""The maps of many images in one file, written and read some at a time, so that memory stays flat.

A NumPy archive: "image" (ids), "levels" [N, s, s] (0 to 255 over each map's own range), "low" and "high" [N] (the ends
of that range, in [0, 1]). A value is low + (high - low) * level / 255, off by a 510th of the range at most, in a
quarter of the space of float32 before compression. Measures are taken of the maps before. No torch.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from attnmel import NOTICE
from attnmel.errors import PredictionsError
from attnmel.files.folders import replacing
from attnmel.files.table_files import damage

LEVELS = 255


@contextmanager
def map_file(
    path: Path, image_ids: Sequence[str], side: int, licence: str
) -> Iterator[Callable[[Float[np.ndarray, "B s s"]], None]]:
    """Give the function that adds the maps of the next images; the file is there once all were added."""
    ends: list[np.ndarray] = []
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        # The header can be written before the maps are there: their number and size are known.
        with archive.open("levels.npy", "w", force_zip64=True) as levels:
            shape = (len(image_ids), side, side)
            np.lib.format.write_array_header_1_0(levels, {"descr": "|u1", "fortran_order": False, "shape": shape})

            def add(maps: Float[np.ndarray, "B s s"]) -> None:
                low, high = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
                ends.append(np.stack([low, high]).astype(np.float32))
                levels.write(quantised(maps).tobytes())

            yield add
        low, high = np.concatenate(ends, axis=1)
        texts = {"image": np.array(image_ids), "notice": np.array(NOTICE), "licence": np.array(licence)}
        for name, values in {**texts, "low": low, "high": high}.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)


def quantised(maps: Float[np.ndarray, "B s s"]) -> UInt8[np.ndarray, "B s s"]:
    """Spread each map over 0 to 255; a constant map becomes 0."""
    low, high = (end(axis=(1, 2), keepdims=True) for end in (maps.min, maps.max))
    return ((maps - low) / np.where(high > low, high - low, 1) * LEVELS).round().astype(np.uint8)


def read_levels(path: Path, image_ids: Sequence[str], batch: int = 64) -> Iterator[UInt8[np.ndarray, "B s s"]]:
    """Give the maps of all images of a file over their own ranges, in order, some at a time.

    Raises:
        PredictionsError: there is no such file, it is damaged, or of other images than those named.
    """
    again = "run `attnmel explain RUN --split` again"
    with (
        damage(path, PredictionsError, again, found="missing or damaged", missing=True),
        zipfile.ZipFile(path) as archive,
    ):
        with archive.open("image.npy") as file:
            same = np.lib.format.read_array(file, allow_pickle=False).tolist() == list(image_ids)
        if not same:
            raise PredictionsError(f"{path} is of other images; {again}")
        with archive.open("levels.npy") as file:
            np.lib.format.read_magic(file)
            (count, side, _), _, _ = np.lib.format.read_array_header_1_0(file)
            for start in range(0, count, batch):
                some = min(batch, count - start)
                yield np.frombuffer(file.read(some * side**2), dtype=np.uint8).reshape(some, side, side)
