from pathlib import Path

import numpy as np
import pytest

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.records import Predictions

CAM = MapColumn("cam", "jaccard", "lesion")
OWN_LAYER = MapColumn("gradcam:features|3", "deletion")


def table() -> MapTable:
    return MapTable(
        ("#1", 'a,"b"', "ISIC_3"),
        ("x", "x", "y"),
        ("melanoma", "rest", ""),
        ("melanoma", "melanoma", "rest"),
        {CAM: np.array([0.1, np.nan, 1 / 3]), OWN_LAYER: np.array([0.0, 1.0, 2 / 3])},
    )


def test_a_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    table().write(tmp_path / "maps.csv", "CC-0")
    lines = (tmp_path / "maps.csv").read_text().splitlines()
    assert lines[:2] == [
        "image,group,label,called,cam|jaccard|lesion,gradcam:features|3|deletion|",
        "#1,x,melanoma,melanoma,0.1,0.0",
    ]
    again = MapTable.read(tmp_path / "maps.csv")
    for name in ("image_ids", "groups", "labels", "called"):
        assert getattr(again, name) == getattr(table(), name)
    assert list(again.values) == [CAM, OWN_LAYER]
    for column, values in table().values.items():
        np.testing.assert_array_equal(again.values[column], values)


def test_images_are_parted_by_class_and_by_hit_or_miss() -> None:
    parts = {name: members.tolist() for name, members in table().parts().items()}
    assert parts == {
        "all": [True, True, True],
        "label melanoma": [True, False, False],
        "label rest": [False, True, False],
        "hit": [True, False, False],
        "miss": [False, True, False],
    }


def test_a_table_of_predictions_knows_what_was_called_and_a_tie_is_a_miss() -> None:
    predictions = Predictions(
        ("a", "b", "c"),
        ("melanoma", "rest"),
        np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]),
        np.array([0, 0, -1]),
        ("a", "b", "c"),
    )
    found = MapTable.of(predictions, {CAM: np.zeros(3)})
    assert (found.labels, found.called) == (("melanoma", "melanoma", ""), ("melanoma", "", "rest"))
    assert found.parts()["miss"].tolist() == [False, True, False]


def test_an_unknown_column_is_answered_with_the_known() -> None:
    other = MapColumn("cam", "ap", "lesion")
    with pytest.raises(
        PredictionsError, match=r"no measure cam\|ap\|lesion in the table; known: cam\|jaccard\|lesion,"
    ):
        table().column(other)


def test_another_file_is_no_table_of_measures_of_maps(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="no measures of maps at"):
        MapTable.read(tmp_path / "none.csv")
    path = tmp_path / "other.csv"
    path.write_text("image,group,jaccard_pool3\nISIC_1,a,0.5\n")
    with pytest.raises(
        PredictionsError, match=r"other\.csv is no table of measures of maps; expected the columns image"
    ):
        MapTable.read(path)
    path.write_text("image,group,label,called,cam|ap|lesion\nISIC_1,a,,rest,much\n")
    with pytest.raises(PredictionsError, match=r"ISIC_1, column cam\|ap\|lesion: found 'much', expected a number"):
        MapTable.read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PredictionsError, match="is no table of text"):
        MapTable.read(path)
    with pytest.raises(PredictionsError, match="unequal length"):
        MapTable(("a",), ("a",), ("",), ("",), {CAM: np.zeros(2)})
    with pytest.raises(PredictionsError, match=r"'\|' in the measure or target of cam\|a\|b\|lesion"):
        MapTable(("a",), ("a",), ("",), ("",), {MapColumn("cam", "a|b", "lesion"): np.zeros(1)})
