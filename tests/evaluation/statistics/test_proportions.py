import numpy as np
import pytest
from scipy import stats

from attnmel.evaluation.statistics.bootstrap import Interval, Sampling, jackknife
from attnmel.evaluation.statistics.proportions import mean_interval_of, share_interval, wilson_interval


@pytest.mark.parametrize(("found", "images"), [(0, 5), (3, 11), (93, 117), (20, 20)])
def test_wilsons_interval_is_scipys(found: int, images: int) -> None:
    expected = stats.binomtest(found, images).proportion_ci(method="wilson")
    assert wilson_interval(found / images, images) == pytest.approx((found / images, *expected), abs=1e-12)


def found_share(found: np.ndarray, groups: list[str]) -> Interval:
    """Share of the images that are found, by the error that the jackknife gives."""
    sampling = Sampling.of(groups)
    error = jackknife(lambda weights: (weights @ found / weights.sum(axis=1))[:, None], sampling).error[0]
    return share_interval(float(found.mean()), float(error), len(set(groups)))


def test_single_images_count_as_many_as_they_are() -> None:
    found = np.arange(60) % 4 > 0
    expected = stats.binomtest(45, 60).proportion_ci(method="wilson")
    assert found_share(found, [str(i) for i in range(60)]) == pytest.approx((0.75, *expected), abs=1e-12)


def test_images_that_repeat_a_lesion_count_as_one() -> None:
    found = (np.arange(60) % 4 > 0).repeat(5)
    expected = stats.binomtest(45, 60).proportion_ci(method="wilson")
    assert found_share(found, [str(i // 5) for i in range(300)]) == pytest.approx((0.75, *expected), abs=1e-12)
    every = found_share(np.ones(300), [str(i // 5) for i in range(300)])
    assert every == pytest.approx((1, *stats.binomtest(60, 60).proportion_ci(method="wilson")), abs=1e-12)


def test_a_mean_of_shares_stays_in_range_and_has_a_lower_end_at_one() -> None:
    mean = mean_interval_of([wilson_interval(1.0, 20), wilson_interval(1.0, 80)])
    assert (mean.value, mean.high) == (1, 1)
    assert 0.9 < mean.low < 1


def test_the_ends_of_a_mean_are_those_of_newcombes_difference() -> None:
    # Newcombe 1998, table II, method 10, of 56/70 - 48/80: .0524 to .3339. A mean with 1 - q instead of q is half that.
    mean = mean_interval_of([wilson_interval(56 / 70, 70), wilson_interval(1 - 48 / 80, 80)])
    assert (2 * mean.low - 1, 2 * mean.high - 1) == pytest.approx((0.0524, 0.3339), abs=5e-5)
