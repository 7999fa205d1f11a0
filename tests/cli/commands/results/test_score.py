"""`attnmel score` as a user meets it, on the phantoms' truth and on truths of a test's own."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

TRUTH = "ISIC-2017_Test_v2_Part3_GroundTruth.csv"
SEVEN = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")


@pytest.fixture
def truth(phantoms: "Phantoms") -> list[dict[str, str]]:
    with (phantoms.home / "data/phantoms" / TRUTH).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def submission(truth: list[dict[str, str]], tmp_path: Path) -> Path:
    """A submission whose melanoma column is nearly right; its rows stand in another order than the truth's."""
    path = tmp_path / "submission.csv"
    rows = [
        f"{row['image_id']},{0.05 * place + 0.3 * float(row['melanoma']):.2f},0.5" for place, row in enumerate(truth)
    ]
    path.write_text("\n".join(["image_id,melanoma,seborrheic_keratosis", *reversed(rows)]) + "\n")
    return path


@pytest.fixture
def two_classes(tmp_path: Path) -> tuple[Path, Path]:
    """An ISIC 2018 submission and its truth: every image a nevus or a melanoma, one of them not to be counted."""
    header = ",".join(("image", *SEVEN))
    ids = ("ISIC_1", "ISIC_2", "ISIC_3", "ISIC_0035068")
    true = [f"{one},{int(place < 2)},{int(place >= 2)},0,0,0,0,0" for place, one in enumerate(ids)]
    said = [f"{one},{0.9 if place == 0 else 0.4},{0.4 if place else 0.1},0,0,0,0,0" for place, one in enumerate(ids)]
    paths = tmp_path / "said.csv", tmp_path / "true.csv"
    for path, rows in zip(paths, (said, true), strict=True):
        path.write_text("\n".join([header, *rows]) + "\n")
    return paths


def test_a_submission_is_scored_against_the_fetched_test_split(
    attnmel: "Attnmel", phantoms: "Phantoms", submission: Path, truth: list[dict[str, str]]
) -> None:
    ran = attnmel("score", "phantoms", submission, "--home", phantoms.home, "--resamples", "20")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith("phantoms, scored as ISIC 2017 part 3: 12 images")
    assert lines[0].endswith("ranked by auc (mean)")
    assert lines[1] == "rules: excluded=none, threshold=above, undefined=nan, ap=step"
    assert lines[2] == "left out: no image"
    assert "note: seborrheic_keratosis: every image has the same probability (0.5)" in ran.out
    positive = [float(row["melanoma"]) for row in truth]
    scores = [0.05 * place + 0.3 * yes for place, yes in enumerate(positive)]
    (auc,) = [line.split() for line in lines if line.split()[:2] == ["melanoma", "auc"]]
    assert float(auc[2]) == pytest.approx(roc_auc_score(positive, np.round(scores, 2)), abs=5.1e-4)
    assert len(auc) == 6


def test_columns_of_other_names_are_scored_as_they_are_named(
    attnmel: "Attnmel", phantoms: "Phantoms", submission: Path
) -> None:
    plain = attnmel("score", "phantoms", submission, "--home", phantoms.home, "--resamples", "2")
    text = submission.read_text().replace("image_id,melanoma,seborrheic_keratosis", "case;m;k").replace(",", ";")
    submission.write_text(text.replace(".", ","))
    columns = ("--columns", "image_id=case,melanoma=m,seborrheic_keratosis=k")
    ran = attnmel("score", "phantoms", submission, "--home", phantoms.home, "--resamples", "2", *columns)
    assert "note: submission.csv has cells separated by semicolons\n" in ran.out
    assert ran.out.splitlines()[-17:] == plain.out.splitlines()[-17:]


def test_json_holds_every_row_the_rules_and_what_was_left_out(
    attnmel: "Attnmel", two_classes: tuple[Path, Path], tmp_path: Path
) -> None:
    said, true = two_classes
    ran = attnmel("score", "isic2018", said, "--truth", true, "--home", tmp_path, "--json", "--resamples", "5")
    found = json.loads(ran.out)
    assert found["left_out"] == ["ISIC_0035068"]
    assert found["rules"]["excluded"] == ["ISIC_0035068"]
    assert (found["images"], found["counts"]["MEL"], found["counts"]["NV"]) == (3, 2, 1)
    assert "not a medical device" in found["notice"].casefold()
    rows = {(row["task"], row["measure"]): row["value"] for row in found["rows"]}
    # ISIC_1 is right; ISIC_2 and ISIC_3 are ties of melanoma and nevus, so wrong.
    assert rows["all classes", "balanced_accuracy"] == pytest.approx(0.25)
    assert rows["BCC", "auc"] is None
    assert rows["BCC", "sensitivity"] == 1


