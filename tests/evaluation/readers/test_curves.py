"""Empirical ROC curves of readers and their average."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import auc, roc_curve

from attnmel.evaluation.readers.curves import average_curve, reader_curve
from attnmel.evaluation.readers.readings import Readings, reader_aucs


def test_a_readers_curve_is_that_of_scikit_learn(drawn: Callable[..., Readings]) -> None:
    readings = drawn()
    found = reader_curve(readings.diseased, readings.scores[0, 0])
    false, true, _ = roc_curve(readings.diseased, readings.scores[0, 0], drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive_rate, false, atol=1e-15)
    np.testing.assert_allclose(found.true_positive_rate, true, atol=1e-15)


def test_the_area_of_the_average_is_the_average_of_the_areas(drawn: Callable[..., Readings]) -> None:
    for seed in range(5):
        readings = drawn(readers=3, cases=17, seed=seed)
        found = average_curve([reader_curve(readings.diseased, own) for own in readings.scores[0]])
        assert found.auc == pytest.approx(reader_aucs(readings)[0].mean())
        assert auc(found.false_positive_rate, found.true_positive_rate) == pytest.approx(found.auc)
        assert (found.false_positive_rate[0], found.true_positive_rate[0]) == (0, 0)
        assert (np.diff(found.true_positive_rate) >= -1e-12).all()


def test_the_average_of_one_curve_is_it(drawn: Callable[..., Readings]) -> None:
    readings = drawn()
    own = reader_curve(readings.diseased, readings.scores[0, 0])
    found = average_curve([own])
    points = set(zip(found.false_positive_rate, found.true_positive_rate, strict=True))
    assert set(zip(own.false_positive_rate, own.true_positive_rate, strict=True)) >= points
