import numpy as np
import pytest
from scipy import stats

from attnmel.evaluation.statistics.bootstrap import Interval, within_difference
from attnmel.evaluation.statistics.delong import areas, logit_interval
from attnmel.evaluation.statistics.multi_seed import SeedEstimate, crossed_draws, difference_estimate, recipe_estimate

FIRST, SECOND = np.array([0.80, 0.84, 0.79]), np.array([0.86, 0.90, 0.85])


def covariance(seeds: int, own: float, together: float) -> np.ndarray:
    return np.full((seeds, seeds), together) + np.eye(seeds) * (own - together)


def test_the_variance_is_that_of_the_seeds_and_what_two_seeds_share_over_images() -> None:
    found = recipe_estimate(FIRST, covariance(3, 0.0006, 0.0004))
    between = FIRST.var(ddof=1) / 3
    assert found.value == pytest.approx(FIRST.mean())
    assert found.variance == pytest.approx(between + 0.0004)
    assert found.freedom == pytest.approx((between + 0.0004) ** 2 / (between**2 / 2))


def test_many_images_leave_welch_s_test_over_seeds() -> None:
    found = difference_estimate(FIRST, SECOND, np.zeros((6, 6)))
    _, p = stats.ttest_ind(SECOND, FIRST, equal_var=False)
    ends = stats.ttest_ind(SECOND, FIRST, equal_var=False).confidence_interval()
    assert found.p() == pytest.approx(p)
    assert found.interval() == pytest.approx((0.06, ends.low, ends.high))


def test_many_images_leave_the_t_interval_over_seeds_of_one_recipe() -> None:
    found = recipe_estimate(FIRST, np.zeros((3, 3)))
    assert found.freedom == 2
    assert found.interval() == pytest.approx((FIRST.mean(), *stats.t.interval(0.95, 2, FIRST.mean(), stats.sem(FIRST))))


def test_seeds_that_agree_leave_the_variance_over_images() -> None:
    same = np.full(3, 0.8)
    known = covariance(3, 0.0006, 0.0004)
    found = recipe_estimate(same, known)
    assert found.variance == pytest.approx(known.mean())
    assert found.freedom > 1e6
    alone = recipe_estimate(same[:1], known[:1, :1])
    assert (alone.variance, alone.freedom) == (0.0006, np.inf)


def test_seeds_that_lie_together_by_chance_do_not_fall_below_the_variance_over_images() -> None:
    close = np.array([0.800, 0.8001, 0.7999])
    known = covariance(3, 0.0009, 0.0001)
    assert recipe_estimate(close, known).variance == pytest.approx(known.mean())
    both = np.zeros((6, 6))
    both[:3, :3] = both[3:, 3:] = known
    contrast = np.repeat([-1 / 3, 1 / 3], 3)
    assert difference_estimate(close, close + 0.01, both).variance == pytest.approx(contrast @ both @ contrast)


def test_a_difference_without_variance_has_an_interval_only_where_it_is_0() -> None:
    """As DeLong's: an interval from -1 to -1 without a p would claim more than is known."""
    same, none, no = np.ones(3), np.zeros(3), np.zeros((6, 6))
    equal, apart = difference_estimate(same, same, no), difference_estimate(same, none, no)
    assert (equal.interval(), equal.p()) == ((0, 0, 0), 1)
    assert apart.interval().value == -1
    assert np.isnan([*apart.interval()[1:], apart.p()]).all()


def test_images_that_both_recipes_find_hard_alike_narrow_the_difference() -> None:
    apart, together = covariance(6, 0.0006, 0.0004), covariance(6, 0.0006, 0.0004)
    apart[:3, 3:] = apart[3:, :3] = 0
    wide, narrow = (difference_estimate(FIRST, SECOND, known) for known in (apart, together))
    assert wide.variance == pytest.approx(narrow.variance + 2 * 0.0004)


def test_a_single_seed_is_taken_to_vary_as_the_other_recipe_does() -> None:
    one = np.array([0.9])
    found = difference_estimate(FIRST, one, np.zeros((4, 4)))
    between = FIRST.var(ddof=1) * (1 / 3 + 1)
    assert (found.variance, found.freedom) == (pytest.approx(between), pytest.approx(2))
    turned = difference_estimate(one, FIRST, np.zeros((4, 4)))
    assert (turned.value, turned.variance) == (pytest.approx(-found.value), pytest.approx(found.variance))


