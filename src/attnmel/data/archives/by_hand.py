"""Data sets that their publishers give to people who ask: where to get them and where to put them. No torch."""

from collections.abc import Mapping
from pathlib import Path

from attnmel.files.folders import dataset_folder

BY_HAND: Mapping[str, str] = {
    "ph2": "https://www.fc.up.pt/addi/ph2%20database.html",
    "derm7pt": "https://derm.cs.sfu.ca",
}
"""The page on which each data set is requested."""

HOLDS: Mapping[str, str] = {
    "ph2": "PH2_dataset.txt and the folder 'PH2 Dataset images'",
    "derm7pt": "the folders meta and images of release_v0",
}
"""What must lie there, in the folder itself or in one below it."""


def how_to_get(dataset: str, home: Path) -> str:
    """Return in one sentence where such a data set is got and where it is unpacked."""
    return (
        f"{dataset} cannot be fetched by a program: get it from {BY_HAND[dataset]} and unpack it in "
        f"{dataset_folder(home, dataset)}, so that {HOLDS[dataset]} lie there"
    )
