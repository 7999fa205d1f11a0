import math

import numpy as np
import pytest

from attnmel.evaluation.classification.report import ClassificationReport, evaluate_classification
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.thesis.published import PUBLISHED
from attnmel.number_formats import fixed, span
from attnmel.records import Predictions
from attnmel.report.html import tables

ROW = PUBLISHED["isic2017/AttnMel-CNN-Lesion"]


def judged(
    classes: tuple[str, ...] = ("rest", "melanoma"), positives: tuple[str, ...] = ("melanoma",)
) -> ClassificationReport:
    generator = np.random.default_rng(3)
    labels = np.arange(60) % len(classes)
    scores = generator.random((60, len(classes))) + np.eye(len(classes))[labels]
    names = tuple(f"image {number}" for number in range(60))
    shares = scores / scores.sum(axis=1, keepdims=True)
    return evaluate_classification(
        Predictions(names, classes, shares, labels.astype(np.int64), names), positives, resamples=20
    )


def test_key_figures_count_whole_images() -> None:
    judgement = judged()
    auc, sensitivity, specificity = tables.key_figures(judgement, "melanoma")
    found = round(judgement.row("melanoma", "sensitivity").value * 30)
    cleared = round(judgement.row("melanoma", "specificity").value * 30)
    assert auc.interval.value == judgement.row("melanoma", "auc").value
    assert sensitivity.sentence == f"{found} of 30 melanoma images found"
    assert specificity.sentence == f"{cleared} of 30 other images rightly cleared"


def test_every_measure_of_every_split_has_its_line() -> None:
    judgements = {"test": judged(), "own folder": judged()}
    blocks = tables.blocks(judgements, "melanoma", None)
    values = [line.interval.value for block in blocks for line in block.lines]
    assert values == [row.value for judgement in judgements.values() for row in judgement.rows]
    assert [block.title for block in blocks] == [
        "Melanoma against the rest, test",
        "Melanoma against the rest, own folder",
    ]
    assert blocks[0].subtitle == "60 images, 30 melanoma"


def test_published_figures_stand_beside_the_main_task_of_the_test_split_only() -> None:
    three = judged(("nevus", "melanoma", "seborrheic_keratosis"), ("melanoma", "seborrheic_keratosis"))
    blocks = tables.blocks({"test": three, "validation": three}, "melanoma", ROW)
    beside = {
        (block.title, line.name): line.published
        for block in blocks
        for line in block.lines
        if line.published is not None
    }
    assert beside == {
        ("Melanoma against the rest, test", "AUC"): ROW.auc,
        ("Melanoma against the rest, test", "Average precision"): ROW.ap,
    }


def test_a_run_without_a_map_has_a_gap_in_its_column() -> None:
    found = {"pool4": Interval(0.5, 0.4, 0.6)}
    lines = tables.compared_lines(judged(), "melanoma", ROW, found, ("pool3", "pool4"))
    assert [line.name for line in lines[-2:]] == ["Jaccard, pool-3", "Jaccard, pool-4"]
    assert [fixed(line.interval.value) for line in lines[-2:]] == ["\N{EN DASH}", "0.500"]
    assert lines[-1].published == 0.6560


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.87, 0.8311, 0.9055), "0.831\N{EN DASH}0.905"),
        (Interval(0.87, math.nan, 0.9), ""),
    ],
)
def test_an_interval_is_written_by_its_ends(interval: Interval, text: str) -> None:
    assert span(interval) == text


def test_numbers_that_are_not_there_are_a_dash() -> None:
    assert fixed(None) == fixed(math.nan) == "\N{EN DASH}"
    assert fixed(0.12345, 2) == "0.12"


@pytest.mark.parametrize(("value", "place"), [(0.5, "50.00%"), (-0.1, "0.00%"), (1.2, "100.00%")])
def test_a_place_on_a_strip_stays_on_it(value: float, place: str) -> None:
    assert tables.css_percent(value) == place


def test_each_set_with_images_known_from_training_is_marked() -> None:
    judgement = judged()
    found = tables.blocks({"test": judgement, "clinic-all": judgement}, "melanoma", None, {"clinic-all": 50})
    marks = {block.title.rpartition(", ")[2]: block.subtitle for block in found}
    assert "known" not in marks["test"]
    assert marks["clinic-all"].endswith(", 50 known from training *")
