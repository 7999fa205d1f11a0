"""Agreement of masks against scikit-learn, and what becomes of masks that cannot be compared."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.metrics import f1_score, jaccard_score

from attnmel.evaluation.challenge.masks import mask_pixels
from attnmel.evaluation.masks.agreement import file_pixels, mean_overlaps, overlaps, rank_correlation


def pairs(count: int = 12) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random truths, and predictions that flip more and more of their pixels."""
    generator = np.random.default_rng(0)
    truths = [generator.random((9, 11)) < 0.4 for _ in range(count)]
    return [(truth ^ (generator.random(truth.shape) < n / 40), truth) for n, truth in enumerate(truths)]


def grey(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * 255


def saved(path: Path, mask: np.ndarray) -> Path:
    Image.fromarray(grey(mask)).save(path)
    return path


def test_overlaps_are_those_of_scikit_learn_and_below_065_counts_as_failed() -> None:
    found = overlaps(np.stack([mask_pixels(grey(mine), grey(true)) for mine, true in pairs()]))
    jaccard = np.array([jaccard_score(true.ravel(), mine.ravel()) for mine, true in pairs()])
    dice = [f1_score(true.ravel(), mine.ravel()) for mine, true in pairs()]
    np.testing.assert_allclose(found["jaccard"], jaccard)
    np.testing.assert_allclose(found["dice"], dice)
    np.testing.assert_array_equal(found["failed"], jaccard < 0.65)
    np.testing.assert_allclose(found["threshold_jaccard"], np.where(jaccard < 0.65, 0, jaccard))
    assert 0 < found["failed"].mean() < 1


def test_images_of_one_lesion_are_resampled_together() -> None:
    pixels = np.repeat(np.stack([mask_pixels(grey(mine), grey(true)) for mine, true in pairs()]), 4, axis=0)
    alone = mean_overlaps(pixels, [str(place) for place in range(48)], resamples=400)["jaccard"]
    together = mean_overlaps(pixels, [str(place // 4) for place in range(48)], resamples=400)["jaccard"]
    assert alone.value == together.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_where_no_mask_failed_the_share_of_failures_has_an_upper_end() -> None:
    """Wilson's, by lesion; statsmodels' proportion_confint gives 0 to 0.2425 for none of 12."""
    true = grey(pairs()[0][1])
    pixels = np.stack([mask_pixels(true, true)] * 24)
    found = mean_overlaps(pixels, [str(place // 2) for place in range(24)], resamples=50)
    assert found["failed"] == pytest.approx((0, 0, 0.2425), abs=5e-5)
    assert np.isnan(found["jaccard"][1:]).all(), "all are 1"


def test_files_are_counted_and_a_missing_mask_is_an_empty_one(tmp_path: Path) -> None:
    mine, true = pairs()[5]
    files = saved(tmp_path / "mine.png", mine), saved(tmp_path / "true.png", true)
    np.testing.assert_array_equal(file_pixels(files), mask_pixels(grey(mine), grey(true)))
    np.testing.assert_array_equal(file_pixels((None, files[1])), [0, 0, true.sum(), true.size - true.sum()])


def test_files_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    small = saved(tmp_path / "small.png", np.ones((4, 5), dtype=bool))
    large = saved(tmp_path / "large.png", np.ones((8, 5), dtype=bool))
    said = file_pixels((small, large))
    assert isinstance(said, str)
    assert said.endswith("small.png is 5 x 4 pixels, but the true mask large.png is 5 x 8")
    (tmp_path / "text.png").write_text("text")
    assert "no picture" in str(file_pixels((tmp_path / "text.png", large)))


def test_the_rank_correlation_is_scipys_and_none_of_equal_values() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.integers(0, 9, 40) / 9, generator.integers(0, 9, 40) / 9
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b)[0])
    assert np.isnan(rank_correlation(np.ones(3), b[:3]))
    assert np.isnan(rank_correlation(a[:1], b[:1]))
