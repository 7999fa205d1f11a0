import numpy as np
import pytest

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.intervals import (
    Interval,
    Sampling,
    bootstrap,
    mean_interval,
    percentile_interval,
)

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
    monkeypatch.setattr("attnmel.evaluation.intervals.CHUNK", 7 * len(LABELS))
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


def test_the_interval_of_a_mean_widens_where_images_repeat_a_lesion() -> None:
    values = np.random.default_rng(2).normal(0.6, 0.2, 100).repeat(4)
    images = mean_interval(values, [str(i) for i in range(400)])
    lesions = mean_interval(values, [str(i // 4) for i in range(400)])
    assert lesions.high - lesions.low == pytest.approx(2 * (images.high - images.low), rel=0.1)


def test_undefined_values_are_left_out_of_a_mean() -> None:
    values = np.array([0.2, np.nan, 0.6])
    assert mean_interval(values, ["a", "b", "c"]) == mean_interval(values[[0, 2]], ["a", "c"])
    assert np.isnan(mean_interval(np.array([np.nan]), ["a"])).all()


def test_nothing_to_draw_and_no_resample_are_refused() -> None:
    with pytest.raises(PredictionsError, match="no image to resample"):
        Sampling.of([])
    with pytest.raises(ConfigError, match="resamples must be at least 1, got 0"):
        bootstrap(lambda weights: weights, Sampling.of(["a"]), resamples=0)
