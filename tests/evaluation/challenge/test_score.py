import json
import warnings
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.stats import binomtest

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.challenge.entry import ChallengeEntry, entry_of
from attnmel.evaluation.challenge.metrics import official_measures
from attnmel.evaluation.challenge.rules import CHALLENGES, Rules, Threshold, changed_rules
from attnmel.evaluation.challenge.score import ChallengeReport, evaluate_challenge, official_metrics
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

SEVEN = CHALLENGES["isic2018"].categories
THEIR_NAMES = {"f1": "dice", "auc_above_sensitivity_80": "auc_sens_80"}


def entry(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> ChallengeEntry:
    """Seven classes or fewer; images of weight 0 are left out, as `read_entry` does."""
    weights = np.ones(len(truth)) if weights is None else weights
    ids = tuple(f"ISIC_{row:07}" for row in np.flatnonzero(weights > 0))
    kept = weights > 0
    categories = SEVEN if probabilities.shape[1] == 7 else CHALLENGES["isic2017"].categories
    return ChallengeEntry(ids, categories, probabilities[kept], truth[kept] > 0, weights[kept], ids)


def random_table(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw seven-class probabilities with ties, constant columns and sample weights, some of them 0."""
    chance = np.random.default_rng(seed)
    images = int(chance.integers(20, 150))
    labels = np.concatenate([np.arange(7), np.arange(7), chance.integers(0, 7, images - 14)])
    probabilities = chance.integers(0, 5, (images, 7)) / 4 if seed % 3 else chance.dirichlet(np.ones(7), images)
    if seed % 4 == 1:
        probabilities[:, chance.integers(7)] = chance.choice([0.0, 0.5, 1.0])
    weights = np.ones(images) if seed % 2 else chance.integers(0, 3, images) * chance.random(images)
    weights[:7] = 1.0  # the official program stops at a class without an image
    return probabilities, np.eye(7)[labels], weights


def official_score(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> Any:  # noqa: ANN401 - theirs
    """Run the official program, whose package is older than the libraries it uses and makes them warn."""
    pandas = pytest.importorskip("pandas")
    scoring = pytest.importorskip("isic_challenge_scoring.classification")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scoring.ClassificationScore(
            pandas.DataFrame(truth, columns=list(SEVEN)),
            pandas.DataFrame(probabilities, columns=list(SEVEN)),
            pandas.DataFrame({"score_weight": weights, "validation_weight": 1.0}),
            scoring.ClassificationMetric.BALANCED_ACCURACY,
        )


@pytest.mark.parametrize("seed", range(24))
def test_every_figure_agrees_with_the_official_program(seed: int) -> None:
    probabilities, truth, weights = random_table(seed)
    official = official_score(probabilities, truth, weights)
    report = evaluate_challenge("isic2018", entry(probabilities, truth, weights), resamples=1)
    assert report.row(ALL_CLASSES, "balanced_accuracy").value == pytest.approx(official.overall, abs=1e-9)
    assert len(report.rows) == 8 * 9 + 1
    for row in report.rows[:-1]:
        name = THEIR_NAMES.get(row.measure, row.measure)
        theirs = official.macro_average if row.task == MEAN else official.per_category.iloc[SEVEN.index(row.task)]
        assert row.value == pytest.approx(float(theirs[name]), abs=1e-9), (row.task, row.measure)


def test_a_class_without_an_image_is_not_defined_and_left_out_of_the_means() -> None:
    probabilities, truth, _ = random_table(3)
    kept = truth[:, 6] == 0
    report = evaluate_challenge("isic2018", entry(probabilities[kept], truth[kept]), resamples=5)
    assert report.row("VASC", "sensitivity").value == 1
    six = [report.row(name, "auc").value for name in SEVEN[:6]]
    assert np.isnan(report.row("VASC", "auc").value)
    assert report.row(MEAN, "auc").value == pytest.approx(np.mean(six))
    assert any(note.startswith(f"VASC: 0 of {kept.sum()} images") for note in report.notes)


@pytest.mark.parametrize(("threshold", "called"), [("above", 3), ("at_or_above", 7)])
def test_ppv_and_npv_are_shares_of_the_called_images_with_wilsons_interval(threshold: Threshold, called: int) -> None:
    """Without a wrong image the interval is that of as many images as are called positive, or not."""
    scores = np.array([0.9] * 3 + [0.5] * 4 + [0.1] * 9)
    truth = scores > 0.1 if called == 7 else scores > 0.5
    table = np.stack([scores, np.where(np.arange(16) < 8, 0.2, 0.7)], axis=1)
    shown = entry(table, np.stack([truth, np.arange(16) >= 8], axis=1))
    report = evaluate_challenge("isic2018", shown, Rules(threshold=threshold), resamples=5)
    for name, images in (("ppv", called), ("npv", 16 - called)):
        row, expected = report.row("melanoma", name), binomtest(images, images).proportion_ci(method="wilson")
        assert (row.method, row.value) == ("wilson", 1)
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))


def test_where_no_image_is_called_positive_ppv_has_no_interval() -> None:
    table = np.stack([np.full(16, 0.2), np.where(np.arange(16) < 8, 0.2, 0.7)], axis=1)
    shown = entry(table, np.stack([np.arange(16) < 4, np.arange(16) >= 8], axis=1))
    row = evaluate_challenge("isic2018", shown, resamples=5).row("melanoma", "ppv")
    assert row.value == 1  # by the rule `undefined`
    assert np.isnan([row.low, row.high]).all()


def test_a_tie_is_wrong_or_the_first_by_the_rule() -> None:
    probabilities = np.full((14, 7), 0.1)
    truth = np.eye(7)[np.arange(14) % 7]
    wrong = evaluate_challenge("isic2018", entry(probabilities, truth), resamples=1)
    first = evaluate_challenge("isic2018", entry(probabilities, truth), Rules(ties="first"), resamples=1)
    assert wrong.row(ALL_CLASSES, "balanced_accuracy").value == 0
    assert first.row(ALL_CLASSES, "balanced_accuracy").value == pytest.approx(1 / 7)


def test_isic_2017_is_ranked_by_the_mean_auc_of_its_categories() -> None:
    # Melanoma: .9 beats all, .3 beats one of two; seborrheic keratosis: ranked last.
    probabilities = np.array([[0.9, 0.1], [0.3, 0.9], [0.5, 0.2], [0.1, 0.8]])
    truth = np.array([[1, 0], [1, 0], [0, 1], [0, 0]])
    report = evaluate_challenge("isic2017", entry(probabilities, truth), resamples=1)
    assert report.ranked_by == (MEAN, "auc")
    assert report.row("melanoma", "auc").value == 0.75
    assert report.row("seborrheic_keratosis", "auc").value == pytest.approx(1 / 3)
    assert report.row(MEAN, "auc").value == pytest.approx((0.75 + 1 / 3) / 2)
    # Both melanomas are found at .3 and above, with one of two others.
    assert report.row("melanoma", "specificity_at_sensitivity_82").value == 0.5
    assert "all classes" not in {row.task for row in report.rows}


def test_intervals_are_those_of_a_plain_loop_over_the_resamples() -> None:
    probabilities, truth, weights = random_table(2)
    one = entry(probabilities, truth, weights)
    report = evaluate_challenge("isic2018", one, resamples=40, seed=5)
    draws = Sampling.of(one.groups, one.classes).weights(np.random.default_rng(5), 40)
    loop = []
    for draw in draws:
        ids = tuple(f"{row}" for row in np.flatnonzero(draw))
        kept = draw > 0
        drawn = ChallengeEntry(
            ids, SEVEN, one.probabilities[kept], one.truth[kept], one.weights[kept] * draw[kept], ids
        )  # a weight is a number of copies
        loop.append(official_metrics(drawn, "isic2018", CHALLENGES["isic2018"].rules).values()[MEAN, "ap"])
    found = report.row(MEAN, "ap").intervals["percentile"]
    assert found == pytest.approx(tuple(np.quantile(loop, [0.025, 0.975])), abs=1e-12)


def test_a_figure_has_the_interval_that_evaluate_gives_it() -> None:
    chance = np.random.default_rng(7)
    labels, probabilities = np.arange(90) % 3, chance.dirichlet(np.ones(3), 90)
    classes = (*CHALLENGES["isic2017"].categories, "nevus")
    ids = tuple(f"ISIC_{row}" for row in range(90))
    predictions = Predictions(ids, classes, probabilities, labels, tuple(f"lesion {row // 2 * 2}" for row in range(90)))
    measures = official_measures("isic2017")
    expected = evaluate_classification(predictions, classes[:2], measures=measures, resamples=30)
    report = evaluate_challenge("isic2017", entry_of(predictions, "isic2017"), resamples=30)
    for task in classes[:2]:
        for measure in ("sensitivity", "specificity", "auc", "ap"):
            row, other = report.row(task, measure), expected.row(task, measure)
            assert (row.value, row.low, row.high) == pytest.approx((other.value, other.low, other.high), abs=1e-12)
            assert row.method == other.method


def test_weighted_images_have_no_interval_that_counts_them_alike() -> None:
    report = evaluate_challenge("isic2018", entry(*random_table(2)), resamples=20)
    methods = {row.measure: row.method for row in report.rows}
    assert methods.pop("auc_above_sensitivity_80") == "percentile"
    assert set(methods.values()) == {"logit"}


def test_a_measure_read_off_the_curve_has_no_interval_of_the_jackknife() -> None:
    report = evaluate_challenge(
        "isic2017", entry(np.random.default_rng(0).random((30, 2)), np.eye(3)[np.arange(30) % 3][:, :2]), resamples=20
    )
    row = report.row(MEAN, "specificity_at_sensitivity_89")
    assert (row.method, list(row.intervals)) == ("percentile", ["percentile"])


def test_images_of_one_lesion_are_drawn_together() -> None:
    probabilities, truth, _ = random_table(4)
    single = entry(probabilities, truth)
    twice = ChallengeEntry(
        single.image_ids,
        SEVEN,
        single.probabilities,
        single.truth,
        single.weights,
        tuple(f"lesion {place}" for place in single.classes),
    )
    assert evaluate_challenge("isic2018", single, resamples=1).units == len(truth)
    assert evaluate_challenge("isic2018", twice, resamples=1).units == 7


def test_a_report_becomes_plain_values_and_back() -> None:
    report = evaluate_challenge("isic2018", entry(*random_table(1)), resamples=3)
    adapter = TypeAdapter(ChallengeReport)
    assert repr(adapter.validate_python(adapter.dump_python(report))) == repr(report)
    assert json.loads(adapter.dump_json(report))["rules"]["excluded"] == ["ISIC_0035068"]


def test_the_balanced_accuracy_has_the_interval_that_evaluate_gives_it() -> None:
    chance = np.random.default_rng(3)
    ids = tuple(f"ISIC_{row}" for row in range(140))
    predictions = Predictions(ids, SEVEN, chance.dirichlet(np.ones(7), 140), np.arange(140) % 7, ids)
    expected = evaluate_classification(predictions, SEVEN, resamples=2).row(ALL_CLASSES, "balanced_accuracy")
    row = evaluate_challenge("isic2018", entry_of(predictions, "isic2018"), resamples=2).rows[-1]
    assert (row.measure, row.method) == ("balanced_accuracy", "wilson")
    assert (row.value, row.low, row.high) == pytest.approx((expected.value, expected.low, expected.high), abs=1e-12)


def test_a_report_that_an_earlier_version_stored_is_read() -> None:
    adapter = TypeAdapter(ChallengeReport)
    plain = adapter.dump_python(evaluate_challenge("isic2018", entry(*random_table(1)), resamples=3))
    for row in plain["rows"]:
        del row["positives"], row["images"]
    assert [row.images for row in adapter.validate_python(plain).rows] == [0] * len(plain["rows"])


def test_a_networks_predictions_are_an_entry_of_the_categories_it_knows() -> None:
    two = Predictions(
        ("a", "b", "c"),
        ("rest", "melanoma"),
        np.array([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]]),
        np.array([1, 0, 0]),
        ("",) * 3,
    )
    one = entry_of(two, "isic2016", excluded=["c"])
    assert (one.image_ids, one.categories, one.left_out) == (("a", "b"), ("malignant",), ("c",))
    assert evaluate_challenge("isic2016", one, resamples=1).row("malignant", "auc").value == 1
    both = entry_of(two, "isic2017")
    assert both.categories == ("melanoma",)
    assert entry_of(two, "isic2018").categories == ("MEL",)
    other = Predictions(two.image_ids, ("rest", "naevus"), two.probabilities, two.labels, two.groups)
    with pytest.raises(PredictionsError, match=r"none of MEL, NV, .* is among the classes rest, naevus"):
        entry_of(other, "isic2018")


def test_a_data_set_that_never_was_a_challenge_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="unknown challenge with a table of classes 'isic2018-task1'; known: isic2016"
    ):
        evaluate_challenge("isic2018-task1", entry(*random_table(0)))


def test_rules_are_changed_by_name() -> None:
    changed = changed_rules("isic2018", ["ties=first", "excluded=a, b", "undefined=zero", "ap=trapezoid"])
    assert changed == Rules(("a", "b"), "first", "above", "zero", "trapezoid")
    assert changed_rules("isic2018", ["excluded="]).excluded == ()


@pytest.mark.parametrize(
    ("dataset", "change", "message"),
    [
        ("isic2018", "ties", "'ties' changes no rule; expected name=value"),
        (
            "isic2018",
            "tie=first",
            r"unknown rule of ISIC 2018 task 3 'tie' \(did you mean 'ties'\?\); known: ap, excluded, threshold, ties",
        ),
        ("isic2017", "ties=first", "unknown rule of ISIC 2017 part 3 'ties'"),
        ("isic2018-task1", "ap=step", "unknown rule of ISIC 2018 task 1 'ap'; known: excluded, undefined"),
        ("isic2018", "ap=area", "unknown value of the rule ap 'area'; known: step, trapezoid"),
    ],
)
def test_a_rule_that_is_none_is_refused(dataset: str, change: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        changed_rules(dataset, [change])
