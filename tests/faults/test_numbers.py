"""Numbers under stress: one image, one class, ties, constant scores, the edges of float32, millions of rows, threads.

What is defined equals an independent reference; what is not is NaN or one sentence, never an error of arithmetic: in
this test run each warning is an error.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from tests.factories import two_class_predictions

from attnmel.errors import AttnmelError, PredictionsError
from attnmel.evaluation.calibration.calibration import calibration_of
from attnmel.evaluation.calibration.temperature import fit_temperature
from attnmel.evaluation.challenge.entry import entry_of
from attnmel.evaluation.challenge.score import evaluate_challenge
from attnmel.evaluation.classification.metric_set import MetricSet
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.recipes import compare_recipes
from attnmel.evaluation.fusion.fusion import fit_fusion
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.records import Predictions

FEW = ResamplingConfig(resamples=20, permutations=20)
TINIEST, LARGEST = float(np.finfo(np.float32).smallest_subnormal), float(np.nextafter(np.float32(1), np.float32(0)))
ALTERNATING = np.arange(40) % 2

SCORES = {
    "constant": np.full(40, 0.5),
    "all ties but one": np.array([0.9] + [0.5] * 39),
    "zero and one": ALTERNATING.astype(float),
    "wrong by certainty": 1.0 - ALTERNATING,
    "subnormal": TINIEST * np.arange(1, 41),
    "just below one": np.where(ALTERNATING == 1, LARGEST, TINIEST),
    "one value below the other": np.where(ALTERNATING == 1, np.nextafter(0.5, 1), 0.5),
    "all zero": np.zeros(40),
    "all one": np.ones(40),
}


def auc_of(given: Predictions) -> None:
    report = evaluate_classification(given, ["melanoma"], resamples=20)
    auc, average = (report.row("melanoma", name).value for name in ("auc", "ap"))
    truth, score = given.labels == 1, given.probability("melanoma")
    assert auc == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert average == pytest.approx(average_precision_score(truth, score), abs=1e-12)


def compared(given: Predictions) -> None:
    other = two_class_predictions(given.labels, np.linspace(0.1, 0.9, len(given.labels)))
    runs = [RecipeRuns(name, (RunPredictions(name, one),)) for name, one in (("a", given), ("b", other))]
    found = compare_recipes(runs, ["melanoma"], resampling=FEW)
    assert all(0 <= one.mean <= 1 for one in found.summaries)


def scored(given: Predictions) -> None:
    report = evaluate_challenge("isic2017", entry_of(given, "isic2017"), resamples=20)
    assert all(0 <= row.value <= 1 or np.isnan(row.value) for row in report.rows)


def calibrated(given: Predictions) -> None:
    found = calibration_of(given, given, "melanoma", resamples=20)
    error = found.before.measures["calibration_error"].value
    assert 0 <= error <= 1
    assert np.isfinite(found.before.measures["log_loss"].value)


def fused(given: Predictions) -> None:
    members = np.stack([given.probabilities, given.probabilities[:, ::-1]])
    for rule in ("mean", "rank", "extreme"):
        assert np.isfinite(fit_fusion(rule, members, given.labels).validation).all()


QUESTIONS: dict[str, Callable[[Predictions], None]] = {
    one.__name__: one for one in (auc_of, compared, scored, calibrated, fused)
}


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("scores", SCORES)
def test_odd_scores_give_the_numbers_of_the_reference(scores: str, name: str) -> None:
    QUESTIONS[name](two_class_predictions(ALTERNATING, SCORES[scores]))


SEVEN = tuple("ABCDEFG")
LABELS = np.arange(42) % 7
SHARES = {
    "constant": np.full((42, 7), 1 / 7),
    "certain and right": np.eye(7)[LABELS],
    "certain and wrong": np.eye(7)[(LABELS + 1) % 7],
    "subnormal": np.where(np.eye(7)[LABELS] == 1, LARGEST, TINIEST * np.arange(1, 43)[:, None]),
}


@pytest.mark.parametrize("shares", SHARES)
def test_odd_scores_of_seven_classes_give_the_numbers_of_the_reference(shares: str) -> None:
    ids = tuple(map(str, range(42)))
    given = Predictions(ids, SEVEN, SHARES[shares], LABELS, ids)
    report = evaluate_classification(given, SEVEN, resamples=20)
    for place, name in enumerate(SEVEN):
        truth, score = np.equal(LABELS, place), SHARES[shares][:, place]
        assert report.row(name, "auc").value == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
        assert report.row(name, "ap").value == pytest.approx(average_precision_score(truth, score), abs=1e-12)
    first = Predictions(ids[:1], SEVEN, SHARES[shares][:1], LABELS[:1], ids[:1])
    one = evaluate_classification(first, SEVEN, resamples=20, one_sided=True)
    assert np.isnan(one.row("A", "auc").value)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("name", QUESTIONS)
def test_one_class_or_one_image_gives_what_is_defined_or_one_sentence(name: str, count: int) -> None:
    given = two_class_predictions(np.ones(count, dtype=int), np.linspace(0.2, 0.8, count))
    if name == "auc_of":
        with pytest.raises(PredictionsError, match="melanoma"):
            evaluate_classification(given, ["melanoma"], resamples=20)
        report = evaluate_classification(given, ["melanoma"], resamples=20, one_sided=True)
        assert np.isnan(report.row("melanoma", "auc").value)
        assert report.row("melanoma", "sensitivity").value == np.mean(np.linspace(0.2, 0.8, count) > 0.5)
        return
    with suppress(AttnmelError):
        QUESTIONS[name](given)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    given = two_class_predictions(ALTERNATING, np.where(np.arange(40) == 7, value, 0.5))
    with pytest.raises(PredictionsError, match="finite"):
        evaluate_classification(given, ["melanoma"], resamples=20)


def test_no_image_is_one_sentence() -> None:
    nothing = two_class_predictions(np.zeros(0, dtype=int), np.zeros(0))
    with pytest.raises(PredictionsError):
        evaluate_classification(nothing, ["melanoma"], resamples=20)


def test_the_temperature_of_certain_answers_is_finite_or_not_there() -> None:
    for scores in SCORES.values():
        found = fit_temperature(two_class_predictions(ALTERNATING, scores))
        assert np.isnan(found.value) or 0 < found.value < np.inf


@contextmanager
def faster_than(seconds: float) -> Iterator[None]:
    """Refuse work that takes so much time of a processor."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


