from typing import get_args

import pytest
import torch

from attnmel.config import recipe
from attnmel.data.priors.kinds import NO_PRIOR, PRIORS


@pytest.mark.parametrize("name", PRIORS)
def test_every_prior_keeps_shape_and_range(name: str) -> None:
    mask = torch.rand(2, 1, 8, 8)
    prior = PRIORS[name](mask)
    assert prior.shape == mask.shape
    assert 0 <= prior.min() <= prior.max() <= 1


def test_lesion_and_background_share_out_the_image() -> None:
    mask = torch.rand(2, 1, 8, 8)
    assert torch.equal(PRIORS["lesion"](mask), mask)
    torch.testing.assert_close(PRIORS["lesion"](mask) + PRIORS["background"](mask), torch.ones_like(mask))


def test_no_prior_is_not_one_of_them() -> None:
    assert NO_PRIOR not in PRIORS


def test_priors_are_those_of_the_settings() -> None:
    assert {NO_PRIOR, *PRIORS} == set(get_args(recipe.Prior))
