import numpy as np

from attnmel.evaluation.classification.report import ClassificationReport, evaluate_classification
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.number_formats import fixed, span
from attnmel.records import Predictions
from attnmel.report.html.tables import interval_method_words
from attnmel.report.sections.intervals import interval_section

THREE = ("nevus", "melanoma", "seborrheic_keratosis")


def judged(images_a_lesion: int = 1) -> ClassificationReport:
    labels = np.arange(60) % 3
    logits = np.random.default_rng(3).normal(size=(60, 3)) + np.eye(3)[labels]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple(f"image {number}" for number in range(60))
    lesions = tuple(f"lesion {number // (3 * images_a_lesion)} {number % 3}" for number in range(60))
    return evaluate_classification(Predictions(names, THREE, shares, labels, lesions), THREE[1:], resamples=50)


def test_each_measure_shows_its_interval_by_each_method_that_it_has() -> None:
    judgement = judged()
    table = interval_section(judgement, "test").tables[0]
    assert all(len(row) == len(table.heads) for row in table.rows)
    cells = dict(zip([row[0] for row in table.rows], table.rows, strict=True))
    auc = judgement.row("melanoma", "auc")
    shown = [span(Interval(auc.value, *auc.intervals[name])) for name in ("percentile", "bca", "logit", "delong")]
    assert list(cells["Melanoma against the rest: AUC"][1:]) == [fixed(auc.value), *shown]
    assert cells["Melanoma against the rest: Average precision"][-1] == "", "neither an area nor a share"
    assert "All classes: Recall of seborrheic keratosis" in cells


def test_the_section_says_what_was_drawn() -> None:
    assert "draws 50 times, seed 0, by image and class" in interval_section(judged(), "test").prose
    assert "by lesion or patient and class" in interval_section(judged(2), "test").prose


def test_words_name_the_interval_of_each_measure_once() -> None:
    assert interval_method_words(judged()) == (
        "DeLong's for AUC; jackknife on the logit scale for Average precision, the mean AUC; "
        "Wilson's score interval for Sensitivity, Specificity, Balanced accuracy, recalls"
    )
