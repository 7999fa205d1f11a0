from pathlib import Path

import pytest

from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.challenge.entry import ChallengeEntry, read_entry

HEADER = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"


def read(folder: Path, dataset: str, submission: str, truth: str, *excluded: str) -> ChallengeEntry:
    (folder / "submission.csv").write_text(submission)
    (folder / "truth.csv").write_text(truth)
    groups = {"ISIC_1": "lesion 1"}
    return read_entry(dataset, folder / "submission.csv", folder / "truth.csv", excluded=excluded, groups=groups)


@pytest.mark.parametrize(
    "truth", ["ISIC_2,malignant\nISIC_1,benign\n", "ISIC_1,0.0\nISIC_2,1.0\n", "ISIC_1,0\r\nISIC_2,1\r\n"]
)
def test_isic_2016_is_read_without_headers_in_words_or_numbers(tmp_path: Path, truth: str) -> None:
    entry = read(tmp_path, "isic2016", "ISIC_1,0.2\nISIC_2,0.9\n", truth)
    assert dict(zip(entry.image_ids, entry.truth[:, 0].tolist(), strict=True)) == {"ISIC_1": False, "ISIC_2": True}
    assert dict(zip(entry.image_ids, entry.probabilities[:, 0].tolist(), strict=True)) == {"ISIC_1": 0.2, "ISIC_2": 0.9}
    assert dict(zip(entry.image_ids, entry.groups, strict=True)) == {"ISIC_1": "lesion 1", "ISIC_2": "ISIC_2"}
    assert entry.notes == ()


def test_isic_2017_has_images_of_neither_category(tmp_path: Path) -> None:
    header = "image_id,melanoma,seborrheic_keratosis"
    submission = f"{header}\nISIC_3,.1,.2\nISIC_1,.3,.4\nISIC_2,.5,.6\n"
    entry = read(tmp_path, "isic2017", submission, f"{header}\nISIC_1,1.0,0.0\nISIC_2,0,1\nISIC_3,0,0\n")
    assert entry.classes.tolist() == [0, 1, 2]
    assert entry.probabilities.tolist() == [[0.3, 0.4], [0.5, 0.6], [0.1, 0.2]]


def test_isic_2018_has_weights_and_an_image_that_does_not_count(tmp_path: Path) -> None:
    submission = f"{HEADER}\nISIC_1,1,0,0,0,0,0,0\nISIC_2,0,1,0,0,0,0,0\nISIC_3,0,1,0,0,0,0,0\n"
    truth = (
        f"{HEADER},score_weight,validation_weight\nISIC_1,1,0,0,0,0,0,0,2,1\nISIC_2,0,1,0,0,0,0,0,0.5,0\n"
        "ISIC_3,0,1,0,0,0,0,0,0,1\nISIC_0035068,1,0,0,0,0,0,0,1,1\n"
    )
    entry = read(tmp_path, "isic2018", submission, truth, "ISIC_0035068")
    assert (entry.image_ids, entry.weights.tolist()) == (("ISIC_1", "ISIC_2"), [2, 0.5])
    assert entry.left_out == ("ISIC_3", "ISIC_0035068")


def test_an_excluded_image_that_only_the_submission_has_does_no_harm(tmp_path: Path) -> None:
    entry = read(tmp_path, "isic2016", "ISIC_1,0\nISIC_2,1\nISIC_3,1\n", "ISIC_1,0\nISIC_2,1\n", "ISIC_3")
    assert entry.image_ids == ("ISIC_1", "ISIC_2")


@pytest.mark.parametrize(
    ("dataset", "truth", "probabilities"),
    [
        ("isic2016", "ISIC_1,benign\nISIC_2,malignant\n", "ISIC_1,0.2\nISIC_2,0.9\n"),
        (
            "isic2017",
            "image_id,melanoma,seborrheic_keratosis\nISIC_1,1.0,0.0\nISIC_2,0.0,1.0\n",
            "image_id,melanoma,seborrheic_keratosis\nISIC_1,0.7,0.1\nISIC_2,0.2,0.6\n",
        ),
    ],
)
def test_predictions_and_truth_that_are_swapped_are_recognised(
    tmp_path: Path, dataset: str, truth: str, probabilities: str
) -> None:
    with pytest.raises(PredictionsError) as told:
        read(tmp_path, dataset, truth, probabilities)
    assert str(told.value) == (
        f"{tmp_path}/truth.csv holds probabilities and {tmp_path}/submission.csv true classes: they are swapped; name "
        "the probabilities as the predictions, and the true classes as the truth (--truth)"
    )


def test_a_part_of_the_images_is_refused_naming_those_that_are_missing(tmp_path: Path) -> None:
    truth = "".join(f"ISIC_{number},{number % 2}\n" for number in range(14))
    with pytest.raises(PredictionsError) as told:
        read(tmp_path, "isic2016", "ISIC_0,0\nISIC_1,1\nISIC_99,1\n", truth)
    assert str(told.value).splitlines() == [
        "2 problems; correct them all:",
        "  submission.csv: found no row for 12 of 14 images (ISIC_10, ISIC_11, ISIC_12, ISIC_13, ISIC_2, ISIC_3, "
        "ISIC_4, ISIC_5, ISIC_6, ISIC_7 and 2 more), expected one for each image of truth.csv",
        "  submission.csv, line 3: found the image ISIC_99, expected an image of truth.csv",
    ]


def test_the_problems_of_both_files_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError) as told:
        read(tmp_path, "isic2016", "ISIC_1,2\nISIC_2,0.1\n", "ISIC_1,maybe\nISIC_2,benign\n")
    assert str(told.value).splitlines()[1:] == [
        "  submission.csv, line 1, column confidence: found '2', expected a number in [0, 1]",
        "  truth.csv, line 1, column diagnosis: found 'maybe', expected benign or malignant (or 0.0 or 1.0)",
    ]


@pytest.mark.parametrize(
    ("dataset", "submission", "truth", "found"),
    [
        ("isic2016", "ISIC_1,0\n", "ISIC_1,benign\n", "only one class (1 images, all not malignant)"),
        ("isic2016", "ISIC_1,0\nISIC_2,0\n", "ISIC_1,1\nISIC_2,1\n", "only one class (2 images, all malignant)"),
        (
            "isic2018",
            f"{HEADER}\nA,0,0,0,0,0,0,0\n",
            f"{HEADER}\nA,0,0,1,0,0,0,0\n",
            "only one class (1 images, all BCC)",
        ),
    ],
)
def test_a_truth_of_one_class_is_refused(tmp_path: Path, dataset: str, submission: str, truth: str, found: str) -> None:
    with pytest.raises(PredictionsError) as told:
        read(tmp_path, dataset, submission, truth)
    assert str(told.value) == f"truth.csv: found {found}, expected at least two"


def test_a_truth_of_which_nothing_counts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        PredictionsError, match=r"truth.csv: found no image that counts, expected images of at least two"
    ):
        read(tmp_path, "isic2016", "ISIC_1,0\n", "ISIC_1,0\n", "ISIC_1")


def test_a_data_set_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no official table of isic2018-task1; known: isic2016, isic2017, isic2018"):
        read(tmp_path, "isic2018-task1", "", "")
