"""The cells of polar pooling: what turning and mirroring a map does to them."""

import numpy as np
import pytest
import torch

from attnmel.models.polar import RINGS, SECTORS, asymmetry, cell_shares, polar_means

ONES = torch.ones(1, 1, 8, 8, dtype=torch.float64)


def random_map(side: int) -> torch.Tensor:
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("side", [2, 7, 8])
def test_a_quarter_turn_permutes_the_sectors_and_the_axes(side: int) -> None:
    features, ones = random_map(side), ONES[..., :side, :side]
    cells, turned = polar_means(features, ones), polar_means(features.rot90(-1, (2, 3)), ones)
    torch.testing.assert_close(turned, cells.roll(1, dims=3), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(asymmetry(turned), asymmetry(cells).roll(1, dims=2), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("side", [7, 8])
def test_a_map_that_looks_the_same_turned_is_not_asymmetric(side: int) -> None:
    features = random_map(side)
    round_map = sum((features.rot90(turns, (2, 3)) for turns in range(1, 4)), features)
    assert asymmetry(polar_means(round_map, ONES[..., :side, :side])).abs().max() < 1e-12
    assert asymmetry(polar_means(features, ONES[..., :side, :side])).min() > 0


def test_a_map_of_one_half_is_symmetric_about_one_axis_alone() -> None:
    upper = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    upper[..., :4, :] = 1
    across, along = asymmetry(polar_means(upper, ONES))[0, 0, :, 0].tolist()
    assert across == pytest.approx(1)
    assert along == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("height", "width"), [(7, 7), (64, 64), (8, 12)])
def test_cells_are_means_of_rings_of_equal_area(height: int, width: int) -> None:
    shares = cell_shares(height, width)
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    sizes = 1 / (shares**2).sum(1)
    if height == 64:
        np.testing.assert_allclose(sizes, np.pi / 4 * height * width / (RINGS * SECTORS), rtol=0.1)


def test_a_cell_without_a_position_is_0() -> None:
    # One position of 8 x 8 points, of which the inner ring of a very flat map has some, is in every cell.
    assert np.isfinite(cell_shares(1, 1)).all()
    assert set(cell_shares(1, 1).sum(1).round(6)) <= {0.0, 1.0}


def test_corners_count_nowhere() -> None:
    assert not cell_shares(8, 8).reshape(-1, 8, 8)[:, 0, 0].any()