def test_rules_are_changed_by_name_and_told(attnmel: "Attnmel", two_classes: tuple[Path, Path], tmp_path: Path) -> None:
    said, true = two_classes
    changes = ("--rule", "ties=first", "--rule", "excluded=", "--rule", "undefined=nan", "--resamples", "5")
    ran = attnmel("score", "isic2018", said, "--truth", true, "--home", tmp_path, *changes)
    assert "rules: excluded=none, ties=first, threshold=above, undefined=nan, ap=step" in ran.out
    assert "left out: no image" in ran.out
    # A tie is taken for the first class, melanoma: both of them found, neither nevus.
    assert "balanced_accuracy  0.500" in ran.out
    (line,) = [line for line in ran.out.splitlines() if line.split()[:2] == ["BCC", "sensitivity"]]
    assert line.split()[2:] == ["-"]


def test_all_problems_are_told_in_one_message(attnmel: "Attnmel", phantoms: "Phantoms", submission: Path) -> None:
    lines = submission.read_text().splitlines()
    lines[1] = lines[1].removesuffix("0.5") + "nan"
    lines[3] = lines[2]
    lines[5] = "ISIC_0000000,0.5,0.5"
    submission.write_text("\n".join(lines))
    ran = attnmel("score", "phantoms", submission, "--home", phantoms.home)
    assert ran.code == 1
    assert ran.out == ""
    told = ran.err.splitlines()
    assert told[0] == "error: 4 problems; correct them all:"
    assert told[1].startswith("  submission.csv: found no row for 2 of 12 images (ISIC_")
    assert told[2] == "  submission.csv, line 2, column seborrheic_keratosis: found 'nan', expected a number in [0, 1]"
    assert "(it is in line 3 already)" in told[3]
    assert told[4] == f"  submission.csv, line 6: found the image ISIC_0000000, expected an image of {TRUTH}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("isic2019", "s.csv"),
            "unknown challenge 'isic2019' (did you mean 'isic2018'?); known: isic2016, isic2017, isic2018",
        ),
        (("isic2017", "s.csv"), "run `attnmel fetch isic2017`"),
        (("isic2018-task1", "masks"), "run `attnmel fetch isic2018-task1`"),
        (("isic2017", "s.csv", "--truth", "t.csv"), "no file at s.csv; expected a table with the columns image_id,"),
        (("isic2016", "s.csv", "--rule", "ties=first"), "unknown rule of ISIC 2016 part 3 'ties'"),
    ],
)
def test_what_cannot_be_scored_is_answered_with_what_to_do(
    arguments: tuple[str, ...], message: str, attnmel: "Attnmel", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = attnmel("score", *arguments, "--home", tmp_path / "home")
    assert ran.code == 1
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_folder_of_masks_is_scored_against_a_folder_of_masks(attnmel: "Attnmel", tmp_path: Path) -> None:
    for folder, width in (("said", 4), ("true", 5)):
        (tmp_path / folder).mkdir()
        for number in range(3):
            mask = np.zeros((10, 10), dtype=np.uint8)
            mask[:, : width - number] = 255
            Image.fromarray(mask).save(tmp_path / folder / f"ISIC_{number}_segmentation.png")
    said, true = tmp_path / "said", tmp_path / "true"
    ran = attnmel("score", "isic2018-task1", said, "--truth", true, "--home", tmp_path / "home", "--resamples", "5")
    assert ran.out.splitlines()[:3] == [
        "ISIC 2018 task 1: 3 images; ranked by threshold_jaccard (lesion masks)",
        "rules: excluded=none, undefined=one",
        "left out: no image",
    ]
    # Overlaps of 4/5, 3/4 and 2/3, all at least .65.
    assert f"threshold_jaccard  {(4 / 5 + 3 / 4 + 2 / 3) / 3:.3f}" in ran.out
