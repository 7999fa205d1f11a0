"""Predictions of cross-validation are read by image id; truth and groups are those of the data set."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.conftest import TINY

from attnmel.config.load import load_recipe
from attnmel.errors import PredictionsError
from attnmel.pipeline.pretrained.cross_validation import read_out_of_fold
from attnmel.pipeline.run.images.dataset import Prepared, prepare

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def prepared(phantoms: "Phantoms") -> Prepared:
    return prepare(load_recipe("demo", TINY).data, home=phantoms.home)


def ids(prepared: Prepared, split: str) -> list[str]:
    return [one.image_id for one in prepared.lesions if one.split == split]


def table(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("image,probability", "0.8"),
        ("image,label,logit", f"0,{math.log(4)!r}"),
        ("image,probability_rest,probability_melanoma", "0.2,0.8"),
        ("image,logit_melanoma,logit_rest", f"{3 + math.log(4)!r},3"),
    ],
)
def test_probabilities_and_logits_say_the_same(prepared: Prepared, tmp_path: Path, header: str, cells: str) -> None:
    named = [ids(prepared, "validation")[0], ids(prepared, "train")[0]]
    path = table(tmp_path / "folds.csv", header, *(f"{one},{cells}" for one in named))
    found = read_out_of_fold(path, prepared, "melanoma")
    assert found.image_ids == tuple(named)
    np.testing.assert_allclose(found.probability("melanoma"), 0.8, rtol=1e-12)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    truth = {one.image_id: one.diagnosis for one in prepared.lesions}
    assert [found.classes[label] == "melanoma" for label in found.labels] == [truth[one] == "melanoma" for one in named]


def test_a_test_image_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    image_id = ids(prepared, "test")[0]
    path = table(tmp_path / "folds.csv", "image,probability", f"{image_id},0.5")
    with pytest.raises(PredictionsError) as error:
        read_out_of_fold(path, prepared, "melanoma")
    assert str(error.value) == (
        "folds.csv has 1 images that are not among the training and validation images of phantoms: "
        f"{image_id}; leave them out"
    )


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        ("image,probability", "x", "probability is 'x', expected a number"),
        ("image,probability", "1.5", "has probabilities outside [0, 1], or cells that are not numbers"),
        ("image,probability", "nan", "has probabilities outside [0, 1], or cells that are not numbers"),
        ("image,score", "1", "has the columns image, score; expected probability_<class> or logit_<class> for each of"),
        ("name,probability", "1", "has no row with a column 'image'"),
    ],
)
def test_other_tables_are_refused(prepared: Prepared, tmp_path: Path, header: str, cells: str, message: str) -> None:
    path = table(tmp_path / "folds.csv", header, f"{ids(prepared, 'train')[0]},{cells}")
    with pytest.raises(PredictionsError) as error:
        read_out_of_fold(path, prepared, "melanoma")
    assert message in str(error.value)


def test_no_table_is_an_error(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"no predictions at .*; expected a CSV with one row for each image"):
        read_out_of_fold(tmp_path / "folds.csv", prepared, "melanoma")
