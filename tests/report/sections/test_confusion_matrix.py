"""The note on the intervals of a confusion matrix names the methods that they have."""

import numpy as np
import pytest

from attnmel.evaluation.classification.confusion_matrix import confusion
from attnmel.evaluation.statistics.proportions import mean_interval_of
from attnmel.records import Predictions
from attnmel.report.sections.confusion_matrix import confusion_section


@pytest.mark.parametrize("mixed", [False, True])
def test_the_note_says_how_the_mean_recall_has_its_interval(mixed: bool) -> None:
    labels, chance = np.arange(60) % 3, np.random.default_rng(0)
    shares = chance.dirichlet([1, 1, 1], 60) + np.eye(3)[labels] / 2
    shares /= shares.sum(axis=1, keepdims=True)
    ids = tuple(map(str, range(60)))
    groups = tuple(str(n // 2) for n in range(60)) if mixed else ids
    found = confusion(Predictions(ids, ("a", "b", "c"), shares, labels, groups), "a")
    (note,) = confusion_section(found, anchor="x").notes
    assert "by Wilson for shares, and from these for the mean recall unless a patient has images of several" in note
    of_shares = mean_interval_of([one.recall for one in found.by_class])
    assert (found.mean_recall == pytest.approx(of_shares)) is not mixed
