"""Measures without a unit, from counts of all less those of the unit, are those of the images that stay."""

import numpy as np
import pytest

from attnmel.evaluation.classification.metric_intervals import metric_rows
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.ranking import MEASURES, Ranking
from attnmel.evaluation.statistics.bootstrap import jackknife, jackknife_of
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

CLASSES = ("MEL", "NV", "BCC")


def predictions(images: int = 90, groups: int = 40, digits: int = 1, classes: int = 3) -> Predictions:
    generator = np.random.default_rng(images + groups + digits)
    labels = generator.integers(classes, size=images)
    shares = generator.dirichlet(np.ones(classes), size=images).round(digits)  # ties
    names = tuple(str(number) for number in range(images))
    return Predictions(names, CLASSES[:classes], shares, labels, tuple(f"g{n % groups}" for n in range(images)))


@pytest.mark.parametrize(("groups", "digits", "classes"), [(90, 1, 3), (90, 9, 3), (40, 1, 3), (40, 9, 2), (4, 2, 3)])
def test_measures_without_a_unit_are_those_of_the_other_images(groups: int, digits: int, classes: int) -> None:
    made = predictions(groups=groups, digits=digits, classes=classes)
    metrics, sampling = MetricSet.of(made, CLASSES[:classes]), Sampling.of(made.groups, made.labels)
    units = np.random.default_rng(0).permutation(sampling.units)
    assert metrics.without(sampling)(units) == pytest.approx(metrics(sampling.without(units)), abs=1e-12, nan_ok=True)
    expected, found = jackknife(metrics, sampling), jackknife_of(metrics.without(sampling), sampling)
    assert found.error == pytest.approx(expected.error, abs=1e-12)
    assert found.acceleration == pytest.approx(expected.acceleration, abs=1e-10)


def test_a_measure_that_is_not_defined_without_a_unit_stays_so() -> None:
    # All images of BCC are of one patient, who counts to the rarer MEL: without her there is no BCC.
    labels = np.array([0, 2, 2, 0, 1, 1, 1, 1])
    shares = np.random.default_rng(3).dirichlet(np.ones(3), size=8)
    groups = ("a", "a", "a", "b", "c", "d", "e", "f")
    made = Predictions(tuple("ABCDEFGH"), CLASSES, shares, labels, groups)
    metrics, sampling = MetricSet.of(made, CLASSES), Sampling.of(groups, labels)
    units = np.arange(sampling.units)
    expected, found = metrics(sampling.without(units)), metrics.without(sampling)(units)
    assert np.isnan(expected).any()
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_weights_that_are_no_whole_numbers_are_counted_anew() -> None:
    made = predictions()
    plain = MetricSet.of(made, CLASSES)
    weights = np.random.default_rng(1).random(len(made.labels))
    metrics = MetricSet(plain.rankings, plain.hits, plain.classes, plain.measures, sample_weights=weights)
    sampling, units = Sampling.of(made.groups, made.labels), np.arange(5)
    assert np.array_equal(metrics.without(sampling)(units), metrics(sampling.without(units)), equal_nan=True)


def test_every_interval_is_that_of_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    made = predictions(digits=2)
    metrics = MetricSet.of(made, CLASSES)
    quick = metric_rows(metrics, made.groups, made.labels, resamples=50)
    monkeypatch.setattr(MetricSet, "without", lambda metrics, sampling: lambda units: metrics(sampling.without(units)))
    slow = metric_rows(metrics, made.groups, made.labels, resamples=50)
    for one, other in zip(quick, slow, strict=True):
        assert (one.task, one.measure, one.method) == (other.task, other.measure, other.method)
        for name, ends in one.intervals.items():
            assert ends == pytest.approx(other.intervals[name], abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("digits", [1, 9])
def test_scores_between_positives_are_not_needed(digits: int) -> None:
    made = predictions(images=300, groups=300, digits=digits)
    ranking = Ranking.of(made.is_class("MEL"), made.probability("MEL"))
    weights = np.random.default_rng(5).integers(3, size=(20, 300)).astype(np.float64)
    few, all_scores = ranking.corners().counts(weights), ranking.counts(weights)
    assert len(few.scores) < len(all_scores.scores) or digits == 1
    for measure in MEASURES.values():
        assert measure(few) == pytest.approx(measure(all_scores), abs=1e-12, nan_ok=True)
