"""Arguments of `attnmel.statistics` that are of another kind are refused with a sentence; results are plain values."""

# Wrong arguments are what is tested.
# pyright: reportArgumentType=false, reportCallIssue=false

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from attnmel import statistics
from attnmel.errors import AttnmelError

TRUTH, SCORE = [0, 1] * 10, np.linspace(0.1, 0.9, 20)
BOTH = {"a": SCORE, "b": SCORE[::-1]}
FEW = {"resamples": 10, "permutations": 10}
READINGS = pd.DataFrame(
    [
        (f"r{reader}", f"c{case}", modality, float((7 * case + 3 * reader) % 11 + 4 * (case % 2)), case % 2)
        for reader in range(3)
        for case in range(12)
        for modality in ("alone", "with")
    ],
    columns=["reader", "case", "modality", "score", "truth"],
)


def total(weights: np.ndarray) -> np.ndarray:
    return weights.sum(axis=1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: statistics.auc(TRUTH, SCORE, confidence="x"), "confidence is 'x'; expected a number"),
        (lambda: statistics.auc(TRUTH, SCORE, confidence=True), "confidence is True; expected a number"),
        (lambda: statistics.auc([[1], [0, 1]], [0.1, 0.2]), "truth holds lists; expected one value for each image"),
        (lambda: statistics.auc(np.array([[1], 2], object), [0.1, 0.2]), "truth holds lists; expected one value for "
         "each image"),
        (lambda: statistics.auc(TRUTH, pd.date_range("2026", periods=20)), "score holds what is no number ("),
        (lambda: statistics.auc(TRUTH, SCORE + 0j), "score holds what is no number ("),
        (lambda: statistics.auc("t", "s", data="a.csv"), "data is a value of the type str; expected a frame of pandas, "
         "or a mapping of names to columns"),
        (lambda: statistics.auc(TRUTH, SCORE, positive=np.array([1, 2])), "no value of truth is array([1, 2]); there"),
        (lambda: statistics.measures(TRUTH, SCORE, threshold=None), "threshold is None; expected a number"),
        (lambda: statistics.measures(TRUTH, SCORE, resamples=10.0), "resamples is 10.0; expected a whole number"),
        (lambda: statistics.measures(TRUTH, SCORE, seed=-1), "seed is -1; expected a whole number of at least 0"),
        (lambda: statistics.compare(TRUTH, [SCORE]), "predictors is ["),
        (lambda: statistics.compare(TRUTH, BOTH, thresholds=0.5), "thresholds is 0.5; expected a mapping of names, "
         "each to a number or None"),
        (lambda: statistics.compare(TRUTH, BOTH, measures="auc"), "measures is 'auc'; expected a list, each of it a "
         "text"),
        (lambda: statistics.compare(TRUTH, BOTH, measures=[]), "no measure to compare; known: auc, ap, sensitivity, "
         "specificity, balanced_accuracy"),
        (lambda: statistics.compare(TRUTH, BOTH, permutations="x"), "permutations is 'x'; expected a whole number"),
        (lambda: statistics.holm("abc"), "the p values are 'abc'; expected a list of numbers in [0, 1]"),
        (lambda: statistics.holm(0.1), "the p values have the shape (); expected one for each test"),
        (lambda: statistics.holm([[0.1, 0.2]]), "the p values have the shape (1, 2); expected one for each test"),
        (lambda: statistics.stratified_interval(3, 20), "statistic is 3; expected a function"),
        (lambda: statistics.stratified_interval(total, READINGS), "images is "),
        (lambda: statistics.stratified_interval(lambda weights: ["a"] * len(weights), 20), "the statistic returned "
         "what is no number (['a']); expected numbers"),
        (lambda: statistics.stratified_interval(total, 3, [1, None, "a"]), "1 of 3 values of strata are missing (rows "
         "1); name the strata of each, or leave these rows out"),
        (lambda: statistics.power(5.5, 100), "readers is 5.5; expected a whole number or a list, each of it a whole "
         "number"),
        (lambda: statistics.power(5, 100, aucs=[0.8]), "1 expected AUC; give --auc twice, for the first and the second "
         "modality"),
        (lambda: statistics.readers(data=READINGS, covariance="x"), "unknown covariance 'x'; known: delong, jackknife, "
         "unbiased"),
        (lambda: statistics.readers(data=READINGS, machines="with"), "machines is 'with'; expected a list, each of it "
         "a text"),
        (lambda: statistics.readers(data=READINGS, threshold="x"), "threshold is 'x'; expected a number or None"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_in_a_sentence(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(AttnmelError) as refused:
        call()
    assert str(refused.value).startswith(sentence)


def test_numbers_and_columns_of_numpy_give_plain_results() -> None:
    rows = statistics.power(np.int64(5), np.array([100]))
    assert json.dumps(rows[0].as_dict()) == json.dumps(statistics.power(5, 100)[0].as_dict())
    found = statistics.stratified_interval(total, np.int64(20), ["a", 1] * 10, resamples=np.int64(10))
    assert json.loads(json.dumps(found.to_dict()))["images"] == 20
    frame = pd.DataFrame(BOTH)
    assert statistics.compare(TRUTH, frame, **FEW) == statistics.compare(TRUTH, BOTH, **FEW)


@pytest.mark.parametrize(
    "made",
    [
        lambda: statistics.auc(TRUTH, SCORE),
        lambda: statistics.auc_difference(TRUTH, SCORE, SCORE[::-1]),
        lambda: statistics.mcnemar(TRUTH, TRUTH),
        lambda: statistics.measures(TRUTH, SCORE, resamples=10),
        lambda: statistics.compare(TRUTH, BOTH, **FEW),
        lambda: statistics.readers(data=READINGS),
    ],
)
def test_results_are_plain_short_and_can_be_copied_and_sent(made: Callable[[], Any]) -> None:
    found = made()
    assert json.loads(json.dumps(found.to_dict()))
    assert len(found.to_frame()) >= 1
    assert len(repr(found)) < 250, "a cell of a notebook shows it"
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found)), made()):
        assert isinstance(found == other, bool)
        assert json.dumps(other.to_dict()) == json.dumps(found.to_dict())