def test_a_doubled_image_among_many_is_found_at_once() -> None:
    ids = (*(f"{number}" for number in range(200_000)), "7")
    with faster_than(20), pytest.raises(PredictionsError, match=r"doubled image ids: 7$"):
        Predictions(ids, ("a", "b"), np.zeros((200_001, 2)), np.zeros(200_001, dtype=np.int64), ids)


@pytest.mark.slow
def test_ten_million_scores_give_the_area_of_their_ranks() -> None:
    count, chance = 10_000_000, np.random.default_rng(0)
    labels = (chance.random(count) < 0.02).astype(np.int64)
    scores = np.round(np.clip(chance.normal(0.3 + 0.2 * labels, 0.15), 0, 1), 6)
    ids = tuple(map(str, range(count)))
    given = Predictions(ids, ("rest", "melanoma"), np.stack([1 - scores, scores], axis=1), labels, ids)
    found = MetricSet.of(given, ["melanoma"]).values()
    assert found["melanoma", "auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert found["melanoma", "ap"] == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


THREADS = """
import json
import numpy as np
from tests.factories import two_class_predictions
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.calibration.calibration import calibration_of

chance = np.random.default_rng(0)
labels = (chance.random(600) < 0.3).astype(int)
given = two_class_predictions(labels, np.clip(chance.normal(0.4 + 0.2 * labels, 0.2), 0, 1))
report = evaluate_classification(given, ["melanoma"], resamples=200)
print(json.dumps(report.to_dict()))
found = calibration_of(given, given, "melanoma", resamples=200)
print(json.dumps([*found.before.measures.values(), found.temperature]))
"""


@pytest.mark.slow
def test_threads_and_no_avx_512_give_the_same_measures_to_the_last_bit_and_calibration_to_twelve_digits() -> None:
    reports, calibrations = set(), []
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    no_512 = {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_ICL"}
    changes: list[dict[str, str]] = [dict.fromkeys(names, threads) for threads in ("1", "2", "4")]
    for more in (*changes, no_512):
        environment = {**os.environ, **more}
        ran = subprocess.run(
            [sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, check=True
        )
        report, calibration = ran.stdout.splitlines()
        reports.add(report)
        calibrations.append(json.loads(calibration))
    assert len(reports) == 1
    for other in calibrations[1:]:
        np.testing.assert_allclose(other, calibrations[0], rtol=1e-12, atol=0)
