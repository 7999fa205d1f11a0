"""Predictions survive the disk to the last bit, and a damaged file is told by image and column."""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmel import NOTICE
from attnmel.errors import LabelError, PredictionsError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.files.table_files import NOTICES
from attnmel.records import Lesion, Predictions, class_index, place_among, plain_id


def some_predictions() -> Predictions:
    chance = np.random.default_rng(0).dirichlet([1, 1, 1], size=4)
    return Predictions(
        ("a", "b", "c", "d"), ("nevus", "melanoma", "other"), chance, np.array([0, 1, -1, 2]), ("g", "g", "c", "d")
    )


def test_predictions_read_back_are_equal_to_the_last_bit(tmp_path: Path) -> None:
    written = some_predictions()
    written.write(tmp_path / "p.csv", "CC-0")
    read = Predictions.read(tmp_path / "p.csv")
    assert (read.image_ids, read.classes, read.groups) == (written.image_ids, written.classes, written.groups)
    np.testing.assert_array_equal(read.probabilities, written.probabilities)
    np.testing.assert_array_equal(read.labels, written.labels)


def test_those_of_chosen_images_keep_their_order_and_all_that_is_known() -> None:
    predictions = dataclasses.replace(some_predictions(), attributes={"sex": ("male", "female", "", "male")})
    some = predictions.among(np.array([True, False, True, True]))
    assert (some.image_ids, some.groups) == (("a", "c", "d"), ("g", "c", "d"))
    assert some.labels.tolist() == [0, -1, 2]
    assert some.attributes == {"sex": ("male", "", "male")}
    np.testing.assert_array_equal(some.probabilities, predictions.probabilities[[0, 2, 3]])
    assert predictions.among(np.zeros(4, dtype=bool)).probabilities.shape == (0, 3)


ids = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=6, unique=True)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(ids.map(lambda names: ["#1", 'a,"b"', "ü\r\n# c", *(name for name in names if name != "#1")]))
def test_any_image_id_reads_back(names: list[str]) -> None:
    names = list(dict.fromkeys(names))
    count = len(names)
    written = Predictions(
        tuple(names), ("#", "b"), np.full((count, 2), 0.5), np.zeros(count, np.int64), tuple(reversed(names))
    )
    with tempfile.TemporaryDirectory() as folder:
        written.write(Path(folder) / "p.csv", "CC-0")
        read = Predictions.read(Path(folder) / "p.csv")
    assert (read.image_ids, read.classes, read.groups) == (written.image_ids, written.classes, written.groups)
    assert read.labels.tolist() == written.labels.tolist()


def test_a_licence_of_several_lines_is_no_part_of_the_table(tmp_path: Path) -> None:
    some_predictions().write(tmp_path / "p.csv", "CC-0\nimage,label\r\nfor research")
    assert Predictions.read(tmp_path / "p.csv").image_ids == some_predictions().image_ids
    assert "under: CC-0 image,label for research" in (tmp_path / NOTICES).read_text()


def test_a_predictions_file_says_what_it_may_be_used_for(tmp_path: Path) -> None:
    some_predictions().write(tmp_path / "p.csv", "CC BY-NC 4.0")
    assert (tmp_path / "p.csv").read_text().startswith("image,label,")
    text = (tmp_path / NOTICES).read_text()
    assert NOTICE in text
    assert "CC BY-NC 4.0" in text


def test_calibrated_predictions_are_stored_with_the_uncalibrated_ones(tmp_path: Path) -> None:
    plain = some_predictions()
    calibrated = at_temperature(plain, 2.5)
    calibrated.write(tmp_path / "p.csv", "CC-0", uncalibrated=plain)
    assert np.array_equal(Predictions.read(tmp_path / "p.csv").probabilities, calibrated.probabilities)
    assert np.array_equal(Predictions.read(tmp_path / "p.csv", uncalibrated=True).probabilities, plain.probabilities)
    plain.write(tmp_path / "old.csv", "CC-0")
    assert np.array_equal(Predictions.read(tmp_path / "old.csv", uncalibrated=True).probabilities, plain.probabilities)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,nevus,a,0.5,1.5", r"p.csv, a: probability_melanoma is '1.5', expected a number in \[0, 1\]"),
        ("a,nevus,a,0.5,nan", "probability_melanoma is 'nan'"),
        ("a,nevus,a,0.5,high", "probability_melanoma is 'high'"),
        ("a,nevus,a,0.5", "probability_melanoma is 'None'"),
        ("a,mole,a,0.5,0.5", "label 'mole' is none of nevus, melanoma"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "p.csv").write_text("image,label,group,probability_nevus,probability_melanoma\n" + line + "\n")
    with pytest.raises(PredictionsError, match=message):
        Predictions.read(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label,group,probability_a\n", "holds no row"),
        ("image,group,probability_a\nx,x,1\n", "lacks the column label"),
        ("image,label,group\nx,,x\n", "no column that starts with 'probability_'"),
    ],
)
def test_a_bad_table_is_said_to_be_one(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(PredictionsError, match=message):
        Predictions.read(tmp_path / "p.csv")


@pytest.mark.parametrize("content", [b"\xa8\x91\x00 a checkpoint", b"image,label,group,probability_a\n\xe9,,,1\n"])
def test_a_file_that_is_no_text_is_told_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(PredictionsError, match=r"p\.csv is no table of text in UTF-8 .* expected a CSV"):
        Predictions.read(tmp_path / "p.csv")


def test_a_cell_that_is_too_long_for_a_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(f"image,label,group,probability_a\n{'a' * 200_000},,,1\n")
    with pytest.raises(PredictionsError, match=r"no table of text in UTF-8 \(field larger than field limit"):
        Predictions.read(tmp_path / "p.csv")


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="attnmel evaluate"):
        Predictions.read(tmp_path / "p.csv")


