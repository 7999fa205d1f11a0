from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special, stats

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.statistics import bootstrap as module
from attnmel.evaluation.statistics.bootstrap import (
    Interval,
    Statistic,
    bca_interval,
    bootstrap,
    jackknife,
    logit_interval,
    mean_interval,
    percentile_interval,
)
from attnmel.evaluation.statistics.sampling import Sampling

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
LESIONS = ("a", "b", "c", "d", "e", "e", "f", "g")


def drawn(sampling: Sampling, resamples: int, seed: int = 0) -> np.ndarray:
    return sampling.weights(np.random.default_rng(seed), resamples)


def test_each_resample_holds_as_many_units_of_a_class_as_there_are() -> None:
    images = tuple(str(i) for i in range(len(LABELS)))
    weights = drawn(Sampling.of(images, LABELS), 500)
    for label, count in enumerate(np.bincount(LABELS)):
        assert (weights[:, label == LABELS].sum(axis=1) == count).all()


def test_images_of_one_lesion_are_drawn_together() -> None:
    sampling = Sampling.of(LESIONS, LABELS)
    weights = drawn(sampling, 200)
    assert sampling.units == 7
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, 4] == 1).all(), "the only lesion of its class is always drawn"


def test_how_often_an_image_is_drawn_has_mean_and_variance_of_sampling_with_replacement() -> None:
    weights = drawn(Sampling.of([str(i) for i in range(40)]), 20_000)
    assert weights.mean(axis=0) == pytest.approx(np.ones(40), abs=0.04)
    assert weights.var(axis=0) == pytest.approx(np.full(40, 1 - 1 / 40), abs=0.06)


def test_a_patient_with_several_classes_counts_to_the_rarest() -> None:
    # Class 1 is the rarer one: patients p and q hold it, r to u do not.
    labels = np.array([0, 1, 1, 0, 0, 0, 0])
    sampling = Sampling.of(("p", "p", "q", "r", "s", "t", "u"), labels)
    weights = drawn(sampling, 300)
    assert (weights[:, 1] + weights[:, 2] == 2).all()
    assert (weights[:, 3:].sum(axis=1) == 4).all()


def test_the_order_of_the_images_does_not_matter() -> None:
    turn = np.random.default_rng(1).permutation(len(LABELS))
    there = drawn(Sampling.of(LESIONS, LABELS), 50)
    back = drawn(Sampling.of([LESIONS[i] for i in turn], LABELS[turn]), 50)
    assert (there[:, turn] == back).all()


def test_chunks_do_not_change_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = Sampling.of(LESIONS, LABELS)
    whole = bootstrap(lambda weights: weights, sampling, resamples=100, seed=4)
    monkeypatch.setattr("attnmel.evaluation.statistics.bootstrap.CHUNK", 7 * len(LABELS))
    assert (bootstrap(lambda weights: weights, sampling, resamples=100, seed=4) == whole).all()
    assert (bootstrap(lambda weights: weights, sampling, resamples=100, seed=5) != whole).any()


def test_the_percentile_interval_is_numpys_quantile_without_undefined_resamples() -> None:
    draws = np.append(np.arange(101.0), [np.nan, np.nan])
    assert percentile_interval(7.0, draws) == pytest.approx(Interval(7.0, 2.5, 97.5))
    assert percentile_interval(7.0, draws, confidence=0.8) == pytest.approx((7, 10, 90))
    assert np.isnan(percentile_interval(7.0, np.full(3, np.nan))[1:]).all()


def test_the_interval_of_a_mean_is_near_the_normal_one() -> None:
    values = np.random.default_rng(2).normal(0.6, 0.2, 600)
    value, low, high = mean_interval(values, [str(i) for i in range(600)])
    half = 1.96 * values.std() / np.sqrt(600)
    assert (value, low, high) == pytest.approx((values.mean(), values.mean() - half, values.mean() + half), abs=1e-3)
    assert mean_interval(values, [str(i) for i in range(600)], seed=1) != (value, low, high)


