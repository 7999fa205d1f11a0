"""An engine that differs too much from the network is refused, with the image of the largest difference."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from attnmel.deploy import parity
from attnmel.deploy.engines import Engine, EngineOutput
from attnmel.deploy.parity import ParityReport
from attnmel.errors import ExportError
from attnmel.records import Predictions

FILES = [Path("one.jpg"), Path("two.jpg"), Path("three.jpg")]


def output(melanoma: list[float], maps: float | None = 0.5) -> EngineOutput:
    probabilities = np.array([[1 - one, one] for one in melanoma], dtype=np.float32)
    attention = () if maps is None else (np.full((len(melanoma), 2, 2), maps, dtype=np.float32),) * 2
    return EngineOutput(probabilities, attention)


def compared(found: EngineOutput, expected: EngineOutput) -> ParityReport:
    comparison = ParityReport(Engine("engine 1", lambda files: found), ("rest", "melanoma"))
    comparison.add(FILES, expected)
    return comparison


def changed(change: Callable[[EngineOutput], None]) -> EngineOutput:
    found = output([0.1, 0.2, 0.3])
    change(found)
    return found


def test_the_largest_differences_are_returned() -> None:
    found = changed(lambda one: one.probabilities.__setitem__((1, 1), np.float32(0.20005)))
    probability, attention = compared(found, output([0.1, 0.2, 0.3], maps=0.5004)).check()
    assert probability == pytest.approx(5e-5, rel=1e-2)
    assert attention == pytest.approx(4e-4, rel=1e-2)


def test_a_network_without_maps_has_no_difference_of_maps() -> None:
    assert compared(output([0.1, 0.2, 0.3], None), output([0.1, 0.2, 0.3], None)).check() == (0.0, None)


@pytest.mark.parametrize("wrong", [0.2002, float("nan")])
def test_a_probability_too_far_or_no_number_names_image_and_both_values(wrong: float) -> None:
    found = changed(lambda one: one.probabilities.__setitem__((1, 1), np.float32(wrong)))
    with pytest.raises(
        ExportError,
        match=r"on two.jpg the probability of melanoma is (0.200200|nan), expected 0.200000 within 0.0001; too "
        r"large for 1 of 3 images. No file was written",
    ):
        compared(found, output([0.1, 0.2, 0.3])).check()


def test_a_map_too_far_names_image_and_map() -> None:
    found = output([0.1, 0.2, 0.3])
    deep = found.attention[1].copy()
    deep[2, 0, 1] = 0.502
    found = EngineOutput(found.probabilities, (found.attention[0], deep))
    with pytest.raises(
        ExportError, match=r"on three.jpg a value of the map pool4 differs by 0.002000, expected at most 0.001"
    ):
        compared(found, output([0.1, 0.2, 0.3])).check()


def test_other_maps_than_the_network_are_refused() -> None:
    with pytest.raises(ExportError, match=r"engine 1 gives maps of \[\], the network \[\(3, 2, 2\), \(3, 2, 2\)\]"):
        compared(output([0.1, 0.2, 0.3], None), output([0.1, 0.2, 0.3]))


def truth(labels: list[int]) -> Predictions:
    return Predictions(
        image_ids=tuple(f"image{row}" for row in range(len(labels))),
        classes=("rest", "melanoma"),
        probabilities=np.full((len(labels), 2), 0.5),
        labels=np.array(labels, dtype=np.int64),
        groups=tuple(f"image{row}" for row in range(len(labels))),
    )


def test_an_auc_that_differs_in_the_fourth_digit_is_refused() -> None:
    # A difference far below that of a probability turns the order of two images round.
    comparison = compared(output([0.10000, 0.10002, 0.3]), output([0.10002, 0.10000, 0.3]))
    comparison.check()
    with pytest.raises(ExportError, match=r"has an AUC of 0.500000 for rest on 3 images, expected 1.000000"):
        comparison.against(truth([1, 0, 1]))


def test_an_auc_counts_the_images_of_the_split_alone() -> None:
    comparison = compared(output([0.1, 0.2, 0.30000]), output([0.1, 0.2, 0.30001]))
    assert comparison.against(truth([1, 0])) == 0.0
    assert comparison.against(truth([1, 1])) is None


def test_a_pair_that_the_network_puts_nearer_than_rounding_may_turn_round() -> None:
    near = compared(output([0.100000, 0.100002, 0.3]), output([0.100002, 0.100000, 0.3]))
    assert near.against(truth([1, 0, 1])) == pytest.approx(0.5)
    # One pair of two has no order; that the other turns round is not forgiven.
    far = compared(output([0.100000, 0.100002, 0.1001]), output([0.100002, 0.100000, 0.0999]))
    with pytest.raises(ExportError, match=r"AUC of 1.000000 for rest on 3 images, expected 0.000000"):
        far.against(truth([0, 1, 1]))


def test_the_pairs_without_an_order_are_counted_as_one_by_one() -> None:
    generator = np.random.default_rng(0)
    scores, positive = generator.random(300) * 1e-3, generator.random(300) < 0.3
    near = np.abs(scores[positive][:, None] - scores[~positive]) < parity.ORDER
    labels = positive.astype(np.int64)
    expected = np.stack([1 - scores, scores], axis=1)
    share = parity._unordered(scores, positive)
    assert 0 < share == pytest.approx(near.mean())
    assert [one[1:] for one in parity.class_aucs(truth(labels.tolist()), expected, expected)] == [
        (pytest.approx(roc_auc_score(positive, scores)),) * 2 + (True,)
    ] * 2
