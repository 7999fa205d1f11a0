"""Epochs survive as CSV and events; the best one is the earliest of the highest."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel.pipeline.run.training.history import HistoryRow, best_row, read_history, write_events, write_history
from attnmel.records import Predictions
from attnmel.training.losses import LossParts


def row(epoch: int, auc: float) -> HistoryRow:
    return HistoryRow(
        epoch=epoch,
        learning_rate=0.01,
        loss=0.1 / 3,
        focal=0.2,
        dice_pool3=math.nan,
        dice_pool4=0.5,
        validation_auc=auc,
        validation_ap=1 - auc,
        validation_balanced_accuracy=0.5,
        seconds=1.0,
        images_per_second=3.0,
    )


def test_the_best_epoch_is_the_earliest_of_the_highest() -> None:
    history = [row(1, 0.5), row(2, 0.8), row(3, 0.8), row(4, 0.7)]
    assert best_row(history, "auc") is history[1]
    assert best_row(history, "ap") is history[0]
    assert best_row([], "auc") is None


def test_history_read_back_is_equal_to_the_last_bit(tmp_path: Path) -> None:
    history = (row(1, 1 / 3), row(2, 2 / 3))
    write_history(tmp_path / "h.csv", history)
    read = read_history(tmp_path / "h.csv")
    for one, other in zip(history, read, strict=True):
        assert str(dataclasses.asdict(one)) == str(dataclasses.asdict(other))
    assert read_history(tmp_path / "none.csv") == ()


def test_a_row_measures_the_validation_split_as_scikit_learn_does() -> None:
    chance = np.random.default_rng(1)
    labels, scores = chance.integers(0, 2, 50), chance.random(50)
    ids = tuple(f"i{n}" for n in range(50))
    predictions = Predictions(ids, ("rest", "melanoma"), np.stack([1 - scores, scores], 1), labels, ids)
    found = HistoryRow.of(
        7, LossParts(1, 2, 3, 4), predictions, ["melanoma"], learning_rate=0.1, seconds=1, images_per_second=2
    )
    assert found.epoch == 7
    assert found.validation("auc") == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert found.validation("ap") == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    assert "epoch 7: loss 1.0000" in found.sentence()


def test_events_can_be_read_by_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for one in (row(1, 0.5), row(2, 0.75)):
        write_events(tmp_path, one)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.value for event in events.Scalars("validation/auc")] == [0.5, 0.75]
    assert "dice_pool3" not in events.Tags()["scalars"], "a term that was not computed is not drawn"