def test_the_interval_of_a_mean_widens_where_images_repeat_a_lesion() -> None:
    values = np.random.default_rng(2).normal(0.6, 0.2, 100).repeat(4)
    images = mean_interval(values, [str(i) for i in range(400)])
    lesions = mean_interval(values, [str(i // 4) for i in range(400)])
    assert lesions.high - lesions.low == pytest.approx(2 * (images.high - images.low), rel=0.1)


def test_images_that_are_all_alike_do_not_make_a_mean_certain() -> None:
    assert mean_interval(np.ones(50), [str(i) for i in range(50)]) == pytest.approx((1, np.nan, np.nan), nan_ok=True)


def test_undefined_values_are_left_out_of_a_mean() -> None:
    values = np.array([0.2, np.nan, 0.6])
    assert mean_interval(values, ["a", "b", "c"]) == mean_interval(values[[0, 2]], ["a", "c"])
    assert np.isnan(mean_interval(np.array([np.nan]), ["a"])).all()


def images(count: int) -> list[str]:
    return [f"{number:04d}" for number in range(count)]


def mean_of(values: np.ndarray) -> Statistic:
    return lambda weights: (weights @ values / weights.sum(axis=1))[:, None]


def gap_between(values: np.ndarray, kind: np.ndarray) -> Statistic:
    """Difference of the means of the two kinds."""
    return lambda weights: mean_of(values)(weights * kind) - mean_of(values)(weights * ~kind)


def test_leaving_one_out_keeps_the_weight_of_each_stratum() -> None:
    sampling = Sampling.of(LESIONS, LABELS)
    weights = sampling.without(np.arange(sampling.units))
    assert ((weights == 0).sum(axis=0) == [1, 1, 1, 1, 0, 0, 1, 1]).all(), "the only lesion of its class stays in"
    for label, count in enumerate(np.bincount(LABELS)):
        assert weights[:, label == LABELS].sum(axis=1) == pytest.approx(np.full(sampling.units, count))


def test_the_jackknife_of_a_mean_has_the_error_and_skewness_of_the_textbook() -> None:
    values = np.random.default_rng(6).exponential(size=50)
    found = jackknife(mean_of(values), Sampling.of(images(50)))
    assert found.error == pytest.approx([values.std(ddof=1) / np.sqrt(50)])
    assert found.acceleration == pytest.approx([stats.skew(values) / (6 * np.sqrt(50))])


def test_of_many_units_the_jackknife_leaves_out_some_that_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    values, kind = np.random.default_rng(4).gamma(2.0, size=900), np.repeat([False, True], [600, 300])
    statistic, sampling = gap_between(values, kind), Sampling.of(images(900), kind.astype(int))
    every = jackknife(statistic, sampling)
    asked: list[int] = []

    def counted(weights: np.ndarray) -> np.ndarray:
        asked.append(len(weights))
        return statistic(weights)

    monkeypatch.setattr(module, "MOST_LEFT_OUT", 400)
    some = jackknife(counted, sampling)
    assert sum(asked) == 400 + 300
    assert some.error == pytest.approx(every.error, rel=0.1)
    assert some.acceleration == pytest.approx(every.acceleration, abs=0.01)
    assert some.error != every.error
    again = jackknife(statistic, sampling)
    assert (some.error == again.error).all()


def test_the_jackknife_adds_the_variances_of_the_strata() -> None:
    values, kind = np.random.default_rng(6).exponential(size=60), np.arange(60) % 3 == 0
    found = jackknife(gap_between(values, kind), Sampling.of(images(60), kind.astype(int)))
    assert found.error == pytest.approx([np.sqrt(values[kind].var(ddof=1) / 20 + values[~kind].var(ddof=1) / 40)])


def test_what_no_unit_moves_has_no_error_and_what_is_undefined_without_a_unit_no_influence() -> None:
    sampling = Sampling.of(images(4))
    still = jackknife(lambda weights: np.full((len(weights), 1), 0.1 + 0.2), sampling)
    assert (still.error.tolist(), still.acceleration.tolist()) == ([0], [0])
    gone = jackknife(lambda weights: np.where(weights[:, :1] == 0, np.nan, 0.3), sampling)
    assert gone.error.tolist() == [0]


@pytest.mark.parametrize("kinds", [1, 2])
def test_the_bca_interval_is_scipys_on_the_same_resamples(kinds: int) -> None:
    values, kind = np.random.default_rng(8).exponential(size=45), np.arange(45) < 15
    if kinds == 1:
        statistic, sampling, samples = mean_of(values), Sampling.of(images(45)), (values,)
        figure, plain = values.mean(), lambda x, axis: x.mean(axis=axis)
    else:
        statistic, sampling = gap_between(values, kind), Sampling.of(images(45), kind.astype(int))
        samples, figure = (values[kind], values[~kind]), values[kind].mean() - values[~kind].mean()
        plain = lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis)  # noqa: E731
    draws = bootstrap(statistic, sampling)[:, 0]
    found = bca_interval(float(figure), draws, float(jackknife(statistic, sampling).acceleration[0]))
    given = SimpleNamespace(bootstrap_distribution=draws)
    there = stats.bootstrap(samples, plain, n_resamples=0, bootstrap_result=given, method="BCa", vectorized=True)
    assert found == pytest.approx((figure, *there.confidence_interval), abs=1e-9)
    assert found != percentile_interval(float(figure), draws), "the correction does something"


def test_without_bias_and_acceleration_bca_is_the_percentile_interval() -> None:
    draws = np.append(np.arange(-50.0, 51), np.nan)
    assert bca_interval(0.0, draws, 0.0) == pytest.approx(percentile_interval(0.0, draws))


@pytest.mark.parametrize(("value", "acceleration"), [(9.0, 0.0), (-9.0, 0.0), (0.5, 0.6), (0.5, -0.6)])
def test_where_bca_has_no_correction_its_ends_are_nan(value: float, acceleration: float) -> None:
    assert np.isnan(bca_interval(value, np.linspace(0, 1, 200), acceleration)[1:]).all()
    assert np.isnan(bca_interval(value, np.full(3, np.nan), acceleration)[1:]).all()


def test_equal_draws_count_half_below_the_value() -> None:
    assert bca_interval(0.3, np.full(20, 0.1 + 0.2), 0.0) == pytest.approx((0.3, 0.3, 0.3))


def test_the_logit_interval_is_symmetric_on_its_scale_and_undefined_at_the_ends() -> None:
    value, low, high = logit_interval(0.9, 0.02**2)
    assert special.logit(high) - special.logit(value) == pytest.approx(1.96 * 0.02 / 0.09, abs=1e-5)
    assert special.logit(high) + special.logit(low) == pytest.approx(2 * special.logit(value))
    for figure, variance in ((0.0, 0.1), (1.0, 0.1), (0.5, 0.0), (0.5, np.nan), (np.nan, 0.1)):
        assert np.isnan(logit_interval(figure, variance)[1:]).all()


def test_nothing_to_draw_and_no_resample_are_refused() -> None:
    with pytest.raises(PredictionsError, match="no image to resample"):
        Sampling.of([])
    with pytest.raises(ConfigError, match="resamples must be at least 1, got 0"):
        bootstrap(lambda weights: weights, Sampling.of(["a"]), resamples=0)
