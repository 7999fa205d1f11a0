import numpy as np
import pytest

from attnmel.features.handcrafted import (
    central_share,
    colour_histograms,
    edge_histograms,
    grey,
    lbp_histograms,
    patches,
)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)


def test_a_colour_histogram_is_numpys(pixels: np.ndarray) -> None:
    edges = [np.linspace(0, 256, 5)] * 3
    expected = [np.histogramdd(one.reshape(-1, 3), edges)[0].ravel() / 24**2 for one in pixels]
    np.testing.assert_allclose(colour_histograms(pixels, 4), expected, rtol=1e-6)


def test_a_colour_histogram_knows_no_place(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(colour_histograms(pixels, 8), colour_histograms(pixels[:, ::-1, ::-1], 8))


@pytest.mark.parametrize(("across", "place"), [(True, 0), (False, 4)])
def test_an_edge_has_its_direction_in_every_square_that_it_crosses(across: bool, place: int) -> None:
    ramp = np.linspace(0, 250, 32).astype(np.uint8)
    image = np.broadcast_to(ramp[None, :] if across else ramp[:, None], (32, 32))
    found = edge_histograms(np.stack([image] * 3, axis=-1)[None], 8, 2)[0]
    directions = found[: 4 * 8].reshape(4, 8)
    np.testing.assert_allclose(directions[:, place], 1, atol=0.05)
    np.testing.assert_allclose(found[4 * 8 :].sum(), 1, atol=1e-6)


def test_an_image_without_an_edge_has_no_direction() -> None:
    found = edge_histograms(np.full((1, 16, 16, 3), 90, dtype=np.uint8), 8, 2)[0]
    assert not found[:32].any()
    assert found[32] == 1


def test_local_binary_patterns_do_not_change_with_brightness(pixels: np.ndarray) -> None:
    dark = pixels // 2
    brighter = dark + 60
    found = lbp_histograms(dark, [1, 2, 3])
    assert found.shape == (3, 3 * 3 * 10)
    np.testing.assert_array_equal(found, lbp_histograms(brighter, [1, 2, 3]))
    np.testing.assert_allclose(found.reshape(3, 9, 10).sum(axis=2), 1, atol=1e-6)


def test_patches_are_the_squares_of_the_image_in_reading_order(pixels: np.ndarray) -> None:
    found = patches(pixels, 7, colour=True)
    assert found.shape == (3, 9, 7 * 7 * 3)
    np.testing.assert_array_equal(found[1, 5], pixels[1, 7:14, 14:21].ravel())
    in_grey = patches(pixels, 8, colour=False)
    np.testing.assert_array_equal(in_grey[2, 4], (grey(pixels)[2, 8:16, 8:16] * 255).round().ravel())


def test_the_whole_share_at_its_own_size_is_the_image_itself(pixels: np.ndarray) -> None:
    assert central_share(pixels, 1, 24) is pixels


def test_a_central_share_is_the_middle() -> None:
    image = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    image[:, 8:24, 8:24] = 200
    assert central_share(image, 0.5, 16).min() == 200
    assert central_share(image, 1, 16).min() == 0
