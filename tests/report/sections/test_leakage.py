"""The measures with and without the images that are known from training."""

import numpy as np

from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.records import Predictions
from attnmel.report.sections.leakage import leakage_section


def test_a_class_whose_images_are_all_known_has_no_recall_without_them() -> None:
    labels, chance = np.repeat([0, 1, 2], [20, 20, 3]), np.random.default_rng(0)
    shares, ids = chance.dirichlet([1, 1, 1], 43), tuple(f"i{n}" for n in range(43))
    every = Predictions(ids, ("nevus", "melanoma", "angioma"), shares, labels, ids)
    whole = evaluate_classification(every, ["melanoma"], resamples=5)
    without = evaluate_classification(every.among(labels < 2), ["melanoma"], resamples=5)
    known = dict.fromkeys(ids[40:], "same id")
    section = leakage_section("test", known, [(one, one, "train") for one in known], whole, without)
    cells = {row[0]: row[1:] for row in section.tables[0].rows}
    assert cells["all classes: recall angioma"][2:] == ("\N{EN DASH}", "")
    assert cells["melanoma: AUC"][2] == f"{without.row('melanoma', 'auc').value:.3f}"
