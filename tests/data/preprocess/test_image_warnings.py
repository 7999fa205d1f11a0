import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.spatial.distance import mahalanobis

from attnmel.data.preprocess.coverage import Covered
from attnmel.data.preprocess.image_warnings import (
    LEAST_SHARPNESS,
    WARNINGS,
    colour_distances,
    colour_statistics,
    contrast,
    image_warnings,
    mean_colour,
    not_checked,
    sharpness,
)

SEEN = Covered(width=400, height=300, side=240, of_image=0.4, of_lesion=1.0, found=True)
NOISE = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)


def test_sharpness_is_the_variance_of_scipys_laplacian() -> None:
    grey = NOISE.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    assert sharpness(NOISE) == pytest.approx(ndimage.laplace(grey)[1:-1, 1:-1].var(), rel=1e-4)


def test_sharpness_is_measured_at_one_size() -> None:
    large = np.asarray(Image.fromarray(NOISE).resize((448, 448), Image.Resampling.BILINEAR))
    small = np.asarray(Image.fromarray(large).resize((224, 224), Image.Resampling.BILINEAR))
    assert sharpness(large) == sharpness(small)


def test_the_colour_distance_is_scipys_and_one_training_image_in_a_hundred_is_far() -> None:
    colours = np.random.default_rng(1).multivariate_normal([0.7, 0.5, 0.5], 0.01 * np.eye(3) + 0.005, 1000)
    found = colour_statistics(colours)
    assert found is not None
    inverse = np.linalg.inv(np.cov(colours, rowvar=False))
    expected = mahalanobis([0.5, 0.5, 0.5], colours.mean(axis=0), inverse)
    assert colour_distances(found, np.array([[0.5, 0.5, 0.5]]))[0] == pytest.approx(expected, rel=1e-3)
    assert (colour_distances(found, colours) > found.limit).sum() == pytest.approx(10, abs=1)


def test_too_few_or_equal_colours_give_no_statistics() -> None:
    assert colour_statistics(np.random.default_rng(1).random((29, 3))) is None
    assert colour_statistics(np.full((100, 3), 0.5)) is None


def test_a_good_image_has_no_warning() -> None:
    pixels = NOISE // 4 + 120
    assert sharpness(pixels) > LEAST_SHARPNESS
    assert image_warnings(pixels, SEEN, None) == ()


@pytest.mark.parametrize(
    ("covered", "names"),
    [
        (SEEN._replace(of_lesion=0.74), ("outside the square",)),
        (SEEN._replace(of_lesion=0.75), ()),
        (SEEN._replace(side=223.9), ("smaller than the input",)),
        (SEEN._replace(side=224.0), ()),
        (SEEN._replace(width=601), ("strip",)),
        (SEEN._replace(width=600), ()),
        (SEEN._replace(width=300, height=601), ("strip",)),
        (SEEN._replace(of_lesion=None, found=False), ("no lesion found",)),
        (SEEN._replace(of_lesion=None, found=None), ()),
        (SEEN._replace(side=100, of_lesion=0.1), ("outside the square", "smaller than the input")),
    ],
)
def test_each_warning_is_given_beyond_its_threshold(covered: Covered, names: tuple[str, ...]) -> None:
    assert image_warnings(NOISE, covered, None) == names
    assert set(names) <= set(WARNINGS)


def test_a_blurred_image_and_far_colours_are_warned_of() -> None:
    colours = colour_statistics(np.random.default_rng(1).normal(0.5, 0.05, (100, 3)))
    green = np.zeros((224, 224, 3), dtype=np.uint8)
    green[..., 1] = 200
    assert image_warnings(green, SEEN, colours) == ("one colour", "colours far from training")
    green[:112, :, 1] = 195
    assert image_warnings(green, SEEN, colours) == ("one colour", "colours far from training")
    green[:112, :, 1] = 190
    assert contrast(green) == pytest.approx(0.587 * 5, rel=1e-4)
    assert image_warnings(green, SEEN, colours) == ("blurred", "colours far from training")
    assert mean_colour(green) == pytest.approx([0, 195 / 255, 0])


def test_a_small_input_is_not_called_blurred() -> None:
    smooth = np.full((112, 112, 3), 120, dtype=np.uint8)
    smooth[:56] = 140
    assert image_warnings(smooth, SEEN, None) == ()
    assert image_warnings(smooth.repeat(2, axis=0).repeat(2, axis=1), SEEN, None) == ("blurred",)


def test_what_cannot_be_checked_is_said() -> None:
    colours = colour_statistics(np.random.default_rng(1).random((100, 3)))
    assert not_checked(colours, 224, masks=True) == ()
    assert not_checked(None, 223, masks=False) == (
        "'blurred' is not checked: the input has fewer than 224 pixels a side, where no image is sharp",
        "'outside the square' and 'no lesion found' are not checked: they need lesion masks (--segmenter, or --masks "
        "of predict)",
        "'colours far from training' is not checked: the network has no colour statistics of its training images",
    )
