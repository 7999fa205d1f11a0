"""Superpixels and their features against a hand-made example; every way that the two can be wrong is told."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel.data.datasets.superpixels import marked_superpixels, read_features, read_superpixels
from attnmel.errors import ImageError

NAMES = ("pigment_network", "negative_network", "milia_like_cyst", "streaks")
# Colours of a 3 x 2 picture, and their numbers worked out by hand: 1 * 256, 2 * 256 + 3, ...
COLOURS = [[(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(3, 2, 0), (0, 0, 1), (7, 0, 1)]]
NUMBERS = [[0, 1, 256], [515, 65_536, 65_543]]


@pytest.fixture
def superpixels(tmp_path: Path) -> Path:
    path = tmp_path / "ISIC_1_superpixels.png"
    Image.fromarray(np.array(COLOURS, np.uint8)).save(path)
    return path


def write_features(folder: Path, **marked: list[int]) -> Path:
    """Features as lists that are long enough, 1 at the places given; globules are none of the four."""
    path = folder / "ISIC_1_features.json"
    lists = {name: [int(place in marked.get(name, [])) for place in range(65_544)] for name in (*NAMES, "globules")}
    path.write_text(json.dumps(lists))
    return path


def test_a_colour_is_the_number_that_was_worked_out_by_hand(superpixels: Path) -> None:
    assert read_superpixels(superpixels, (3, 2)).tolist() == NUMBERS


def test_the_union_of_the_four_features_is_marked(superpixels: Path, tmp_path: Path) -> None:
    features = write_features(tmp_path, pigment_network=[1, 515], streaks=[65_543, 9, 1], globules=[0])
    assert marked_superpixels(superpixels, features, NAMES, (3, 2)).tolist() == [
        [False, True, False],
        [True, False, True],
    ]


def test_superpixels_of_another_size_than_the_image_are_refused(superpixels: Path) -> None:
    with pytest.raises(ImageError, match=r"ISIC_1_superpixels\.png is 3 x 2 pixels, but its image is 2 x 3; expected"):
        read_superpixels(superpixels, (2, 3))


def test_a_superpixel_beyond_the_lists_is_refused(superpixels: Path, tmp_path: Path) -> None:
    features = tmp_path / "ISIC_1_features.json"
    features.write_text(json.dumps({name: [0] * 65_543 for name in NAMES}))
    with pytest.raises(
        ImageError, match=r"has a superpixel 65543, but the lists of ISIC_1_features\.json end at 65542"
    ):
        marked_superpixels(superpixels, features, NAMES, (3, 2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"cannot be read \(.*\); take the file from the archive again"),
        ("[0, 1]", "holds no features by name"),
        (json.dumps({"streaks": [0], "pigment_network": [1]}), "lacks negative_network, milia_like_cyst; expected"),
        (json.dumps({name: [0, 2] for name in NAMES}), "pigment_network is no list of 0 and 1"),
        (json.dumps(dict.fromkeys(NAMES, "01")), "pigment_network is no list of 0 and 1"),
        (json.dumps({name: [0] * len(name) for name in NAMES}), r"unequal length \(pigment_network 15, negative_"),
    ],
)
def test_features_that_are_malformed_are_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "ISIC_1_features.json"
    path.write_text(content)
    with pytest.raises(ImageError, match=rf"ISIC_1_features\.json.*{message}"):
        read_features(path, NAMES)


def test_features_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"ISIC_1_features\.json cannot be read \(.*No such file"):
        read_features(tmp_path / "ISIC_1_features.json", NAMES)
