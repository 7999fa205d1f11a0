import numpy as np
import pytest

from attnmel.evaluation.classification.ranking import MEASURES
from attnmel.evaluation.comparison.align import RunPredictions
from attnmel.evaluation.comparison.resampled_metrics import ResampledMetrics, measured
from attnmel.evaluation.statistics.bootstrap import percentile_interval
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

LABELS = (np.arange(120) < 40).astype(np.int64)
NAMES = tuple(f"i{n}" for n in range(120))
SAMPLING = Sampling.of(NAMES, LABELS)


def equal_runs(generator: np.random.Generator, count: int) -> list[RunPredictions]:
    shared = generator.normal(size=120)
    scores = [1 / (1 + np.exp(-(LABELS * 1.4 - 0.7 + shared + generator.normal(size=120)))) for _ in range(count)]
    return [
        RunPredictions(
            str(n), Predictions(NAMES, ("rest", "melanoma"), np.stack([1 - one, one], axis=1), LABELS, NAMES)
        )
        for n, one in enumerate(scores)
    ]


def drawn(
    runs: list[RunPredictions], resamples: int = 200, measures: tuple[str, ...] = tuple(MEASURES)
) -> ResampledMetrics:
    return measured(runs, ["melanoma"], SAMPLING, measures=measures, resamples=resamples)


def test_runs_share_their_resamples() -> None:
    one = equal_runs(np.random.default_rng(0), 1)[0]
    found = drawn([one, one])
    assert (found.draws[:, 0] == found.draws[:, 1]).all()
    assert (found.values[0] == found.values[1]).all()


def test_the_covariance_of_areas_is_delong_s_and_that_of_others_is_of_the_resamples() -> None:
    runs = equal_runs(np.random.default_rng(1), 3)
    found = drawn(runs)
    scores = np.stack([run.predictions.probability("melanoma") for run in runs], axis=1)
    assert (found.covariance[0] == areas(LABELS == 1, scores).covariance).all()
    for place, (_, measure) in list(enumerate(found.columns))[1:]:
        assert found.covariance[place] == pytest.approx(np.cov(found.draws[:, :, place], rowvar=False)), measure


def test_no_class_is_left_out_for_its_name() -> None:
    """Such as "me" or "a", which are parts of the word "mean"."""
    labels, generator = np.arange(90) % 3, np.random.default_rng(0)
    table = generator.dirichlet([1, 1, 1], 90)
    runs = [RunPredictions("x", Predictions(NAMES[:90], ("a", "me", "b"), table, labels, NAMES[:90]))]
    sampling = Sampling.of(NAMES[:90], labels)
    found = measured(runs, ["a", "me", "b"], sampling, measures=("auc",), resamples=5)
    assert found.columns == (("a", "auc"), ("me", "auc"), ("b", "auc"))


def test_some_of_the_runs_are_what_they_would_be_alone() -> None:
    runs = equal_runs(np.random.default_rng(2), 4)
    of_some, alone = drawn(runs).of_runs([3, 1]), drawn([runs[3], runs[1]])
    assert of_some.columns == alone.columns
    for name in ("values", "draws", "covariance"):
        assert getattr(of_some, name) == pytest.approx(getattr(alone, name), abs=1e-12)


def test_only_the_measures_asked_for_are_columns() -> None:
    found = drawn(equal_runs(np.random.default_rng(3), 2), measures=("specificity", "auc"))
    assert found.columns == (("melanoma", "auc"), ("melanoma", "specificity"))


@pytest.mark.parametrize("simulations", [80, pytest.param(400, marks=pytest.mark.slow)])
def test_the_bootstrap_of_the_difference_makes_about_five_false_claims_in_a_hundred(simulations: int) -> None:
    generator, claims = np.random.default_rng(4), []
    for _ in range(simulations):
        found = drawn(equal_runs(generator, 2), measures=("auc", "ap", "balanced_accuracy"))
        gaps = found.draws[:, 1] - found.draws[:, 0]
        ends = [percentile_interval(0.0, column) for column in gaps.T]
        claims.append([one.low > 0 or one.high < 0 for one in ends])
    # Three Monte Carlo standard errors of 5 % in 400 are 3.3 %.
    assert np.mean(claims, axis=0) == pytest.approx(np.full(3, 0.05), abs=3 * (0.05 * 0.95 / simulations) ** 0.5)
