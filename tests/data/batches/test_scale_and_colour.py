import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor

from attnmel.data.batches.scale_and_colour import Warp, WarpRange

SIDE, SIZE = 24, 16
WHOLE = WarpRange(1.0, 1.0, any_angle=False, colour=0.0)


def drawn(count: int, within: WarpRange, *, size: int = SIZE, seed: int = 0) -> Warp:
    return Warp.draw(count, within, size=size, generator=torch.Generator().manual_seed(seed))


def images(count: int, side: int = SIDE) -> Tensor:
    """Images of smooth noise, whose mask is their green channel."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    rgb = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    pixels = (torch.cat([rgb, rgb[:, 1:2]], dim=1) * 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous()


def sampled(warp: Warp, pixels: Tensor) -> np.ndarray:
    """The same by scipy: every pixel of the result has its place in the image, which is mirrored at its edges."""
    side = pixels.shape[1]
    centres = (np.arange(warp.size) + 0.5) / warp.size * 2 - 1
    across, down = np.meshgrid(centres, centres)
    found = []
    for image, square in zip(pixels.numpy(), warp.squares.numpy().astype(np.float64), strict=True):
        x, y = (row[0] * across + row[1] * down + row[2] for row in square)
        place = [((y + 1) * side - 1) / 2, ((x + 1) * side - 1) / 2]
        found.append(
            [map_coordinates(image[..., c].astype(np.float64), place, order=1, mode="reflect") for c in range(4)]
        )
    return np.array(found)


@pytest.mark.parametrize("any_angle", [False, True])
def test_pixels_are_those_that_scipy_interpolates(any_angle: bool) -> None:
    warp = drawn(12, WarpRange(0.3, 1.0, any_angle=any_angle, colour=0.0))
    pixels = images(12)
    np.testing.assert_allclose(warp(pixels).numpy(), sampled(warp, pixels), atol=0.02)


def test_the_whole_square_unchanged_in_size_is_turned_and_flipped_to_the_pixel() -> None:
    warp, pixels = drawn(64, WHOLE, size=SIDE), images(64)
    moved = warp(pixels)
    kinds = set()
    for before, after in zip(pixels.permute(0, 3, 1, 2).float(), moved, strict=True):
        ways = [
            (turns, flip)
            for turns in range(4)
            for flip in (False, True)
            if torch.allclose(after, torch.rot90(before.flip(2) if flip else before, turns, dims=(1, 2)), atol=0.01)
        ]
        assert len(ways) == 1
        kinds.add(ways[0])
    assert len(kinds) == 8


def test_areas_are_spread_over_their_range_and_squares_stay_inside() -> None:
    warp = drawn(4000, WarpRange(0.25, 0.81, any_angle=False, colour=0.0))
    areas = warp.squares[:, :, :2].det().abs()
    assert areas.min().item() == pytest.approx(0.25, abs=0.01)
    assert areas.max().item() == pytest.approx(0.81, abs=0.01)
    assert areas.mean().item() == pytest.approx(0.53, abs=0.01)
    reach = warp.squares[:, :, 2].abs() + areas.sqrt()[:, None]
    assert reach.max().item() <= 1 + 1e-6


def test_colours_change_as_the_formula_says_and_masks_do_not() -> None:
    warp, pixels = drawn(6, WarpRange(1.0, 1.0, any_angle=False, colour=0.3), size=SIDE), images(6)
    plain = Warp(SIDE, warp.squares, torch.ones(6, 6))(pixels).double().numpy()
    moved = warp(pixels).numpy()
    np.testing.assert_array_equal(moved[:, 3], plain[:, 3].astype(np.float32))
    for image, before, factors in zip(moved, plain, warp.colours.double().numpy(), strict=True):
        rgb = before[:3] * factors[0]
        rgb = rgb.mean() + (rgb - rgb.mean()) * factors[1]
        grey = rgb.mean(axis=0)
        expected = np.clip((grey + (rgb - grey) * factors[2]) * factors[3:, None, None], 0, 255)
        np.testing.assert_allclose(image[:3], expected, atol=0.01)
    assert warp.colours[:, :3].min() >= 0.7
    assert warp.colours[:, :3].max() <= 1.3
    assert (warp.colours[:, 3:] - 1).abs().max() <= 0.075 + 1e-6


def test_a_part_of_a_warp_does_what_the_whole_does_to_these_images() -> None:
    warp, pixels = drawn(8, WarpRange(0.5, 1.0, any_angle=True, colour=0.2)), images(8)
    assert torch.equal(warp[2:5](pixels[2:5]), warp(pixels)[2:5])
    assert len(warp[2:5]) == 3


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, False, 0.0), None),
        ((None, True, 0.0), WarpRange(0.49, 0.49, any_angle=True, colour=0.0)),
        ((None, False, 0.1), WarpRange(0.49, 0.49, any_angle=False, colour=0.1)),
        ((0.5, False, 0.0), WarpRange(0.5, 1.0, any_angle=False, colour=0.0)),
    ],
)
def test_the_slides_settings_need_no_warp(given: tuple[float | None, bool, float], expected: WarpRange | None) -> None:
    found = WarpRange.of(*given, 0.7)
    assert found == expected or (found is not None and expected is not None and found.smallest == pytest.approx(0.49))


def test_bits_of_several_structures_are_those_of_the_nearest_pixel() -> None:
    warp, pixels = drawn(4, WarpRange(0.3, 1.0, any_angle=True, colour=0.0)), images(4)
    moved, mixed = warp(pixels, bits=True), warp(pixels)
    assert torch.equal(moved[:, :3], mixed[:, :3])
    for before, after in zip(pixels[..., 3], moved[:, 3], strict=True):
        assert set(after.unique().tolist()) <= set(before.unique().tolist())
    masks = torch.where(pixels[..., 3:] > 127, 255, 0).to(torch.uint8)
    binary = torch.cat([pixels[..., :3], masks], dim=3)
    nearest, between = warp(binary, bits=True)[:, 3], warp(binary)[:, 3]
    sure = (between == 0) | (between == 255)
    assert torch.equal(nearest[sure], between[sure])


def test_places_and_angles_are_spread_over_all_that_there_are() -> None:
    squares = drawn(4000, WarpRange(0.25, 0.25, any_angle=True, colour=0.0)).squares
    places = squares[:, :, 2] / (1 - 0.5)  # a square of half the side may move by half of it
    assert places.std(dim=0).tolist() == pytest.approx([3**-0.5] * 2, rel=0.05)
    assert places.abs().max().item() == pytest.approx(1, abs=0.01)
    angles = torch.atan2(-squares[:, 0, 1], squares[:, 1, 1])
    quarters = torch.histc(angles, bins=4, min=-torch.pi, max=torch.pi)
    assert quarters.min().item() > 0.9 * 1000
