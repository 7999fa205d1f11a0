"""Building the cache from 3000 x 2000 JPEGs, on one core, against decoding each whole and resizing it.

    python benchmarks/data/cache_build.py

The cache's side is everything: hashing, decoding at a smaller scale, resizing, writing, renaming. The other side
decodes, cuts and resizes with the same filter and keeps nothing. The pictures are phantoms, saved as cameras and
archives save: the more bytes a picture has, the more of the time goes into reading its code, which no scale saves.
"code" decodes at an eighth and keeps nothing: hardly more than reading that code, which bounds what any scale can save.
Medians of interleaved runs; the difference is the mean over pixels, in grey levels of 255.
"""

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from attnmel.compute import runtime
from attnmel.data.phantoms import draw_phantom
from attnmel.data.preprocess.cache import open_cache
from attnmel.data.preprocess.images import central_square
from attnmel.files.folders import cache_folder
from attnmel.records import Lesion

WIDTH, HEIGHT, CROP, SIDE = 3000, 2000, 0.8, 256
PICTURES, COPIES, RUNS = 3, 16, 5
WANTED = 2.0


class Saved(NamedTuple):
    """How the pictures are saved."""

    quality: int
    subsampling: int
    """0: colours at full size, 2: at half size."""
    noise: float
    """Standard deviation of the sensor's noise in grey levels."""


KINDS = {
    "quality 90": Saved(90, 2, 0),
    "quality 95": Saved(95, 2, 0),
    "quality 90, noise of 3": Saved(90, 2, 3),
    "quality 95, noise of 3, full colours": Saved(95, 0, 3),
}


def write_pictures(folder: Path, drawn: list[np.ndarray], saved: Saved) -> list[Lesion]:
    """Write each picture several times: more to measure, without the time to draw more."""
    random = np.random.default_rng(0)
    folder.mkdir()
    lesions = []
    for number in range(PICTURES * COPIES):
        pixels = drawn[number % PICTURES] + random.normal(0, saved.noise, (HEIGHT, WIDTH, 1))
        path = folder / f"i{number:02d}.jpg"
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        picture.save(path, quality=saved.quality, subsampling=saved.subsampling)
        lesions.append(Lesion(image_id=path.stem, image=path, diagnosis=None, split=None))
    return lesions


def whole(lesions: list[Lesion]) -> np.ndarray:
    """Decode each picture whole, cut and resize it."""
    square = central_square(WIDTH, HEIGHT, CROP)
    box = (square.left, square.top, square.left + square.side, square.top + square.side)
    rows = []
    for lesion in lesions:
        with Image.open(lesion.image) as picture:
            pixels = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        rows.append(np.asarray(pixels))
    return np.stack(rows)


def code(lesions: list[Lesion]) -> np.ndarray:
    """Read the code of each picture and the mean of each block of eight by eight."""
    rows = []
    for lesion in lesions:
        with Image.open(lesion.image) as picture:
            picture.draft("RGB", (WIDTH // 8, HEIGHT // 8))
            rows.append(np.asarray(picture))
    return np.stack(rows)


def cached(lesions: list[Lesion], home: Path) -> np.ndarray:
    """Build the cache from nothing."""
    return np.array(open_cache(lesions, crop=CROP, side=SIDE, home=home, workers=1).images)


def measure(name: str, lesions: list[Lesion], home: Path) -> None:
    """Time both in turn and print a line."""
    seconds: dict[str, list[float]] = {"whole": [], "cache": [], "code": []}
    rows: dict[str, np.ndarray] = {}
    for _ in range(RUNS):
        shutil.rmtree(cache_folder(home), ignore_errors=True)
        for way, make in (
            ("whole", lambda: whole(lesions)),
            ("cache", lambda: cached(lesions, home)),
            ("code", lambda: code(lesions)),
        ):
            start = time.perf_counter()
            rows[way] = make()
            seconds[way].append((time.perf_counter() - start) / len(lesions))
    before, after, least = (statistics.median(seconds[way]) * 1e3 for way in ("whole", "cache", "code"))
    size = sum(lesion.image.stat().st_size for lesion in lesions) / len(lesions) / 1e6
    difference = np.abs(rows["whole"].astype(int) - rows["cache"]).mean()
    print(f"{name:38} {size:6.2f} {before:9.1f} {least:9.1f} {after:9.1f} {before / after:7.2f} {difference:11.2f}")


def main() -> None:
    """Draw, save, measure; one line a kind of file."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{runtime.device_name(torch.device('cpu'))}, one core")
    print(f"{WIDTH} x {HEIGHT} -> {SIDE}; medians of {RUNS} interleaved runs; wanted: ratio {WANTED}")
    print(f"{'JPEG':38} {'MB':>6} {'whole ms':>9} {'code ms':>9} {'cache ms':>9} {'ratio':>7} {'difference':>11}")
    drawn = [draw_phantom(0, number, height=HEIGHT, width=WIDTH).image for number in range(PICTURES)]
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, saved) in enumerate(KINDS.items()):
            lesions = write_pictures(Path(folder) / str(number), drawn, saved)
            measure(name, lesions, Path(folder) / "home")


if __name__ == "__main__":
    main()
