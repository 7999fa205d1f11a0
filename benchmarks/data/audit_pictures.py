"""JPEG files of 1024x768 pixels to audit: phantoms, and among them the images of folders, in one share for all sizes.

    python benchmarks/data/audit_pictures.py OUT --real FOLDER [FOLDER ...] [--sizes 20000 100000] [--share 0.1443]
    /usr/bin/time -v attnmel audit OUT/100000 --home EMPTY --json --out page.html

OUT/drawn holds the phantoms; OUT/SIZE a folder of links with labels.csv for each size, with a share of real images (one
name of several FOLDERs counts once; 14,429 of 100,000 is the default). A phantom is drawn at 80x60 pixels (at 1024x768
it takes a second), enlarged to 512x384, each pixel doubled, given grey noise and written as JPEG of quality 90. What is
there already is not drawn again.
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from attnmel.data.phantoms.phantom import draw_phantom

DRAWN, HALF = (60, 80), (512, 384)
SIDES = (1024, 768)
NOISE = 4
"""Grey levels that the noise adds or takes at most."""
TOGETHER = 100


def noise() -> Image.Image:
    """Return grey noise, twice as wide and high as a picture, from 0 on."""
    levels = np.random.default_rng(0).integers(0, 2 * NOISE + 1, (2 * SIDES[1], 2 * SIDES[0]), dtype=np.uint8)
    return Image.merge("RGB", [Image.fromarray(levels)] * 3)


def draw(folder: Path, indices: Sequence[int]) -> int:
    """Draw the phantoms that are not there yet."""
    grain, width, height = noise(), *SIDES
    for index in indices:
        path = folder / f"p{index:06d}.jpg"
        if path.exists():
            continue
        small = Image.fromarray(draw_phantom(0, index, height=DRAWN[0], width=DRAWN[1]).image)
        left, top = np.random.default_rng(index).integers(0, (width, height)).tolist()
        part = grain.crop((left, top, left + width, top + height))
        large = small.resize(HALF, Image.Resampling.BICUBIC).resize(SIDES, Image.Resampling.NEAREST)
        picture = ImageChops.add(large, part, 1, -NOISE)
        unfinished = path.with_suffix(".part")
        picture.save(unfinished, "JPEG", quality=90)
        unfinished.rename(path)
    return len(indices)


def link(folder: Path, paths: Sequence[Path]) -> None:
    """Write links to the pictures and labels.csv."""
    folder.mkdir()
    for path in paths:
        (folder / path.name).symlink_to(path.resolve())
    rows = [f"{path.stem},{number % 2}\n" for number, path in enumerate(paths)]
    (folder / "labels.csv").write_text("image,label\n" + "".join(rows))


def main() -> None:
    """Draw and link."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--real", type=Path, nargs="*", default=[])
    parser.add_argument("--sizes", type=int, nargs="*", default=[20_000, 100_000])
    parser.add_argument("--share", type=float, default=0.14429)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    every = {path.stem: path for folder in chosen.real for path in sorted(folder.rglob("*.jpg"))}
    real = [every[name] for name in sorted(every)]
    count = max(size - round(chosen.share * size) for size in chosen.sizes)
    drawn = chosen.out / "drawn"
    drawn.mkdir(parents=True, exist_ok=True)
    parts = [range(start, min(start + TOGETHER, count)) for start in range(0, count, TOGETHER)]
    done = 0
    with ProcessPoolExecutor(chosen.processes) as pool:
        for some in pool.map(draw, [drawn] * len(parts), parts):
            done += some
            print(f"{done} of {count} phantoms", flush=True)
    for size in chosen.sizes:
        wanted = round(chosen.share * size)
        # Spread over all, so that each size has images of each data set.
        some = [real[number * len(real) // wanted] for number in range(wanted)]
        link(chosen.out / str(size), [*some, *(drawn / f"p{index:06d}.jpg" for index in range(size - wanted))])


if __name__ == "__main__":
    main()
