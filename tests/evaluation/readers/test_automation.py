"""Changes of answers toward a right and a wrong machine, counted by hand."""

import numpy as np
import pytest

from attnmel.evaluation.readers.automation import automation_bias

DISEASED = np.array([True, True, True, True, False, False, False, False])
MACHINE = np.array([1.0, 1, 0, 0, 0, 0, 1, 1])
"""Right for the cases 1, 2, 5 and 6."""
BEFORE = np.array([[1.0, 0, 1, 0, 0, 1, 0, 1], [0, 0, 1, 1, 1, np.nan, 0, 0]])
AFTER = np.array([[1.0, 1, 0, 0, 0, 0, 1, 1], [0, 1, 1, 0, 0, 0, 0, np.nan]])


def test_changes_are_counted_by_reader() -> None:
    found = automation_bias(BEFORE, AFTER, MACHINE, DISEASED)
    assert found.toward_right.by_reader == {0: (2, 2), 1: (2, 3)}
    assert found.toward_wrong.by_reader == {0: (2, 2), 1: (1, 3)}
    assert found.against_right.by_reader == {0: (0, 2)}
    assert found.against_wrong.by_reader == {0: (0, 2)}
    assert found.flows[True, False, True] == 4
    assert found.flows[False, True, False] == 3
    assert sum(found.flows.values()) == 14, "an answer that lacks one of both is left out"
    assert found.toward_wrong.mean is not None
    assert found.toward_wrong.mean.value == pytest.approx((1 + 1 / 3) / 2)
    assert 0 <= found.toward_wrong.mean.low <= found.toward_wrong.mean.high <= 1
    assert found.toward_right.intervals[0].high == 1


def test_the_bias_that_was_put_in_is_found() -> None:
    """Readers who follow the machine in a third of the cases in which they differ from it."""
    generator = np.random.default_rng(0)
    diseased = np.arange(900) % 2 == 0
    machine = np.where(generator.random(900) < 0.7, diseased, ~diseased).astype(float)
    before = np.where(generator.random((6, 900)) < 0.75, diseased, ~diseased).astype(float)
    after = np.where(generator.random((6, 900)) < 1 / 3, machine, before)
    found = automation_bias(before, after, machine, diseased)
    for one in (found.toward_right, found.toward_wrong):
        assert one.mean is not None
        assert one.mean.low < 1 / 3 < one.mean.high
        assert one.mean.high - one.mean.low < 0.15
    assert found.against_right.mean is not None
    assert found.against_right.mean.value == 0


def test_no_answer_of_a_kind_gives_no_share() -> None:
    found = automation_bias(BEFORE, AFTER, DISEASED.astype(float), DISEASED)
    assert found.toward_wrong.by_reader == {}
    assert found.toward_wrong.mean is None
