"""A table of another program, ids and probabilities alone, takes labels and groups of what it is compared with."""

from pathlib import Path

import numpy as np
import pytest

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.evaluate.other_tables import table_predictions
from attnmel.records import Predictions

SHARES = np.array([0.25, 0.75, 0.5])


def labelled(*classes: str) -> Predictions:
    probabilities = np.full((3, len(classes)), 1 / len(classes))
    return Predictions(("a", "b/1", "c.v2"), classes, probabilities, np.array([0, 1, 1]), ("p", "p", "q"))


TWO = labelled("rest", "melanoma")


def read(folder: Path, table: str, first: Predictions = TWO) -> tuple[Predictions, tuple[str, ...]]:
    path = folder / "theirs.csv"
    path.write_text(table)
    return table_predictions(path, first)


@pytest.mark.parametrize(
    "table",
    [
        "image,probability\na,0.25\nb/1,0.75\nc.v2,0.5\n",
        "filename,melanoma\nc.v2.jpg,0.5\na.JPG,0.25\nb/1.jpg,0.75\nother.jpg,nothing\n",
        "id;p_mel\na;0,25\nb/1;0,75\nc.v2;0,5\n",
        ",rest,Melanoma,label\na,0.75,0.25,rest\nb/1,0.25,0.75,\nc.v2,0.5,0.5,\n",
        "image,melanoma,prob_melanoma\n/data/a.png,0,0.25\nb\\1.png,1,0.75\nc.v2,1,0.5\n",
        "image,probability_rest,probability_melanoma,decision_melanoma_sensitivity_0.82,error\n"
        "a,0.75,0.25,0,\nb/1,0.25,0.75,1,\nc.v2,0.5,0.5,1,\n",
    ],
)
def test_each_form_has_the_same_probabilities_with_the_labels_of_the_first(tmp_path: Path, table: str) -> None:
    found, notes = read(tmp_path, table)
    np.testing.assert_array_equal(found.probabilities, np.stack([1 - SHARES, SHARES], axis=1))
    assert (found.image_ids, found.groups, found.labels.tolist()) == (TWO.image_ids, TWO.groups, [0, 1, 1])
    assert any("as melanoma" in note for note in notes)
    assert ("theirs.csv: compared on 3 of its 4 images" in notes) == ("other.jpg" in table)


def test_one_class_may_be_what_is_left(tmp_path: Path) -> None:
    three = labelled("MEL", "NV", "rest")
    found, _ = read(tmp_path, "image,nevus,melanoma\na,0.5,0.25\nb/1,0.5,0.5\nc.v2,0.75,0.5\n", three)
    np.testing.assert_array_equal(found.probabilities, [[0.25, 0.5, 0.25], [0.5, 0.5, 0], [0.5, 0.75, 0]])


def test_a_table_of_the_truth_is_noted(tmp_path: Path) -> None:
    _, notes = read(tmp_path, "image,melanoma\na,0\nb/1,1\nc.v2,1\n")
    assert any("it looks like the table of the truth" in note for note in notes)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "image,age\na,5\n",
            r"has the columns image, age; expected 'image' and .*, probability_melanoma; a submission",
        ),
        ("melanoma,rest\n0.5,0.5\n", "expected 'image' and a column of probabilities"),
        ("image,melanoma\na,25\nb/1,\nc.v2,nan\n", r"lines 2, 4, column melanoma: found '25', 'nan', expected a"),
        ("image,melanoma\na,0.5\na.jpg,0.5\n", r"line 3: found the image a again"),
        ("image,melanoma\na,0.5\nb/1\n", r"line 3: found 1 cell, "),
        ("image,melanoma\na,0.5\n", r"found no row for 2 of 3 images \(b/1, c\.v2\), expected one for each image"),
        ("", "an empty file; expected a table"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(PredictionsError, match=message):
        read(tmp_path, table)


def test_a_class_that_is_missing_of_three_is_said(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="probability_MEL and probability_NV and probability_BKL"):
        read(tmp_path, "image,MEL,NV\na,0.5,0.5\n", labelled("MEL", "NV", "BKL"))


def test_a_predictions_file_is_compared_with_a_table_and_two_tables_lack_labels(tmp_path: Path) -> None:
    first, theirs, other = (tmp_path / f"{name}.csv" for name in ("ours", "theirs", "other"))
    TWO.write(first, None)
    for path in (theirs, other):
        path.write_text("image,probability\na,0.25\nb/1,0.75\nc.v2,0.5\n")
    found = compare_runs([theirs, first], resampling=ResamplingConfig(resamples=20, permutations=20))
    assert found.comparison.images == 3
    assert found.notes[-1] == (
        "theirs.csv: columns read: image, probability as melanoma; labels and groups are those of the first"
    )
    with pytest.raises((PredictionsError, ConfigError), match=r"has no labels, .*name a run or such a file too"):
        compare_runs([theirs, other])
