"""Masks that lie wrongly on their image are found by its colours; masks that lie right are not."""

import numpy as np
import pytest
from PIL import Image
from tests.images import spot_on_skin

from attnmel.data.phantoms import draw_phantom
from attnmel.data.verify.mask_checks import mask_problems
from attnmel.data.verify.mask_fit import (
    SIDE,
    TURNS,
    border_contrast,
    fit_problems,
    is_skin,
    small_image,
    small_mask,
    turn_problem,
)


def photograph(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A dark long blot off the centre of light skin, and its mask."""
    centre, radii = (0.3 * SIDE, 0.35 * SIDE), (0.2 * SIDE, 0.1 * SIDE)
    return spot_on_skin(SIDE, SIDE, centre=centre, radii=radii, grain=12, seed=seed)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_mask_is_reported_with_what_turns_it_back(turn: int) -> None:
    image, mask = photograph()
    inverse = {1: 3, 3: 1}.get(turn, turn)
    wrong = np.rot90(mask[:, ::-1] if inverse & 4 else mask, inverse & 3)
    found = turn_problem(image, wrong, is_square=True)
    assert found is not None
    assert found[0] == "mask turned by colours"
    assert found[1].startswith(f"after {TURNS[turn]} its border would fit the colours better: ")


def test_a_quarter_turn_is_not_looked_for_where_the_size_would_tell() -> None:
    image, mask = photograph()
    found = turn_problem(image, np.rot90(mask), is_square=False)
    assert found is None or "quarter" not in found[1]


def test_masks_that_lie_right_are_no_problem() -> None:
    for index in range(8):
        phantom = draw_phantom(5, index, height=120, width=160)
        image, mask = small_image(Image.fromarray(phantom.image)), small_mask(phantom.mask)
        assert turn_problem(image, mask, is_square=True) is None
        assert not is_skin(image, mask)


def test_skin_marked_around_a_lesion_off_the_centre_is_an_inverted_mask() -> None:
    image, mask = photograph()
    inverted = ~mask
    problems = mask_problems(inverted.astype(np.uint8) * np.uint8(255))
    assert [kind for kind, _ in problems] == ["mask at all borders"]
    (found,) = fit_problems(image, inverted, problems, is_square=True)
    assert found == ("mask inverted", "it marks 94 % of the frame, which is lighter than the rest")


def test_the_fit_is_the_distance_of_the_means_in_spreads() -> None:
    chance = np.random.default_rng(1)
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[20:44, 20:44] = True
    image = chance.normal(100, 10, (SIDE, SIDE, 3)) - 40 * mask[..., None]
    # Three channels, each 40 apart with a deviation of 10 and the noise that is allowed for.
    assert border_contrast(image.astype(np.float32), mask) == pytest.approx(40 * np.sqrt(3 / (10**2 + 3**2)), rel=0.05)
    assert border_contrast(image.astype(np.float32), np.zeros_like(mask)) == 0
