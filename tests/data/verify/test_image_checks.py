import numpy as np
import pytest

from attnmel.data.verify.image_checks import dark_share, image_problems

SKIN = (200, 160, 140)


def frame(dark_columns: int) -> np.ndarray:
    image = np.full((50, 100, 3), SKIN, dtype=np.uint8)
    image[:, :dark_columns] = (12, 10, 9)
    return image


@pytest.mark.parametrize(
    ("columns", "expected"),
    [(0, []), (30, []), (31, ["image dark around"]), (94, ["image dark around"]), (95, ["image black"])],
)
def test_dark_frames_are_told_by_their_share(columns: int, expected: list[str]) -> None:
    assert dark_share(frame(columns)) == pytest.approx(columns / 100)
    assert [kind for kind, _ in image_problems(frame(columns))] == expected


def test_a_dark_red_lesion_is_not_a_black_frame() -> None:
    image = np.full((50, 50, 3), (45, 15, 15), dtype=np.uint8)
    assert image_problems(image) == []