def test_doubled_image_ids_are_named() -> None:
    with pytest.raises(PredictionsError, match="doubled image ids: a"):
        Predictions(("a", "a"), ("n", "m"), np.full((2, 2), 0.5), np.array([0, 1]), ("a", "a"))


def lesion(diagnosis: str | None) -> Lesion:
    return Lesion(image_id="ISIC_1", image=Path("ISIC_1.jpg"), diagnosis=diagnosis, split=None)


def test_a_diagnosis_without_a_class_goes_to_rest_where_there_is_one() -> None:
    assert class_index(lesion("nevus"), ("rest", "melanoma")) == 0
    assert class_index(lesion("melanoma"), ("rest", "melanoma")) == 1
    with pytest.raises(LabelError, match="ISIC_1 is labelled 'nevus', which is none of the classes mel, bkl"):
        class_index(lesion("nevus"), ("mel", "bkl"))
    with pytest.raises(LabelError, match="ISIC_1 has no label"):
        class_index(lesion(None), ("rest", "melanoma"))


def test_a_melanoma_is_one_by_whatever_name_a_challenge_gives_it() -> None:
    def lesion(diagnosis: str) -> Lesion:
        return Lesion(image_id="a", image=Path("a.jpg"), diagnosis=diagnosis, split="test")

    assert [class_index(lesion(name), ("rest", "melanoma")) for name in ("malignant", "MEL", "NV", "benign")] == [
        1,
        1,
        0,
        0,
    ]
    assert class_index(lesion("melanoma"), ("benign", "malignant")) == 1
    assert class_index(lesion("NV"), ("nevus", "melanoma")) == 0


@pytest.mark.parametrize(
    ("diagnosis", "classes", "expected"),
    [
        # ISIC 2018's classes for ISIC 2019, Derm7pt, PH2 and MILK10k.
        ("AK", ("NV", "AKIEC"), "AKIEC"),
        ("SCC", ("NV", "AKIEC"), "AKIEC"),
        ("SCCKA", ("NV", "AKIEC"), "AKIEC"),
        ("seborrheic keratosis", ("NV", "BKL"), "BKL"),
        ("seborrheic_keratosis", ("NV", "BKL"), "BKL"),
        ("solar lentigo", ("NV", "BKL"), "BKL"),
        ("common nevus", ("NV", "BKL"), "NV"),
        ("reed or spitz nevus", ("MEL", "NV"), "NV"),
        ("vascular lesion", ("VASC", "DF"), "VASC"),
        ("dermatofibroma", ("VASC", "DF"), "DF"),
        ("basal cell carcinoma", ("BCC", "NV"), "BCC"),
        # ISIC 2019's and MILK10k's for others.
        ("SCCKA", ("AK", "SCC"), "SCC"),
        ("SCC", ("AKIEC", "SCCKA"), "SCCKA"),
        ("AKIEC", ("AK", "SCC"), None),
        ("AK", ("AKIEC", "SCCKA"), "AKIEC"),
        ("UNK", ("AK", "SCC"), None),
        ("BKL", ("nevus", "melanoma", "seborrheic_keratosis"), None),
        # ISIC 2017's and PH2's.
        ("atypical nevus", ("nevus", "melanoma"), "nevus"),
        ("other benign", ("rest", "melanoma"), "rest"),
        ("benign", ("rest", "melanoma"), "rest"),
        ("benign", ("nevus", "melanoma"), None),
        # Benign and malignant: AK, AKIEC and "miscellaneous" are neither.
        ("BCC", ("benign", "malignant"), "malignant"),
        ("SCC", ("benign", "malignant"), "malignant"),
        ("MAL_OTH", ("benign", "malignant"), "malignant"),
        ("other malignant", ("benign", "malignant"), "malignant"),
        ("BCC", ("nevus", "melanoma"), None),  # not by "malignant", which is a melanoma's other name
        ("BKL", ("benign", "malignant"), "benign"),
        ("INF", ("benign", "malignant"), "benign"),
        ("AK", ("benign", "malignant"), None),
        ("AKIEC", ("benign", "malignant"), None),
        ("miscellaneous", ("benign", "malignant"), None),
    ],
)
def test_a_diagnosis_of_one_data_set_counts_as_a_class_of_another(
    diagnosis: str, classes: tuple[str, ...], expected: str | None
) -> None:
    place = place_among(lesion(diagnosis), classes)
    assert (None if place is None else classes[place]) == expected


def test_ids_are_compared_without_the_ending_of_smaller_copies() -> None:
    assert [plain_id(one) for one in ("ISIC_0000001_downsampled", "ISIC_0000001")] == ["ISIC_0000001"] * 2
