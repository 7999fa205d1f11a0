import numpy as np
import pytest

from attnmel.data.preprocess.colour_constancy import colour_corrected, light_of, shades_of_grey


@pytest.fixture
def photograph() -> np.ndarray:
    """Reddish and not too bright, so that nothing is clipped."""
    return np.random.default_rng(0).integers(20, (150, 110, 90), (24, 30, 3), dtype=np.uint8)


def test_norm_one_is_grey_world(photograph: np.ndarray) -> None:
    found = shades_of_grey(photograph, 1.0)
    means = photograph.reshape(-1, 3).mean(axis=0)
    expected = photograph * (np.linalg.norm(means) / np.sqrt(3) / means)
    assert np.abs(found - expected).max() <= 0.5 + 1e-9
    assert np.ptp(found.reshape(-1, 3).mean(axis=0)) < 0.5  # all three means are one grey


def test_an_infinite_norm_is_white_patch(photograph: np.ndarray) -> None:
    found = shades_of_grey(photograph, np.inf)
    brightest = photograph.reshape(-1, 3).max(axis=0)
    expected = photograph * (np.linalg.norm(brightest) / np.sqrt(3) / brightest)
    assert np.abs(found - expected).max() <= 0.5 + 1e-9
    assert np.ptp(found.reshape(-1, 3).max(axis=0)) <= 1  # the brightest of each is one grey
    np.testing.assert_allclose(light_of(photograph, 200.0), brightest / 255, rtol=0.05)


def test_the_light_is_the_minkowski_norm_of_each_channel(photograph: np.ndarray) -> None:
    expected = ((photograph / 255.0) ** 6).reshape(-1, 3).mean(axis=0) ** (1 / 6)
    np.testing.assert_allclose(light_of(photograph, 6.0), expected)


@pytest.mark.parametrize("norm", [1.0, 6.0, np.inf])
def test_a_grey_image_is_unchanged(norm: float) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (9, 7, 1), dtype=np.uint8).repeat(3, axis=2)
    assert np.array_equal(shades_of_grey(grey, norm), grey)


def test_coloured_light_is_taken_away_and_black_stays_black(photograph: np.ndarray) -> None:
    bluer = (photograph * np.array([0.5, 0.6, 0.9])).round().astype(np.uint8)
    gap = np.abs(
        shades_of_grey(bluer) / shades_of_grey(bluer).mean()
        - shades_of_grey(photograph) / shades_of_grey(photograph).mean()
    )
    assert gap.max() < 0.03  # a level or two of rounding
    black = np.zeros((4, 4, 3), dtype=np.uint8)
    assert np.array_equal(shades_of_grey(black), black)
    red = black.copy()
    red[..., 0] = 100
    assert shades_of_grey(red)[..., 1:].max() == 0


def test_no_colour_constancy_changes_nothing(photograph: np.ndarray) -> None:
    assert colour_corrected(photograph, "none") is photograph
    assert np.array_equal(colour_corrected(photograph, "shades-of-grey"), shades_of_grey(photograph, 6.0))
