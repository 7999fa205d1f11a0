"""Figures over seeds are those of `compare_recipes`; Holm counts each pair of rows once."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from attnmel.evaluation.classification.metric_set import MEAN
from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.differences import MeasureDifference
from attnmel.evaluation.comparison.paired_tests import Method, Outcome
from attnmel.evaluation.comparison.recipes import Comparison, compare_recipes
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.evaluation.statistics.hypothesis_tests import holm
from attnmel.evaluation.thesis.reproduced import RowTest, TableBlock, corrected, count_tests, over_seeds
from attnmel.records import Predictions

CHANCES = ResamplingConfig(resamples=200, permutations=99)


def runs(seeds: int, classes: tuple[str, ...]) -> list[RunPredictions]:
    generator = np.random.default_rng(3)
    labels = np.arange(60) % len(classes)
    found = []
    for seed in range(seeds):
        scores = generator.random((60, len(classes))) + 0.6 * np.eye(len(classes))[labels]
        ids = tuple(f"ISIC_{number:07}" for number in range(60))
        probabilities = scores / scores.sum(axis=1, keepdims=True)
        found.append(
            RunPredictions(
                f"seed {seed}",
                Predictions(image_ids=ids, classes=classes, probabilities=probabilities, labels=labels, groups=ids),
            )
        )
    return found


def test_the_mean_over_seeds_and_its_interval_are_those_of_compare() -> None:
    seeds = runs(3, ("rest", "melanoma"))
    found = over_seeds(seeds, "melanoma", [("melanoma", "ap"), ("melanoma", "auc")], CHANCES)
    compared: Comparison = compare_recipes(
        [RecipeRuns("recipe", tuple(seeds))], ["melanoma"], measures=("ap", "auc"), resampling=CHANCES
    )
    for one in compared.summaries:
        interval, values = found[one.task, one.measure]
        assert interval == pytest.approx((one.mean, one.chosen.low, one.chosen.high))
        assert values == one.values


def test_each_recall_has_a_mean_over_seeds() -> None:
    seeds = runs(2, ("MEL", "NV", "BCC"))
    found = over_seeds(seeds, "MEL", [("all classes", "recall NV"), ("all classes", "balanced_accuracy")], CHANCES)
    interval, values = found["all classes", "recall NV"]
    hits = [(one.predictions.probabilities.argmax(axis=1) == 1)[one.predictions.labels == 1].mean() for one in seeds]
    assert values == pytest.approx(hits)
    assert interval.value == pytest.approx(np.mean(hits))
    assert interval.low < interval.value < interval.high


def test_of_three_classes_the_second_task_and_the_mean_auc_have_a_mean_over_seeds() -> None:
    seeds = runs(3, ("melanoma", "nevus", "seborrheic_keratosis"))
    columns = [("melanoma", "auc"), ("seborrheic_keratosis", "auc"), (MEAN, "auc")]
    found = over_seeds(seeds, "melanoma", columns, CHANCES)
    own = [
        [roc_auc_score(one.predictions.is_class(name), one.predictions.probability(name)) for one in seeds]
        for name in ("melanoma", "seborrheic_keratosis")
    ]
    for column, values in zip(columns, (*own, np.mean(own, axis=0)), strict=True):
        interval, by_seed = found[column]
        assert by_seed == pytest.approx(tuple(values))
        assert interval.value == pytest.approx(np.mean(values))
        assert interval.low < interval.value < interval.high
    of_one = over_seeds(runs(3, ("rest", "melanoma")), "melanoma", columns, CHANCES)
    assert list(of_one) == [("melanoma", "auc")]


def difference(first: str, second: str, p: float) -> MeasureDifference:
    return MeasureDifference(first, second, "melanoma", "auc", 0.7, 0.8, 0.1, Outcome(Method("test", 0.01, 0.2, p)))


def test_holm_counts_two_rows_once_over_all_blocks() -> None:
    tests = (
        RowTest("baseline", difference("c", "b", 0.01)),
        RowTest("above", difference("b", "c", 0.01)),
        RowTest("above", difference("a", "b", 0.04)),
    )
    block = TableBlock(split="internal", title="", rows=(), tests=tests)
    other = dataclasses.replace(block, split="test", tests=(RowTest("above", difference("a", "b", 0.03)),))
    expected = dict(zip((0.01, 0.04, 0.03), holm([0.01, 0.04, 0.03]), strict=True))
    assert count_tests([block, other]) == 3
    for one in corrected([block, other]):
        for test in one.tests:
            assert test.found.corrected == expected[test.found.outcome.chosen.p]
