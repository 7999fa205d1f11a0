"""`attnmel.statistics` on arrays and frames: independent references, properties, and what is refused."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel import statistics
from attnmel.errors import AttnmelError
from attnmel.evaluation.readers.readings import Readings
from attnmel.pipeline.study.analysis.read_study import read_study

INPUT = Path(__file__).parents[1] / "evaluation" / "readers" / "input.imrmc"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Sixty images of thirty patients, with ties among the scores."""
    chance = np.random.default_rng(3)
    truth = np.repeat(chance.random(30) < 0.4, 2)
    noise = chance.normal(size=(60, 2)).round(1)
    return pd.DataFrame(
        {
            "melanoma": truth.astype(int),
            "score": stats.norm.cdf(truth * 1.0 + noise[:, 0] - 0.5),
            "other": stats.norm.cdf(truth * 0.6 + noise[:, 1] - 0.5),
            "patient": [f"p{number}" for number in np.repeat(np.arange(30), 2)],
        }
    )


def delong_by_loop(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Both AUCs and the variance of their difference, by the definition of DeLong et al. over all pairs."""
    kernels = []
    for scores in (first, second):
        positive, negative = scores[truth == 1], scores[truth == 0]
        kernels.append((positive[:, None] > negative) + 0.5 * (positive[:, None] == negative))
    difference = kernels[1] - kernels[0]
    rows, columns = difference.mean(axis=1), difference.mean(axis=0)
    variance = rows.var(ddof=1) / len(rows) + columns.var(ddof=1) / len(columns)
    return float(kernels[0].mean()), float(kernels[1].mean()), float(variance)


def test_an_auc_is_scikit_learns_and_its_interval_delongs(table: pd.DataFrame) -> None:
    found = statistics.auc(table.melanoma, table.score)
    assert found.value == pytest.approx(roc_auc_score(table.melanoma, table.score))
    nothing = np.zeros(len(table))
    _, value, variance = delong_by_loop(table.melanoma.to_numpy(), nothing, table.score.to_numpy())
    logit, half = math.log(value / (1 - value)), 1.959964 * math.sqrt(variance) / (value * (1 - value))
    expected = [1 / (1 + math.exp(-one)) for one in (logit - half, logit + half)]
    assert [found.low, found.high] == pytest.approx(expected, abs=1e-6)


def test_arrays_lists_series_names_and_positive_labels_are_one_thing(table: pd.DataFrame) -> None:
    words = table.melanoma.map({1: "melanoma", 0: "nevus"})
    by = [
        statistics.auc(table.melanoma, table.score, table.patient),
        statistics.auc(table.melanoma.tolist(), table.score.tolist(), table.patient.tolist()),
        statistics.auc("melanoma", "score", "patient", data=table),
        statistics.auc("melanoma", "score", "patient", data={name: table[name].to_numpy() for name in table}),
        statistics.auc(words, table.score, table.patient, positive="melanoma"),
        statistics.auc(table.melanoma.astype(bool), table.score, table.patient),
    ]
    assert len(set(by)) == 1
    assert (by[0].images, by[0].groups) == (60, 30)


def test_a_copy_of_each_image_in_its_group_adds_nothing_that_is_known(table: pd.DataFrame) -> None:
    """Unclustered, the copies would narrow the interval by a factor of about the root of 2."""
    single = table.drop_duplicates("patient")
    twice = pd.concat([single, single])
    once = statistics.auc("melanoma", "score", "patient", data=single)
    assert statistics.auc("melanoma", "score", "patient", data=twice).low == pytest.approx(once.low, abs=0.004)
    naive = statistics.auc("melanoma", "score", data=twice)
    assert naive.high - naive.low < 0.8 * (once.high - once.low)


def test_an_image_without_a_group_is_a_group_of_its_own(table: pd.DataFrame) -> None:
    unknown = table.assign(patient=[None, math.nan, ""] * 20)
    assert statistics.auc("melanoma", "score", "patient", data=unknown) == statistics.auc(
        "melanoma", "score", data=unknown
    )


def test_measures_are_scikit_learns_at_any_threshold(table: pd.DataFrame) -> None:
    found = statistics.measures("melanoma", "score", data=table, threshold=0.3, resamples=20)
    called = table.score > 0.3
    assert found["ap"].value == pytest.approx(average_precision_score(table.melanoma, table.score))
    assert found["sensitivity"].value == called[table.melanoma == 1].mean()
    assert found["specificity"].value == (~called[table.melanoma == 0]).mean()
    rows = found.to_frame()
    assert list(rows.measure) == ["auc", "ap", "sensitivity", "specificity", "balanced_accuracy"]
    assert ((rows.low <= rows.value) & (rows.value <= rows.high)).all()
    assert found.to_dict()["rows"][0]["intervals"].keys() == {"percentile", "bca", "logit", "delong"}


@pytest.mark.parametrize(("positive", "other"), [(0, 1), ("rest", "melanoma")])
def test_a_positive_class_may_have_any_name(positive: object, other: object) -> None:
    """Also 0, which is no missing one, and the word that predictions have for all other classes."""
    truth, share = np.array([1, 1, 1, 0, 0]), [0.9, 0.8, 0.3, 0.6, 0.2]
    named = [positive if one else other for one in truth]
    expected = statistics.measures(truth, share, resamples=20)
    found = statistics.measures(named, share, positive=positive, resamples=20)
    for measure in ("auc", "ap", "sensitivity", "specificity"):
        assert found[measure] == expected[measure]
    predictors = {"one": share, "two": share[::-1]}
    compared = statistics.compare(named, predictors, positive=positive, resamples=20, permutations=20).to_frame()
    assert compared.first_value[:4].tolist() == [row.value for row in expected.report.rows][:4]
    assert found.to_frame().task[0] == ("0" if positive == 0 else "positive")


@pytest.mark.parametrize(("right", "of"), [(9, 10), (0, 7), (7, 7)])
def test_a_proportion_has_wilsons_interval(right: int, of: int) -> None:
    values = [1] * right + [0] * (of - right)
    found = statistics.proportion([*values, 1, 1], [1] * of + [0, 0])
    expected = stats.binomtest(right, of).proportion_ci(method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((right / of, expected.low, expected.high))
    assert found.to_frame().images.tolist() == [of]


def test_an_auc_difference_is_delongs_paired_test(table: pd.DataFrame) -> None:
    found = statistics.auc_difference("melanoma", "other", "score", data=table)
    truth, other, score = (table[name].to_numpy() for name in ("melanoma", "other", "score"))
    first, second, variance = delong_by_loop(truth, other, score)
    assert (found.first, found.second, found.value) == pytest.approx((first, second, second - first))
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(second - first) / math.sqrt(variance)))
    turned = statistics.auc_difference("melanoma", "score", "other", data=table)
    assert (turned.value, turned.low, turned.p) == pytest.approx((-found.value, -found.high, found.p))


def test_mcnemars_test_is_binomial_and_holms_correction_that_of_his_paper() -> None:
    first, second = [1] * 9 + [0] * 2 + [1] * 5, [0] * 9 + [1] * 2 + [1] * 5
    found = statistics.mcnemar(first, second)
    assert (found.first_alone, found.second_alone) == (9, 2)
    assert found.p == pytest.approx(stats.binomtest(2, 11).pvalue)
    assert statistics.holm([0.01, 0.04, 0.03, math.nan]) == pytest.approx([0.03, 0.06, 0.06, math.nan], nan_ok=True)


def test_an_interval_of_a_mean_is_scipys_bootstrap() -> None:
    values = np.random.default_rng(1).exponential(size=40)

    def mean(weights: np.ndarray) -> np.ndarray:
        return weights @ values / weights.sum(axis=1)

    for method in ("percentile", "bca"):
        found = statistics.stratified_interval(mean, 40, method=method, resamples=4000)
        expected = stats.bootstrap(
            (values,), np.mean, method={"bca": "BCa"}.get(method, method), rng=np.random.default_rng(2)
        ).confidence_interval
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.04)


def test_resamples_keep_each_stratum_and_each_group_whole() -> None:
    strata, groups = [0] * 6 + [1] * 4, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    drawn: list[np.ndarray] = []

    def keep(weights: np.ndarray) -> np.ndarray:
        drawn.append(weights)
        return weights[:, 0]

    statistics.stratified_interval(keep, 10, strata, groups, resamples=200)
    weights = np.concatenate(drawn)
    assert (weights[:, :6].sum(axis=1) == 6).all()
    assert (weights[:, ::2] == weights[:, 1::2]).all()


def test_several_seeds_are_compared_over_seeds_and_images(table: pd.DataFrame) -> None:
    chance = np.random.default_rng(5)
    seeds = np.clip(table.score.to_numpy() + chance.normal(scale=0.02, size=(3, 60)), 0, 1)
    predictors = {"plain": [*seeds], "other": "other"}
    found = statistics.compare("melanoma", predictors, data=table, measures=["auc"], resamples=50, permutations=50)
    row = found.to_frame().iloc[0]
    assert row.method == "t over seeds and images"
    assert row.difference == pytest.approx(
        roc_auc_score(table.melanoma, table.other) - np.mean([roc_auc_score(table.melanoma, one) for one in seeds])
    )
    summary = found.summary_frame().set_index("name")
    assert summary.seeds.to_dict() == {"plain": 3, "other": 1}
    as_array = {"plain": seeds, "other": "other"}
    again = statistics.compare("melanoma", as_array, data=table, measures=["auc"], resamples=50, permutations=50)
    assert again.to_dict() == found.to_dict()
    assert found.sentences[0].startswith("other against plain, auc: ")


def test_two_predictors_of_one_seed_have_delongs_test_and_holms_correction(table: pd.DataFrame) -> None:
    names = {"first": "score", "second": "other"}
    found = statistics.compare("melanoma", names, "patient", data=table, resamples=50, permutations=50).to_frame()
    assert list(found.measure) == ["auc", "ap", "sensitivity", "specificity", "balanced_accuracy"]
    expected = statistics.auc_difference("melanoma", "score", "other", "patient", data=table)
    assert found.p[0] == pytest.approx(expected.p)
    assert found.corrected.tolist() == pytest.approx(statistics.holm(found.p))


def long_table(readings: Readings) -> pd.DataFrame:
    """The readings as a table, in an order that is not that of the arrays."""
    rows = [
        (readings.readers[r], readings.cases[c], readings.modalities[m], readings.scores[m, r, c], readings.diseased[c])
        for c in reversed(range(len(readings.cases)))
        for r in range(len(readings.readers))
        for m in range(len(readings.modalities))
    ]
    return pd.DataFrame(rows, columns=pd.Index(["reader", "case", "modality", "score", "truth"]))


def test_a_study_of_readers_has_the_numbers_of_fdas_program() -> None:
    """Of iMRMC 2.1.2, as in tests/evaluation/readers/inference/test_u_statistics.py."""
    found = statistics.readers(data=long_table(read_study(INPUT).readings))
    (pair,) = found.to_dict()["differences"]
    assert abs(pair["u_statistic"]["value"]) == pytest.approx(0.7585 - 0.704375, abs=1e-9)
    assert pair["u_statistic"]["t"]["p"] == pytest.approx(0.4685759836, abs=1e-8)
    rows = found.to_frame().set_index("modality")
    assert rows.auc[["testA", "testB"]].tolist() == pytest.approx([0.704375, 0.7585])
    assert len(rows) == 3


def test_a_plan_has_more_power_with_more_readers_and_cases() -> None:
    rows = statistics.power((5, 10), (50, 200))
    power = [row.expected.power for row in rows]
    assert power[0] < power[1] < power[3]
    assert power[0] < power[2] < power[3]


def shuffled(table: pd.DataFrame) -> pd.Series:
    return table.score.sort_values()


REFUSED: dict[str, tuple[Callable[[pd.DataFrame], object], str]] = {
    "another length": (
        lambda table: statistics.auc(table.melanoma, [0.1]),
        "score has 1 values and truth 60; expected one for each image",
    ),
    "another index": (
        lambda table: statistics.auc(table.melanoma, shuffled(table)),
        "the index of score is not that of truth, so rows would belong to different images; align them first, as by "
        "score.reindex(truth.index)",
    ),
    "missing scores": (
        lambda table: statistics.auc([0, 1, 1], [0.1, math.nan, math.inf]),
        "2 of 3 values of score are missing or infinite (rows 1, 2); leave these images out, or predict them",
    ),
    "words as scores": (
        lambda table: statistics.auc([0, 1], ["low", "high"]),
        "score holds what is no number ('low', 'high'); expected numbers",
    ),
    "words as truth": (
        lambda table: statistics.auc(["nevus", "melanoma"], [0.1, 0.2]),
        "truth holds melanoma, nevus; expected 0 and 1, or name the positive one, as positive='melanoma'",
    ),
    "a positive that is not there": (
        lambda table: statistics.auc(["nevus", "melanoma"], [0.1, 0.2], positive="Melanoma"),
        "no value of truth is 'Melanoma'; there are: melanoma, nevus",
    ),
    "one kind": (
        lambda table: statistics.auc([1, 1], [0.1, 0.2]),
        "2 positive and 0 negative images; an AUC needs at least one of each",
    ),
    "nothing": (lambda table: statistics.auc([], []), "truth is empty; expected one value for each image"),
    "a matrix": (
        lambda table: statistics.auc([0, 1], [[0.1, 0.9], [0.2, 0.8]]),
        "score has the shape (2, 2); expected one value for each image",
    ),
    "a name without data": (
        lambda table: statistics.auc("melanoma", [0.1]),
        "truth is the name 'melanoma', but no data is given; add data=FRAME",
    ),
    "an unknown column": (
        lambda table: statistics.auc("melanom", "score", data=table),
        "unknown column 'melanom' (did you mean 'melanoma'?); known: melanoma, other, patient, score",
    ),
    "a confidence in per cent": (
        lambda table: statistics.auc([0, 1], [0.1, 0.2], confidence=95),
        "a confidence of 95; expected a share between 0 and 1, such as 0.95",
    ),
    "scores that are no probabilities": (
        lambda table: statistics.measures([0, 1], [-1, 40]),
        "probability is from -1 to 40; expected probabilities in [0, 1] (`auc` and `auc_difference` take any scores)",
    ),
    "a threshold in per cent": (
        lambda table: statistics.measures([0, 1], [0.1, 0.4], threshold=50),
        "a threshold of 50; expected a probability of at least 0 and below 1",
    ),
    "a threshold of each in per cent": (
        lambda table: statistics.compare([0, 1], {"one": [0.1, 0.2], "two": [0, 1]}, thresholds={"two": 50}),
        "a threshold of 50; expected a probability of at least 0 and below 1",
    ),
    "a threshold of nobody": (
        lambda table: statistics.compare([0, 1], {"one": [0.1, 0.2], "two": [0, 1]}, thresholds={"twO": 0.3}),
        "unknown predictor 'twO' (did you mean 'two'?); known: one, two",
    ),
    "a reading of nobody": (
        lambda table: statistics.readers(["a", None], ["1", "2"], ["x", "x"], [1, 2], [0, 1]),
        "1 of 2 values of reader are missing (rows 1); name the reader of each, or leave these rows out",
    ),
    "a share of nothing": (
        lambda table: statistics.proportion([0, 1], [0, 0]),
        "no image to take a share of; expected at least one image with among = 1",
    ),
    "an unknown method": (
        lambda table: statistics.stratified_interval(lambda weights: weights[:, 0], 3, method="basic"),
        "unknown method 'basic'; known: bca, percentile",
    ),
    "a statistic of another shape": (
        lambda table: statistics.stratified_interval(lambda weights: weights, 3),
        "the statistic returned the shape (1, 3) for weights of shape (1, 3); expected one value for each row",
    ),
    "strata of other images": (
        lambda table: statistics.stratified_interval(lambda weights: weights[:, 0], 3, [0, 1]),
        "strata has 2 values; expected one for each of the 3 images",
    ),
    "no p value": (lambda table: statistics.holm([0.1, 5]), "5 is no p value; expected numbers in [0, 1]"),
    "one predictor": (
        lambda table: statistics.compare([0, 1], {"one": [0.1, 0.2]}),
        "a comparison needs two runs or more; name another run, or a folder of several seeds",
    ),
    "two truths of a case": (
        lambda table: statistics.readers(["a", "b"], ["1", "1"], ["x", "x"], [1, 2], [0, 1]),
        "cases with two truths: 1; expected one truth for each case",
    ),
    "a reading twice": (
        lambda table: statistics.readers(["a", "a"], ["1", "1"], ["x", "x"], [1, 2], [1, 1]),
        "the readings, line 2: found reader 'a' and case '1' with 'x' a second time, expected one reading (as in line "
        "1), or a column 'repeat' with 1 for the second",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_in_one_sentence(what: str, table: pd.DataFrame) -> None:
    call, sentence = REFUSED[what]
    with pytest.raises(AttnmelError) as error:
        call(table)
    assert str(error.value) == sentence


def test_a_frame_without_pandas_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AttnmelError, match=r"pip install pandas, or use to_dict\(\)$"):
        statistics.auc([0, 1], [0.1, 0.2]).to_frame()


def test_power_takes_one_number_as_well_as_several() -> None:
    # By their texts: what is not defined is NaN, which equals nothing.
    assert repr(statistics.power(5, 100)) == repr(statistics.power((5,), (100,)))


def test_the_example_of_a_statistic_of_ones_own_runs(table: pd.DataFrame) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "python.md").read_text(encoding="utf-8")
    code = re.search(r"<!-- example: stratified -->\n```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    names = {"frame": table.rename(columns={"score": "network"})}
    exec(code[1], names)
    share = names["share"]
    best = table.sort_values("score", ascending=False).head(12)
    assert share.value == pytest.approx(best.melanoma.sum() / table.melanoma.sum())  # pyright: ignore[reportAttributeAccessIssue]
    assert 0 <= share.low < share.value < share.high <= 1  # pyright: ignore[reportAttributeAccessIssue]
