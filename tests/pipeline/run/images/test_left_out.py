"""Images whose diagnosis is none of a network's classes are left out and counted, or refused."""

from pathlib import Path

import pytest
from tests.strangers.datasets.make_sets import write_isic2019

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.dataset import Dataset
from attnmel.errors import LabelError
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.left_out import without_class
from attnmel.records import Lesion


def dataset(*diagnoses: str, leaves_out: bool = False) -> Dataset:
    lesions = tuple(
        Lesion(image_id=f"{number}", image=Path(f"{number}.jpg"), diagnosis=diagnosis, split=None)
        for number, diagnosis in enumerate(diagnoses)
    )
    return Dataset("set", "a set", lesions, "CC-0", notes=("first",), leaves_out=leaves_out)


def test_of_another_data_set_they_are_counted_by_diagnosis() -> None:
    found, ids = without_class(dataset("MEL", "INF", "BEN_OTH", "INF"), ("NV", "MEL"), external=True)
    assert ids == {"1", "2", "3"}
    assert found.notes == (
        "first",
        "3 of 4 images of set are left out, since the classes NV, MEL do not include their diagnosis: INF 2, BEN_OTH 1",
    )


def test_with_rest_among_the_classes_none_is_left_out() -> None:
    everything = dataset("MEL", "INF", "UNK")
    assert without_class(everything, ("rest", "melanoma"), external=True) == (everything, frozenset())


def test_of_the_data_set_that_is_trained_on_only_where_it_says_so() -> None:
    assert without_class(dataset("MEL", "UNK"), ("NV", "MEL"), external=False)[1] == frozenset()
    assert without_class(dataset("MEL", "UNK", leaves_out=True), ("NV", "MEL"), external=False)[1] == {"1"}


def test_a_data_set_without_any_of_the_classes_is_one_sentence() -> None:
    with pytest.raises(LabelError) as caught:
        without_class(dataset("MEL", "NV"), ("cat", "dog"), external=True)
    assert str(caught.value) == (
        "none of the diagnoses of set (MEL 1, NV 1) is one of the classes cat, dog; choose another data set, or train "
        "with classes that it has"
    )


def test_isic2019s_unknown_diagnoses_are_not_in_its_test_split(tmp_path: Path) -> None:
    write_isic2019(tmp_path)
    fetch("isic2019", tmp_path / "home", mirror=tmp_path.as_uri())
    data = load_recipe("isic2019/attnmel-lite0", ["data.size=32"]).data
    prepared = prepare(data, home=tmp_path / "home")
    assert len(prepared.rows("test")) == 8
    assert sorted(prepared.labels(prepared.rows("test")).tolist()) == list(range(8))
    assert prepared.dataset.notes == (
        "1 of 109 images of isic2019 are left out, since the classes MEL, NV, BCC, AK, BKL, DF, VASC, SCC do not "
        "include their diagnosis: UNK 1",
    )
    two = load_recipe("isic2017/attnmel-lite0", ["data.size=32", "data.dataset=isic2019"]).data
    assert len(prepare(two, home=tmp_path / "home").rows("test")) == 9  # "rest" takes the unknown one
