"""Folders and names as strangers have them: no masks, letters that a pipe lacks, names that are no UTF-8."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

OUTSIDE_CP1252 = "影.jpg"
NO_UTF_8 = os.fsdecode(b"lesion-\xff.jpg")


def make(folder: Path) -> None:
    """Write `clinic` (an own folder without masks) and `names` (photographs with such names)."""
    rows = ["image,label"]
    for number in range(24):
        name = f"p{number:02d}"
        _photograph(folder / "clinic" / f"{name}.png", number)
        rows.append(f"{name},{'melanoma' if number % 2 else 'rest'}")
    (folder / "clinic" / "labels.csv").write_text("\n".join(rows) + "\n")
    for number, name in enumerate((OUTSIDE_CP1252, NO_UTF_8)):
        _photograph(folder / "names" / name, number)


def _photograph(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(120, 200, (48, 64, 3)).astype(np.uint8)
    pixels[16:32, 20:40] = (70, 40, 30) if number % 2 else (150, 100, 80)
    Image.fromarray(pixels).save(path)
