import pytest
import torch

from attnmel.saliency.methods.scaling import positive, stretched, upsampled


@pytest.mark.parametrize("level", [0.0, 0.3, -7.0, 1e6])
@pytest.mark.parametrize("scale", [positive, stretched])
def test_a_constant_map_becomes_zero_also_after_up_sampling(scale: type[torch.Tensor], level: float) -> None:
    assert not scale(upsampled(torch.full((2, 7, 7), level), 224)).any()


def test_stretched_reaches_zero_and_one_and_keeps_the_order() -> None:
    torch.testing.assert_close(
        stretched(torch.tensor([[[-2.0, 0.0], [1.0, 2.0]]])), torch.tensor([[[0, 0.5], [0.75, 1]]])
    )


def test_positive_keeps_zero_where_it_is() -> None:
    torch.testing.assert_close(positive(torch.tensor([[[-2.0, 0.0], [1.0, 4.0]]])), torch.tensor([[[0, 0], [0.25, 1]]]))
    assert not positive(torch.tensor([[[-2.0, -1.0]]]).repeat(1, 2, 1)).any()


def test_each_map_has_its_own_scale_and_small_ones_are_no_constants() -> None:
    maps = torch.tensor([[[0.0, 1e-9], [0.0, 2e-9]], [[0.0, 1.0], [0.0, 2.0]]])
    for scale in (positive, stretched):
        torch.testing.assert_close(scale(maps)[0], scale(maps)[1])


def test_a_map_that_is_not_finite_stays_so_and_spoils_no_other() -> None:
    maps = torch.tensor([[[0.0, torch.nan]], [[0.0, 1.0]]]).repeat(1, 2, 1)
    for scale in (positive, stretched):
        assert scale(maps)[0].isnan().any()
        assert torch.equal(scale(maps)[1], maps[1])
