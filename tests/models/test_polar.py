"""The cells of polar pooling: what turning and mirroring a map does to them."""

import math

import numpy as np
import pytest
import torch

from attnmel.models.polar import (
    RINGS,
    SECTORS,
    asymmetry,
    cell_shares,
    ellipse_shares,
    lesion_ellipses,
    polar_means,
)

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


def filled(cx: float, cy: float, long: float, short: float, angle: float, side: int = 28) -> torch.Tensor:
    """A map of an ellipse: its centre, half axes and angle, in coordinates from -1 to 1."""
    at = (2 * torch.arange(side) + 1) / side - 1
    x, y = at[None] - cx, at[:, None] - cy
    u = (x * math.cos(angle) + y * math.sin(angle)) / long
    v = (-x * math.sin(angle) + y * math.cos(angle)) / short
    return (u * u + v * v < 1).float()[None, None]


@pytest.mark.parametrize(
    ("cx", "cy", "long", "short", "angle"),
    [(0.1, -0.2, 0.6, 0.3, 0.5), (0, 0, 0.5, 0.5, 0), (0.2, 0.1, 0.7, 0.2, -1.0), (0, 0, 0.7, 0.3, math.pi / 2)],
)
def test_an_ellipse_filled_evenly_has_its_own_centre_axes_and_angle(
    cx: float, cy: float, long: float, short: float, angle: float
) -> None:
    found = lesion_ellipses(filled(cx, cy, long, short, angle, side=56))
    turn = torch.linspace(0, 2 * math.pi, 16)
    u, v = long * turn.cos(), short * turn.sin()
    border = torch.stack(
        [cx + u * math.cos(angle) - v * math.sin(angle), cy + u * math.sin(angle) + v * math.cos(angle), torch.ones(16)]
    )
    inside = (found.to_disc[0] @ border).norm(dim=0)
    np.testing.assert_allclose(inside, 1, atol=0.03)
    assert not found.is_disc.any()
    if long > short:  # u runs along the long axis
        assert (found.to_disc[0, 0] @ border[:, 0]).abs() == pytest.approx(1, abs=0.03)


def test_without_a_lesion_the_grid_is_the_disc() -> None:
    maps = torch.cat([torch.zeros(1, 1, 14, 14), 0.5 * torch.ones(1, 1, 14, 14), filled(0, 0, 0.5, 0.4, 0, side=14)])
    maps[0, 0, 3, 4] = 1  # one position of 196 is less than a hundredth
    found = lesion_ellipses(maps)
    assert found.is_disc.tolist() == [True, True, False]
    for one in ellipse_shares(found.to_disc[:2], 7, 8):
        np.testing.assert_allclose(one, cell_shares(7, 8), atol=1e-6)


def test_the_grid_of_the_ellipse_moves_and_turns_with_the_lesion() -> None:
    features, lesion = random_map(8).float(), filled(-0.25, -0.125, 0.6, 0.3, 0.4, side=32)
    ones = ONES.float()

    def cells(features: torch.Tensor, lesion: torch.Tensor) -> torch.Tensor:
        shares = ellipse_shares(lesion_ellipses(lesion).to_disc, 8, 8)
        return polar_means(features, ones, shares)

    before, turned = cells(features, lesion), cells(features.rot90(1, (2, 3)), lesion.rot90(1, (2, 3)))
    # The long axis has no direction: the sectors may be turned by two.
    assert any(torch.allclose(turned, before.roll(turn, dims=3), atol=1e-5) for turn in (0, 2))
    torch.testing.assert_close(asymmetry(turned), asymmetry(before), rtol=1e-4, atol=1e-6)
    moved = cells(features.roll(1, dims=3), lesion.roll(4, dims=3))
    torch.testing.assert_close(moved, before, rtol=1e-4, atol=1e-5)


def test_a_lesion_that_is_symmetric_about_its_own_axes_is_not_asymmetric_on_its_ellipse() -> None:
    lesion = filled(0.25, 0, 0.6, 0.3, math.pi / 4, side=32)
    features = torch.nn.functional.avg_pool2d(lesion, 4)
    on_ellipse = polar_means(features, ONES.float(), ellipse_shares(lesion_ellipses(lesion).to_disc, 8, 8))
    assert asymmetry(on_ellipse).max() < 0.1 * asymmetry(polar_means(features, ONES.float())).max()
