"""Predictions of the same six images as strangers publish them, and what their mean and mean rank are.

python -m tests.strangers.tables.make_fusion FOLDER
"""

import sys
from pathlib import Path

IDS = tuple(f"ISIC_{number:07d}" for number in range(6))
MELANOMA = ((0.1, 0.9, 0.4, 0.4, 0.2, 0.7), (0.01, 0.02, 0.5, 0.03, 0.04, 0.6), (0.6, 0.8, 0.1, 0.7, 0.5, 0.9))
KERATOSIS = ((0.5, 0.05, 0.3, 0.1, 0.2, 0.1), (0.9, 0.1, 0.2, 0.3, 0.8, 0.5), (0.1, 0.1, 0.8, 0.2, 0.4, 0.05))
"""By file and image; the second file's columns were made one by one and add up to more than 1 in one image."""

MEANS = tuple(round(sum(column) / 3, 12) for column in zip(*MELANOMA, strict=True))
RANKS = (
    ((1, 6, 3.5, 3.5, 2, 5), (1, 2, 5, 3, 4, 6), (3, 5, 1, 4, 2, 6)),
    ((6, 1, 5, 2.5, 4, 2.5), (6, 1, 2, 3, 5, 4), (2.5, 2.5, 6, 4, 5, 1)),
)
"""Of melanoma and seborrheic keratosis, by file, from 1; equal probabilities share the mean of their ranks."""


def make_predictions(folder: Path) -> tuple[Path, ...]:
    """Write the three files: without a header; with an index and endings, reversed; with semicolons and commas."""
    rows = [list(zip(IDS, *one, strict=True)) for one in zip(MELANOMA, KERATOSIS, strict=True)]
    texts = {
        "no-header.csv": [f"{image},{first},{second}" for image, first, second in rows[0]],
        "index-and-nevus.csv": [
            ",melanoma,nevus,seborrheic_keratosis",
            *(f"{image}.jpg,{first},0.0,{second}" for image, first, second in reversed(rows[1])),
        ],
        "semicolons.csv": [
            "seborrheic_keratosis;melanoma;image_id",
            *(f"{second};{first};{image}".replace(".", ",") for image, first, second in rows[2]),
        ],
    }
    for name, lines in texts.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return tuple(folder / name for name in texts)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    make_predictions(Path(sys.argv[1]))
