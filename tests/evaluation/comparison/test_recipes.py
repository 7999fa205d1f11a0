"""Whole comparisons: against separate references, and what they say."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.differences import MeasureDifference
from attnmel.evaluation.comparison.paired_tests import Method, Outcome
from attnmel.evaluation.comparison.recipes import Comparison, compare_recipes
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.hypothesis_tests import detectable_difference, holm
from attnmel.number_formats import p_words
from attnmel.records import Predictions

QUICK = ResamplingConfig(resamples=200, permutations=200)
LABELS = (np.arange(120) < 40).astype(np.int64)
NAMES = tuple(f"i{n}" for n in range(120))


def predictions(seed: int, apart: float, groups: tuple[str, ...] = NAMES) -> Predictions:
    shared, own = np.random.default_rng(99).normal(size=120), np.random.default_rng(seed).normal(size=120)
    score = 1 / (1 + np.exp(-(LABELS * apart - apart / 2 + 0.7 * shared + 0.7 * own)))
    return Predictions(NAMES, ("rest", "melanoma"), np.stack([1 - score, score], axis=1), LABELS, groups)


def entrant(name: str, *held: Predictions) -> RecipeRuns:
    return RecipeRuns(name, tuple(RunPredictions(f"{name}{n}", one) for n, one in enumerate(held)))


def by_measure(found: Comparison) -> dict[str, MeasureDifference]:
    return {one.measure: one for one in found.differences}


def test_each_measure_has_its_value_interval_and_test() -> None:
    first, second = predictions(0, 1.0), predictions(1, 2.0)
    found = by_measure(compare_recipes([entrant("x", first), entrant("y", second)], resampling=QUICK))
    scores = [one.probability("melanoma") for one in (first, second)]
    called = [one > 0.5 for one in scores]
    assert found["auc"].second_value == pytest.approx(roc_auc_score(LABELS, scores[1]))
    assert found["ap"].first_value == pytest.approx(average_precision_score(LABELS, scores[0]))
    assert found["balanced_accuracy"].value == pytest.approx(
        balanced_accuracy_score(LABELS, called[1]) - balanced_accuracy_score(LABELS, called[0])
    )
    interval, p = areas(LABELS == 1, np.stack(scores, axis=1)).difference(0, 1)
    assert found["auc"].outcome.chosen == Method.of("DeLong", interval, p)
    for measure, kind in (("sensitivity", LABELS == 1), ("specificity", LABELS == 0)):
        right = [(one == LABELS)[kind] for one in called]
        counts = (int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
        assert found[measure].outcome.discordant == counts
        assert found[measure].outcome.chosen.p == pytest.approx(stats.binomtest(counts[0], sum(counts)).pvalue)
    corrected = holm([one.outcome.chosen.p for one in found.values()])
    assert [one.corrected for one in found.values()] == pytest.approx(corrected)


def test_the_detectable_difference_is_shown_by_about_four_of_five_studies() -> None:
    """Simulated anew at that difference: two networks on 120 images, one AUC, no correction."""
    few = ResamplingConfig(resamples=2, permutations=2)

    def study(seed: int, apart: float) -> MeasureDifference:
        noise = np.random.default_rng(seed).normal(size=(3, 120))
        held = []
        for own, distance in zip(noise[1:], (1.0, apart), strict=True):
            score = stats.norm.cdf(LABELS * distance - distance / 2 + 0.7 * noise[0] + 0.7 * own)
            held.append(Predictions(NAMES, ("rest", "melanoma"), np.stack([1 - score, score], axis=1), LABELS, NAMES))
        found = compare_recipes([entrant("x", held[0]), entrant("y", held[1])], measures=["auc"], resampling=few)
        return found.differences[0]

    studies = [study(seed, 1.62) for seed in range(200)]
    detectable = np.mean([one.detectable for one in studies])
    true = np.mean([one.value for one in studies])
    assert true == pytest.approx(detectable, abs=0.01), "the difference simulated is about the detectable one"
    assert np.mean([one.shown for one in studies]) == pytest.approx(0.8, abs=0.1)


def test_the_detectable_difference_is_of_the_strictest_step_of_the_correction_and_over_seeds() -> None:
    seeds = {name: [predictions(10 * n + seed, 1.0 + 0.2 * n) for seed in range(3)] for n, name in enumerate("xy")}
    every = compare_recipes([entrant(name, *held) for name, held in seeds.items()], resampling=QUICK)
    alone = compare_recipes([entrant(name, *held) for name, held in seeds.items()], measures=["auc"], resampling=QUICK)
    (one,) = alone.differences
    assert one.outcome.seeds_error is not None
    error, freedom = one.outcome.seeds_error
    assert error * stats.t.ppf(0.975, freedom) == pytest.approx((one.high - one.low) / 2)
    assert one.detectable == pytest.approx(detectable_difference(error, freedom))
    assert by_measure(every)["auc"].detectable == pytest.approx(detectable_difference(error, freedom, 0.05 / 5))


def test_holm_goes_over_all_pairs_and_fewer_measures_are_corrected_less() -> None:
    three = [entrant(name, predictions(n, 1.0 + 0.5 * n)) for n, name in enumerate("xyz")]
    every = compare_recipes(three, resampling=QUICK)
    assert [(one.first, one.second) for one in every.differences[::5]] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert [one.corrected for one in every.differences] == pytest.approx(
        holm([one.outcome.chosen.p for one in every.differences])
    )
    alone = compare_recipes(three[::2], measures=["auc"], resampling=QUICK)
    assert len(alone.differences) == 1
    assert alone.differences[0].corrected == alone.differences[0].outcome.chosen.p


def test_a_run_against_its_copy_shows_no_difference() -> None:
    one = predictions(0, 1.5)
    found = compare_recipes([entrant("x", one), entrant("y", one)], resampling=QUICK)
    assert [row.outcome.chosen.p for row in found.differences] == [1] * 5
    assert {row.sentence for row in found.differences} >= {"no difference shown (AUC +0.000, 95 % +0.000 to +0.000)"}
    assert not any(row.shown for row in found.differences)


def test_where_lesions_repeat_they_are_swapped_whole_instead_of_counted_image_by_image() -> None:
    lesions = tuple(str(n // 2) for n in range(120))
    held = [predictions(n, 1.0 + n, lesions) for n in range(2)]
    found = compare_recipes([entrant("x", held[0]), entrant("y", held[1])], resampling=QUICK)
    assert found.units == 60
    assert by_measure(found)["sensitivity"].outcome.chosen.name == "bootstrap and permutation by lesion"
    assert any("120 images of 60 lesions" in note for note in found.notes)


def test_a_threshold_of_its_own_decides_what_a_run_calls_positive() -> None:
    one = predictions(0, 1.5)
    score = one.probability("melanoma")
    moved = RecipeRuns("y", (RunPredictions("y0", one, {"melanoma": 0.3}),))
    found = by_measure(compare_recipes([entrant("x", one), moved], resampling=QUICK))
    assert (found["auc"].value, found["ap"].value) == (0, 0)
    assert found["sensitivity"].second_value == pytest.approx((score[LABELS == 1] > 0.3).mean())
    assert found["specificity"].second_value == pytest.approx((score[LABELS == 0] <= 0.3).mean())
    assert found["sensitivity"].outcome.discordant == (0, int(((score > 0.3) & (score <= 0.5) & (LABELS == 1)).sum()))


def test_three_classes_have_their_mean_recall_for_balanced_accuracy() -> None:
    labels = np.arange(90) % 3
    held = []
    for seed in range(2):
        table = np.random.default_rng(seed).dirichlet([1, 1, 1], 90) + np.eye(3)[labels] * (seed + 1) / 2
        table /= table.sum(axis=1, keepdims=True)
        held.append(Predictions(NAMES[:90], ("melanoma", "nevus", "rest"), table, labels, NAMES[:90]))
    found = compare_recipes([entrant("x", held[0]), entrant("y", held[1])], resampling=QUICK)
    rows = {(one.task, one.measure): one for one in found.differences}
    assert [task for task, measure in rows if measure == "balanced_accuracy"] == ["all classes"]
    expected = [balanced_accuracy_score(labels, one.probabilities.argmax(axis=1)) for one in held]
    row = rows["all classes", "balanced_accuracy"]
    assert (row.first_value, row.second_value) == pytest.approx(expected)
    assert row.outcome.chosen.p == pytest.approx(1 / 201)
    assert {task for task, _ in rows} == {"melanoma", "nevus", "all classes"}


def test_of_two_classes_that_are_each_other_s_rest_the_rarer_is_judged() -> None:
    held = [replace(predictions(n, 1.0), classes=("benign", "malignant")) for n in range(2)]
    found = compare_recipes([entrant("x", held[0]), entrant("y", held[1])], resampling=QUICK)
    assert found.positives == (("malignant", 40),)


def test_several_seeds_are_summed_up_and_compared_as_recipes() -> None:
    first, second = [predictions(n, 1.0) for n in range(3)], [predictions(n, 2.5) for n in range(3, 6)]
    found = compare_recipes([entrant("x", *first), entrant("y", *second)], resampling=QUICK)
    auc = next(one for one in found.summaries if (one.name, one.measure) == ("x", "auc"))
    each = [roc_auc_score(LABELS, one.probability("melanoma")) for one in first]
    assert auc.values == pytest.approx(each)
    assert (auc.mean, auc.deviation) == pytest.approx((np.mean(each), np.std(each, ddof=1)))
    assert auc.chosen.low < auc.mean < auc.chosen.high
    row = by_measure(found)["auc"]
    assert row.outcome.chosen.name == "t over seeds and images"
    assert row.outcome.others[0].name == "hierarchical bootstrap"
    assert row.value == pytest.approx(
        np.mean([roc_auc_score(LABELS, one.probability("melanoma")) for one in second]) - auc.mean
    )
    assert row.sentence.startswith("AUC better by")


@pytest.mark.parametrize("lesions", [1, 2])
def test_a_single_run_has_the_interval_of_its_evaluation_also_where_it_finds_nothing(lesions: int) -> None:
    groups = tuple(str(n // lesions) for n in range(120))
    one, other = predictions(0, 1.0, groups), predictions(1, 2.0, groups)
    nothing = replace(
        one, probabilities=np.stack([1 - one.probabilities[:, 1] / 2, one.probabilities[:, 1] / 2], axis=1)
    )
    found = compare_recipes([entrant("x", one), entrant("y", nothing), entrant("z", other)], resampling=QUICK)
    for name, held in (("x", one), ("y", nothing), ("z", other)):
        report = evaluate_classification(held, ["melanoma"], resamples=2)
        own = {row.measure: row.chosen for row in found.summaries if row.name == name}
        assert {measure: (one.low, one.high) for measure, one in own.items()} == {
            row.measure: pytest.approx((row.low, row.high), abs=1e-12) for row in report.rows
        }
    sensitivity = next(row for row in found.summaries if (row.name, row.measure) == ("y", "sensitivity"))
    assert (sensitivity.mean, sensitivity.chosen.name) == (0, "Wilson")
    assert sensitivity.chosen.high > 0.02, "none of 40 found is no certainty"


def test_one_recipe_of_several_seeds_has_a_summary_and_nothing_to_compare() -> None:
    found = compare_recipes([entrant("x", predictions(0, 1.0), predictions(1, 1.0))], resampling=QUICK)
    assert found.differences == ()
    assert len(found.summaries) == 5
    assert found.notes == ("x: two seeds; where seeds vary much, the interval of their mean is too narrow",)


def test_the_notes_say_which_comparisons_know_nothing_of_seeds() -> None:
    several = entrant("z", predictions(2, 1.0), predictions(3, 1.0), predictions(4, 1.0))
    one, other = entrant("x", predictions(0, 1.0)), entrant("y", predictions(1, 1.0))
    assert compare_recipes([one, several], resampling=QUICK).notes == (
        "x: one run, against z taken to vary between seeds as that does",
    )
    assert compare_recipes([one, other, several], resampling=QUICK).notes == (
        "x, y: one run, against z taken to vary between seeds as that does",
        "x and y, one run each: how far another seed would move them is not in their test",
    )


def test_a_comparison_is_plain_values() -> None:
    found = compare_recipes([entrant("x", predictions(0, 1.0)), entrant("y", predictions(1, 2.0))], resampling=QUICK)
    back = TypeAdapter(Comparison).validate_python(json.loads(json.dumps(asdict(found))))
    assert back.differences[1].sentence == found.differences[1].sentence
    assert back.notes == found.notes


def test_what_cannot_be_compared_is_refused() -> None:
    one, other = entrant("x", predictions(0, 1.0)), entrant("y", predictions(1, 1.0))
    with pytest.raises(PredictionsError, match="needs two runs or more"):
        compare_recipes([one])
    with pytest.raises(ConfigError, match="unknown measure 'f1'; known: ap, auc"):
        compare_recipes([one, other], measures=["f1"])
    with pytest.raises(PredictionsError, match="not all runs predict nevus; common to all: melanoma"):
        compare_recipes([one, other], ["nevus"])


ROW = MeasureDifference(
    "x", "y", "melanoma", "auc", 0.8, 0.831, 0.031, Outcome(Method("DeLong", 0.01, 0.052, 0.004)), 0.02
)


def test_a_sentence_claims_no_more_than_was_found() -> None:
    assert ROW.sentence == "AUC better by 0.031 (95 % 0.010 to 0.052), p = 0.020 after Holm"
    worse = replace(ROW, value=-0.031, outcome=Outcome(Method("DeLong", -0.052, -0.01, 0.0001)), corrected=0.0005)
    assert worse.sentence == "AUC worse by 0.031 (95 % 0.010 to 0.052), p < 0.001 after Holm"
    none = replace(ROW, value=0.004, outcome=Outcome(Method("DeLong", -0.021, 0.03, 0.76)), corrected=1.0)
    assert none.sentence == "no difference shown (AUC +0.004, 95 % -0.021 to +0.030)"


def test_where_the_interval_alone_would_show_a_difference_p_says_why_none_is_shown() -> None:
    hidden = replace(ROW, corrected=0.08)
    assert hidden.sentence == "no difference shown (AUC +0.031, 95 % +0.010 to +0.052, but p = 0.080 after Holm)"


@pytest.mark.parametrize("corrected", [0.05, 0.2, math.nan])
def test_without_a_corrected_p_below_the_level_nothing_is_claimed(corrected: float) -> None:
    assert replace(ROW, corrected=corrected).sentence.startswith("no difference shown (AUC +0.031")


def test_an_interval_that_holds_zero_claims_nothing_whatever_p_says() -> None:
    held = replace(ROW, outcome=Outcome(Method("bootstrap and permutation", -0.001, 0.06, 0.01)))
    assert held.sentence.startswith("no difference shown")
    unknown = replace(ROW, outcome=Outcome(Method("DeLong")))
    assert unknown.sentence == "no difference shown (AUC +0.031, its uncertainty is not known)"


def test_a_p_is_written_with_the_digits_that_decide() -> None:
    assert [p_words(p) for p in (0.0496, 0.04999, 0.0506, 0.2, 0.012, 0.0004, math.nan)] == [
        "= 0.0496",
        "= 0.04999",
        "= 0.051",
        "= 0.200",
        "= 0.012",
        "< 0.001",
        "not known",
    ]
