import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from attnmel.evaluation.challenge.metrics import every_measure, official_measures
from attnmel.evaluation.challenge.rules import OFFICIAL, Rules
from attnmel.evaluation.classification.ranking import Ranking


def measured(positive: np.ndarray, scores: np.ndarray, rules: Rules | None = None) -> dict[str, float]:
    counts = Ranking.of(positive, scores).counts()
    return {name: float(measure(counts)[0]) for name, measure in every_measure(rules or Rules()).items()}


def by_scikit_learn(positive: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    called = scores > 0.5
    precision, recall, _ = reference.precision_recall_curve(positive, scores)
    return {
        "accuracy": float(reference.accuracy_score(positive, called)),
        "sensitivity": float(reference.recall_score(positive, called)),
        "specificity": float(reference.recall_score(positive, called, pos_label=0)),
        "f1": float(reference.f1_score(positive, called, zero_division=1)),  # type: ignore[arg-type]
        "ppv": float(reference.precision_score(positive, called, zero_division=1)),  # type: ignore[arg-type]
        "npv": float(reference.precision_score(~positive, ~called, zero_division=1)),  # type: ignore[arg-type]
        "auc": float(reference.roc_auc_score(positive, scores)),
        "ap": float(reference.average_precision_score(positive, scores)),
        "trapezoid": float(reference.auc(recall, precision)),
        **{
            f"specificity_at_sensitivity_{one}": plain_specificity(positive, scores, one / 100)
            for one in (82, 89, 95, 98, 99)
        },
        "auc_above_sensitivity_80": plain_area(positive, scores),
    }


def plain_specificity(positive: np.ndarray, scores: np.ndarray, sensitivity: float) -> float:
    """Let the threshold fall until enough positives are found."""
    for threshold in sorted(set(scores), reverse=True):
        if (scores[positive] >= threshold).mean() >= sensitivity:
            return float(1 - (scores[~positive] >= threshold).mean())
    raise AssertionError


def plain_area(positive: np.ndarray, scores: np.ndarray) -> float:
    """Integrate finely, by the inverse of the curve: false positive rate against sensitivity."""
    false, true, _ = reference.roc_curve(positive, scores, drop_intermediate=False)
    fine = np.linspace(0, 1, 20_001)
    # The curve is entered where it first reaches .8.
    first = int(np.argmax(true >= 0.8))
    share = (0.8 - true[first - 1]) / (true[first] - true[first - 1])
    entered = false[first - 1] + share * (false[first] - false[first - 1])
    beyond = fine[fine > entered]
    return float(np.interp(beyond, false, true).sum() * (fine[1] - fine[0]))


@st.composite
def tasks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw truths with both kinds and scores with many ties, one half among them."""
    rest = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=30))
    rows = [(True, draw(st.integers(0, 8))), (False, draw(st.integers(0, 8))), *rest]
    return np.array([truth for truth, _ in rows]), np.array([score / 8 for _, score in rows])


@settings(deadline=None, derandomize=True, max_examples=20)
@given(tasks())
def test_every_measure_agrees_with_scikit_learn_or_a_plain_loop(task: tuple[np.ndarray, np.ndarray]) -> None:
    expected = by_scikit_learn(*task)
    found = measured(*task) | {"trapezoid": measured(*task, Rules(ap="trapezoid"))["ap"]}
    assert found.pop("auc_above_sensitivity_80") == pytest.approx(expected.pop("auc_above_sensitivity_80"), abs=2e-4)
    found.pop("jaccard")
    assert found == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(tasks())
def test_a_weight_is_a_number_of_copies(task: tuple[np.ndarray, np.ndarray]) -> None:
    positive, scores = task
    times = np.arange(len(positive)) % 3
    times[:2] = 1
    counts = Ranking.of(positive, scores).counts(times[None].astype(float))
    for ap in ("step", "trapezoid"):
        rules = Rules(ap=ap)
        weighted = {name: float(measure(counts)[0]) for name, measure in every_measure(rules).items()}
        assert weighted == pytest.approx(measured(positive.repeat(times), scores.repeat(times), rules), abs=1e-12)


def test_a_hand_made_curve_is_entered_on_the_line_between_two_points() -> None:
    # ROC points: (0, 0), (0, 1/2), (1/2, 1), (1, 1). Sensitivity .8 is reached at .5 * (.8 - .5) / .5 = .3.
    positive = np.array([True, True, False, False])
    found = measured(positive, np.array([0.9, 0.4, 0.4, 0.1]))
    assert found["auc_above_sensitivity_80"] == pytest.approx(0.2 * 0.9 + 0.5)
    assert found["specificity_at_sensitivity_95"] == 0.5


def test_specificity_is_read_at_the_first_point_that_is_high_enough_without_interpolation() -> None:
    # 20 positives: 19 of them are 95 %, reached before the two negatives that are above the last positive.
    positive = np.array([True] * 19 + [False] * 2 + [True] + [False] * 2)
    found = measured(positive, np.linspace(1, 0, 24))
    assert found["specificity_at_sensitivity_95"] == 1
    assert found["specificity_at_sensitivity_98"] == 0.5
    assert found["specificity_at_sensitivity_99"] == 0.5


@pytest.mark.parametrize(("threshold", "expected"), [("above", (0, 1)), ("at_or_above", (1, 0))])
def test_one_half_is_positive_or_not_by_the_rule(threshold: str, expected: tuple[float, float]) -> None:
    rules = Rules(threshold=threshold)  # type: ignore[arg-type]
    found = measured(np.array([True, False]), np.array([0.5, 0.5]), rules)
    assert (found["sensitivity"], found["specificity"]) == expected


@pytest.mark.parametrize(("undefined", "worth"), [("one", 1.0), ("nan", np.nan), ("zero", 0.0)])
def test_a_ratio_over_nothing_is_what_the_rule_says(undefined: str, worth: float) -> None:
    rules = Rules(undefined=undefined)  # type: ignore[arg-type]
    none_called = measured(np.array([True, False]), np.array([0.2, 0.1]), rules)
    all_called = measured(np.array([True, False]), np.array([0.8, 0.9]), rules)
    nothing = measured(np.array([False, False]), np.array([0.2, 0.1]), rules)
    found = [none_called["ppv"], all_called["npv"], nothing["sensitivity"], nothing["f1"], nothing["jaccard"]]
    assert found == pytest.approx([worth] * 5, nan_ok=True)
    assert (none_called["sensitivity"], none_called["npv"], nothing["specificity"]) == (0, 0.5, 1)


@pytest.mark.parametrize("truth", [True, False])
def test_a_column_of_one_kind_has_no_curve(truth: bool) -> None:
    found = measured(np.full(4, truth), np.array([0.1, 0.4, 0.6, 0.9]))
    curves = {name for name in found if name.startswith(("auc", "specificity_at"))}
    assert len(curves) == 7
    assert all(np.isnan(found[name]) for name in curves)
    assert found["accuracy"] == 0.5
    assert (found["sensitivity"], found["specificity"]) == ((0.5, 1) if truth else (1, 0.5))


def test_the_trapezoid_is_not_the_step_sum() -> None:
    positive, scores = np.array([True, False, True]), np.array([0.9, 0.6, 0.3])
    # Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    assert measured(positive, scores)["ap"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert measured(positive, scores, Rules(ap="trapezoid"))["ap"] == pytest.approx(0.5 * 1 + 0.5 * (1 / 2 + 2 / 3) / 2)


def test_each_data_set_has_the_measures_of_its_challenge_in_order() -> None:
    assert list(official_measures("isic2016")) == [
        "accuracy",
        "sensitivity",
        "specificity",
        "ap",
        "auc",
        "specificity_at_sensitivity_95",
        "specificity_at_sensitivity_98",
        "specificity_at_sensitivity_99",
    ]
    assert list(official_measures("isic2017"))[4] == "specificity_at_sensitivity_82"
    assert list(official_measures("isic2018"))[-2:] == ["auc_above_sensitivity_80", "ap"]
    assert official_measures("my-folder") == official_measures("isic2018-task1") == {}


def test_only_isic_2018_leaves_an_image_out_and_counts_nothing_as_one() -> None:
    assert OFFICIAL["isic2018"] == Rules(excluded=("ISIC_0035068",))
    assert OFFICIAL["isic2016"] == OFFICIAL["isic2017"] == Rules(undefined="nan")
