"""The official measures on the page are those of `score`, in words."""

import numpy as np
import pytest

from attnmel.evaluation.challenge.entry import entry_of
from attnmel.evaluation.challenge.score import evaluate_challenge
from attnmel.records import Predictions
from attnmel.report.sections.challenge import official_section


@pytest.fixture
def predictions() -> Predictions:
    chance = np.random.default_rng(0)
    labels = np.arange(40) % 3
    shares = chance.dirichlet([1, 1, 1], size=40)
    ids = tuple(f"i{number}" for number in range(40))
    return Predictions(ids, ("nevus", "melanoma", "seborrheic_keratosis"), shares, labels, ids)


def test_each_measure_stands_with_its_value_a_column_a_task(predictions: Predictions) -> None:
    judged = evaluate_challenge("isic2017", entry_of(predictions, "isic2017"), resamples=20)
    (table,) = official_section(judged).tables
    assert table.heads[1:] == (
        "Melanoma against the rest",
        "Seborrheic keratosis against the rest",
        "Mean of the tasks",
    )
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows)[3:5] == ["Average precision", "Specificity at sensitivity 0.82"]
    assert rows["AUC"][2].startswith(f"{judged.row('mean', 'auc').value:.3f}")


def test_a_note_says_what_ranked_and_which_image_does_not_count(predictions: Predictions) -> None:
    names = Predictions(
        ("ISIC_0035068", *predictions.image_ids[1:]), ("NV", "MEL", "BKL"), predictions.probabilities,
        predictions.labels, predictions.groups,
    )  # fmt: skip
    judged = evaluate_challenge("isic2018", entry_of(names, "isic2018", excluded=["ISIC_0035068"]), resamples=20)
    assert "ISIC_0035068 does not count. The challenge ranked by Balanced accuracy" in official_section(judged).notes[0]
