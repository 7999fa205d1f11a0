from pathlib import Path

import numpy as np
import pytest

from attnmel.data.tables.labels import DIAGNOSES_2018
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.challenge.submission import takes, write_submission
from attnmel.records import Predictions


def predictions(*classes: str) -> Predictions:
    shares = np.arange(1, len(classes) * 2 + 1).reshape(2, -1) / 64
    names = ("ISIC_0012086", "ISIC_0012092")
    return Predictions(names, classes, shares, np.array([-1, -1]), names)


def test_both_tasks_of_isic_2017_are_written_in_the_official_order(tmp_path: Path) -> None:
    three = predictions("seborrheic_keratosis", "nevus", "melanoma")
    sentence = write_submission(three, tmp_path / "s.csv", "isic2017")
    assert (tmp_path / "s.csv").read_text().splitlines() == [
        "image_id,melanoma,seborrheic_keratosis",
        "ISIC_0012086,0.046875,0.015625",
        "ISIC_0012092,0.09375,0.0625",
    ]
    assert "placeholder" not in sentence
    assert b"\r" not in (tmp_path / "s.csv").read_bytes()


@pytest.mark.parametrize("dataset", ["isic2017", "phantoms"])
def test_a_class_that_is_not_known_is_a_placeholder_and_said(tmp_path: Path, dataset: str) -> None:
    sentence = write_submission(predictions("rest", "melanoma"), tmp_path / "s.csv", dataset)
    assert (tmp_path / "s.csv").read_text().splitlines()[1] == "ISIC_0012086,0.03125,0.0"
    assert "column seborrheic_keratosis is a placeholder (0.0)" in sentence
    assert "only melanoma may be scored" in sentence


def test_isic_2016_has_no_header(tmp_path: Path) -> None:
    write_submission(predictions("rest", "melanoma"), tmp_path / "s.csv", "isic2016")
    assert (tmp_path / "s.csv").read_text().splitlines() == ["ISIC_0012086,0.03125", "ISIC_0012092,0.0625"]


def test_isic_2018_has_seven_columns_in_the_official_order(tmp_path: Path) -> None:
    seven = predictions("vasc", "df", "bkl", "akiec", "bcc", "nv", "mel")
    write_submission(seven, tmp_path / "s.csv", "isic2018")
    header, first, _ = (tmp_path / "s.csv").read_text().splitlines()
    assert header == "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"
    assert first.split(",")[1] == str(7 / 64)


def test_a_format_that_does_not_fit_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    with pytest.raises(PredictionsError, match=r"ISIC 2017 part 3 format needs .* the predictions have cat, dog"):
        write_submission(predictions("cat", "dog"), path, "isic2017")
    with pytest.raises(PredictionsError, match="ISIC 2016 part 3 format needs the classes malignant"):
        write_submission(predictions("cat", "dog"), path, "isic2016")
    with pytest.raises(PredictionsError, match="ISIC 2018 task 3 format needs the classes NV, BCC"):
        write_submission(predictions("MEL", "rest"), path, "isic2018")
    with pytest.raises(ConfigError, match=r"unknown submission format 'mine'; known: isic2016"):
        write_submission(predictions("rest", "melanoma"), path, "mine")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("dataset", "classes", "fits"),
    [
        ("isic2016", ("rest", "MEL"), True),
        ("isic2016", ("nevus", "seborrheic_keratosis"), False),
        ("isic2017", ("rest", "melanoma"), True),
        ("isic2017", DIAGNOSES_2018, True),
        ("isic2018", ("rest", "melanoma"), False),
        ("isic2018", DIAGNOSES_2018, True),
    ],
)
def test_a_format_takes_the_classes_that_it_has_columns_for(dataset: str, classes: tuple[str, ...], fits: bool) -> None:
    assert takes(dataset, classes) == fits
