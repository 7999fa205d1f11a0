from typing import get_args

import pytest
import torch

from attnmel.config import recipe
from attnmel.data.priors.kinds import NO_PRIOR, PRIORS


@pytest.mark.parametrize("name", PRIORS)
def test_every_prior_keeps_shape_and_range(name: str) -> None:
    mask = torch.rand(2, 1, 8, 8)
    prior = PRIORS[name](mask)
    assert prior.shape == (2, {"structures": 4, "structures+lesion": 5}.get(name, 1), 8, 8)
    assert 0 <= prior.min() <= prior.max() <= 1


def test_lesion_and_background_share_out_the_image() -> None:
    mask = torch.rand(2, 1, 8, 8)
    assert torch.equal(PRIORS["lesion"](mask), mask)
    torch.testing.assert_close(PRIORS["lesion"](mask) + PRIORS["background"](mask), torch.ones_like(mask))


def test_structures_are_the_bits_of_the_bytes_of_the_mask() -> None:
    marks = torch.rand(2, 5, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.5
    packed = (marks * torch.tensor([1, 2, 4, 8, 16])[:, None, None]).sum(1, keepdim=True)
    assert torch.equal(PRIORS["structures+lesion"](packed / 255), marks.float())
    assert torch.equal(PRIORS["structures"](packed / 255), marks[:, :4].float())


def test_no_prior_is_not_one_of_them() -> None:
    assert NO_PRIOR not in PRIORS


def test_priors_are_those_of_the_settings() -> None:
    assert {NO_PRIOR, *PRIORS} == set(get_args(recipe.Prior))
