import numpy as np
import pytest

from attnmel.config.settings.tta import PLAIN, Transform, transforms_of
from attnmel.data.preprocess.images import central_crop
from attnmel.data.preprocess.tta import transformed

SIDE, SIZE = 37, 32
"""The rim of this square is not equal on both sides."""


@pytest.fixture
def square() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def seen(square: np.ndarray, name: str) -> set[bytes]:
    """What a network sees of a square in each transform."""
    squares = [transformed(square, one, size=SIZE) for one in transforms_of(name)]
    assert {one.shape for one in squares} == {(SIDE, SIDE, 3)}
    return {central_crop(one[None], SIZE)[0].tobytes() for one in squares}


def test_the_first_transform_changes_nothing(square: np.ndarray) -> None:
    assert np.array_equal(transformed(square, PLAIN, size=SIZE), square)


@pytest.mark.parametrize("name", ["dihedral", "dihedral+scales"])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_network_sees_the_same_squares_of_a_turned_or_mirrored_image(
    square: np.ndarray, name: str, turns: int, mirrored: bool
) -> None:
    other = np.rot90(square[:, ::-1] if mirrored else square, turns)
    views = seen(square, name)
    assert seen(other, name) == views
    assert len(views) == len(transforms_of(name))
    changed = square.copy()
    changed[SIDE // 2, SIDE // 2] ^= 255
    assert seen(changed, name) != views


def test_the_second_scale_shows_all_of_the_prepared_square(square: np.ndarray) -> None:
    half = np.zeros((64, 64, 3), dtype=np.uint8)
    half[:, 32:] = 200
    plain, whole = (central_crop(transformed(half, one, size=32)[None], 32)[0] for one in transforms_of("scales"))
    assert np.array_equal(plain, half[16:48, 16:48])
    assert np.array_equal(whole[:, :15], half[:32, :15])
    assert abs(int(whole.mean()) - 100) <= 1


def test_a_view_is_the_part_of_the_turned_square(square: np.ndarray) -> None:
    # A part of exactly the input's size needs no interpolation.
    part = Transform(turns=1, mirrored=True, view=(3 / SIDE, 2 / SIDE, SIZE / SIDE))
    found = central_crop(transformed(square, part, size=SIZE)[None], SIZE)[0]
    assert np.array_equal(found, np.rot90(square[:, ::-1])[2 : 2 + SIZE, 3 : 3 + SIZE])
