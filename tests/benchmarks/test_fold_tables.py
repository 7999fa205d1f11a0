"""The tables of the folds predict each image once, with the labels of the data set."""

from pathlib import Path

import pytest

from attnmel.files.table_files import read_table
from attnmel.pretrained.catalogue import DEFAULT, open_model

FOLDER = Path(__file__).parents[2] / "benchmarks" / "pretrained"


@pytest.mark.parametrize(("name", "scale"), [("teachers.csv", "probability"), ("out_of_fold.csv", "uncalibrated")])
def test_each_image_of_the_folds_is_predicted_once(name: str, scale: str) -> None:
    rows, known = read_table(FOLDER / name), read_table(open_model(DEFAULT).file("predictions/validation.csv"))
    assert sorted(row["image"] for row in rows) == sorted(row["image"] for row in known)
    for row in rows:
        assert float(row[f"{scale}_rest"]) + float(row[f"{scale}_melanoma"]) == pytest.approx(1, abs=1e-9)


def test_teachers_have_the_labels_and_groups_of_the_data_set() -> None:
    given = {row["image"]: row for row in read_table(open_model(DEFAULT).file("predictions/validation.csv"))}
    for row in read_table(FOLDER / "teachers.csv"):
        assert (row["label"], row["group"]) == (given[row["image"]]["label"], given[row["image"]]["group"])
