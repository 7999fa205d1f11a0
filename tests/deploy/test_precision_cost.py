"""The cost of a lower precision is the paired difference of AUCs, and more than the bound is refused."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from attnmel.deploy.engines import EngineOutput
from attnmel.deploy.onnx.export_facts import Cost
from attnmel.deploy.precision_cost import costs_of, refuse_costly
from attnmel.errors import ExportError
from attnmel.evaluation.statistics.delong import areas
from attnmel.records import Predictions


def truth(labels: np.ndarray) -> Predictions:
    names = tuple(f"image{row}" for row in range(len(labels)))
    return Predictions(
        image_ids=names,
        classes=("rest", "melanoma"),
        probabilities=np.full((len(labels), 2), 0.5),
        labels=labels.astype(np.int64),
        groups=names,
    )


def output(scores: np.ndarray, maps: float = 0.5) -> EngineOutput:
    probabilities = np.stack([1 - scores, scores], axis=1).astype(np.float32)
    return EngineOutput(probabilities, (np.full((len(scores), 2, 2), maps, dtype=np.float32),))


def cost_of(noise: float, maps: float = 0.5) -> tuple[Cost, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    labels = generator.random(80) < 0.3
    exact = ((generator.random(80) + labels * 0.4) / 1.4).astype(np.float32).astype(np.float64)
    lower = (exact + noise * generator.standard_normal(80)).clip(0, 1).astype(np.float32).astype(np.float64)
    (cost,) = costs_of(
        truth(labels),
        output(exact),
        output(lower, maps),
        ["melanoma"],
        precision="int8",
        engine="engine 1",
        split="test",
    )
    return cost, labels, exact, lower


def test_the_cost_is_the_difference_of_scikit_learns_aucs() -> None:
    cost, labels, exact, lower = cost_of(0.2, maps=0.25)
    assert cost.float32 == pytest.approx(roc_auc_score(labels, exact))
    assert cost.auc == pytest.approx(roc_auc_score(labels, lower))
    assert cost.difference == pytest.approx(cost.auc - cost.float32)
    assert cost.probability == pytest.approx(np.abs(exact - lower).max())
    assert (cost.images, cost.positives, cost.attention) == (80, int(labels.sum()), 0.25)


def test_the_interval_is_paired() -> None:
    cost, labels, exact, lower = cost_of(0.02)
    alone = areas(labels, np.stack([exact, lower], axis=1))
    both = [alone.interval(place) for place in (0, 1)]
    assert cost.low < cost.difference < cost.high
    assert cost.high - cost.low < min(one.high - one.low for one in both) / 3


def test_equal_outputs_cost_nothing() -> None:
    cost, *_ = cost_of(0.0)
    assert (cost.difference, cost.low, cost.high, cost.probability) == (0.0, 0.0, 0.0, 0.0)
    refuse_costly([cost], bound=0.0)


def test_a_class_without_negatives_has_no_cost() -> None:
    one = output(np.array([0.1, 0.4]))
    assert costs_of(truth(np.array([1, 1])), one, one, ["melanoma"], precision="int8", engine="", split="test") == ()


def test_the_worse_end_of_the_interval_counts_against_the_bound() -> None:
    cost, *_ = cost_of(0.2)
    refuse_costly([cost], bound=-cost.low + 1e-9)
    with pytest.raises(
        ExportError,
        match=r"int8 may cost too much: melanoma has an AUC of 0\.\d{4} on 80 images of the split test of ISIC 2017, "
        r"in float32 0\.\d{4}; .* the largest accepted loss is 0\.\d+. No file was written. Export without "
        r"--int8, .* --bound",
    ):
        refuse_costly([cost], bound=-cost.low - 1e-4, dataset="ISIC 2017")


def test_without_ends_the_difference_itself_counts() -> None:
    cost = dataclasses.replace(cost_of(0.0)[0], difference=-0.1, low=float("nan"), high=float("nan"))
    with pytest.raises(ExportError):
        refuse_costly([cost], bound=0.05)
    refuse_costly([cost], bound=0.2)