def test_equal_recipes_do_not_differ_and_a_difference_without_variance_has_no_p() -> None:
    assert SeedEstimate(0.0, 0.0, np.inf).p() == 1
    assert np.isnan(SeedEstimate(0.1, 0.0, np.inf).p())


def test_a_mean_has_its_interval_on_the_logit_scale() -> None:
    found = SeedEstimate(0.95, 0.0009, 2.0)
    assert found.share_interval() == logit_interval(0.95, 0.0009, float(stats.t.ppf(0.975, 2)))
    assert 0 < found.share_interval().low < 0.95 < found.share_interval().high < 1


def test_the_hierarchical_bootstrap_draws_seeds_anew_in_each_resample() -> None:
    draws = np.tile([0.0, 1.0], (20_000, 1))
    found = crossed_draws(draws, np.random.default_rng(0))
    assert set(found.tolist()) == {0.0, 0.5, 1.0}
    assert found.mean() == pytest.approx(0.5, abs=0.01)
    assert found.var() == pytest.approx(0.125, abs=0.005)
    assert (
        crossed_draws(draws[:5], np.random.default_rng(1)) == crossed_draws(draws[:5], np.random.default_rng(1))
    ).all()


def simulated(generator: np.random.Generator, seeds: int, vary: float, images: int = 200) -> tuple[np.ndarray, ...]:
    """Draw AUCs and their covariance of two equal recipes whose seeds separate the kinds a little differently."""
    positive = np.arange(images) < images // 4
    shared = generator.normal(size=(images, 1)) * 0.6**0.5
    own = generator.normal(size=(images, 2 * seeds)) * 0.4**0.5
    found = areas(positive, positive[:, None] * (1.4 + generator.normal(0, vary, 2 * seeds)) + shared + own)
    return found.auc, found.covariance


@pytest.mark.parametrize("simulations", [120, pytest.param(600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("vary", [0.05, 0.2])
def test_five_seeds_cover_the_truth(vary: float, simulations: int) -> None:
    generator, truth = np.random.default_rng(10), stats.norm.cdf(1.4 / np.sqrt(2 + vary**2))
    means, differences = [], []
    for _ in range(simulations):
        values, known = simulated(generator, 5, vary)
        _, low, high = recipe_estimate(values[:5], known[:5, :5]).share_interval()
        means.append(low <= truth <= high)
        differences.append(difference_estimate(values[:5], values[5:], known).p() >= 0.05)
    # Three Monte Carlo standard errors of 95 % in 600 are 2.7 %; a test that claims too rarely is no fault here.
    error = 3 * (0.95 * 0.05 / simulations) ** 0.5
    assert np.mean(means) == pytest.approx(0.955, abs=error + 0.005)
    assert 0.95 - error <= np.mean(differences)
    assert simulations < 600 or np.mean(differences) <= 0.99


def test_a_difference_is_not_larger_than_two_shares_can_differ_by() -> None:
    wide = SeedEstimate(-0.7, 0.5, 3.0)
    assert wide.interval().low == -1
    assert wide.interval().high == 1
    assert SeedEstimate(0.1, 1e-4, np.inf).interval().low == pytest.approx(0.1 - stats.norm.ppf(0.975) * 0.01)
    assert np.isnan(within_difference(Interval(0.2, np.nan, np.nan)).low)


def test_a_difference_varies_by_the_seeds_and_by_what_they_share_over_images() -> None:
    """Of recipes that images move differently, also where one of them has a single seed."""
    known = np.full((5, 5), 0.0001)
    known[:3, :3], known[3:, 3:] = covariance(3, 0.0006, 0.0004), covariance(2, 0.0009, 0.0003)
    several = difference_estimate(FIRST, SECOND[:2], known)
    between = FIRST.var(ddof=1) / 3 + SECOND[:2].var(ddof=1) / 2
    assert several.variance == pytest.approx(between + 0.0004 + 0.0003 - 2 * 0.0001)
    # Seeds as observed differ by the images that they do not share, too: 0.0002, which a single seed's 0.0009 holds.
    expected = FIRST.var(ddof=1) * (1 / 3 + 1) + 0.0004 + (0.0009 - 0.0002) - 2 * 0.0001
    alone = difference_estimate(FIRST, SECOND[:1], known[:4, :4])
    turn = [3, 0, 1, 2]
    turned = difference_estimate(SECOND[:1], FIRST, known[np.ix_(turn, turn)])
    assert (alone.variance, turned.variance) == (pytest.approx(expected), pytest.approx(expected))
