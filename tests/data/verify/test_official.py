"""Names, counts and tables of a known data set, deliberately broken."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from attnmel.data.datasets.sources import SOURCES
from attnmel.data.verify import KINDS, Finding, verify_dataset
from attnmel.data.verify.official import official_inventory

Found = Callable[..., list[Finding]]
Files = Callable[[str], list[Path]]


@pytest.fixture
def found(home: Path) -> Found:
    """List what lies there by names and tables alone, and give the findings of some kinds, or all."""

    def look(*kinds: str) -> list[Finding]:
        every = official_inventory("phantoms", SOURCES["phantoms"], home).findings
        return [finding for finding in every if not kinds or finding.kind in kinds]

    return look


def test_sound_phantoms_have_no_finding_and_are_counted(home: Path) -> None:
    found = verify_dataset("phantoms", home)
    assert found.findings == ()
    assert found.counts == {"labels": 46, "masks": 46, "images": 46, "superpixel features": 46, "sound masks": 46}
    assert found.errors == 0


def test_nothing_fetched_is_one_finding(tmp_path: Path) -> None:
    (finding,) = verify_dataset("isic2017", tmp_path).findings
    assert (finding.kind, finding.severity) == ("not fetched", "error")
    assert "attnmel fetch" in KINDS[finding.kind].hint


def test_a_folder_that_is_gone_is_told_and_the_others_are_looked_at(home: Path, found: Found) -> None:
    shutil.rmtree(home / "data" / "phantoms" / "ISIC-2017_Validation_Data")
    (gone,) = found("archive missing")
    assert gone.file == "ISIC-2017_Validation_Data.zip"
    assert gone.detail == "10 files or rows of it were there"
    assert len(found()) == 1, "the labels of that split are not told one by one"


def test_a_mirror_that_lacked_a_file_is_a_warning(home: Path, found: Found) -> None:
    record = home / "data" / "phantoms" / "archives.json"
    content = json.loads(record.read_text())
    for state in content["archives"]:
        if state["name"] == "ISIC-2017_Validation_Part1_GroundTruth.zip":
            state["status"] = "absent"
    record.write_text(json.dumps(content))
    shutil.rmtree(home / "data" / "phantoms" / "ISIC-2017_Validation_Part1_GroundTruth")
    (absent,) = found()
    assert (absent.kind, absent.severity) == ("archive absent", "warning")


def test_a_mirror_without_the_labels_of_images_that_came_is_an_error(home: Path, found: Found) -> None:
    record = home / "data" / "phantoms" / "archives.json"
    content = json.loads(record.read_text())
    for state in content["archives"]:
        if state["name"] == "ISIC-2017_Validation_Part3_GroundTruth.csv":
            state["status"] = "absent"
    record.write_text(json.dumps(content))
    (home / "data" / "phantoms" / "ISIC-2017_Validation_Part3_GroundTruth.csv").unlink()
    _, unlabelled = found()
    assert (unlabelled.kind, unlabelled.severity) == ("image without label", "error")
    assert unlabelled.detail.startswith("none of 10 images has a label, and the split is left out")


def test_a_damaged_record_is_told(home: Path, found: Found) -> None:
    (home / "data" / "phantoms" / "archives.json").write_text("{")
    (finding,) = found()
    assert finding.kind == "table unusable"
    assert "archives.json is damaged; delete the folder" in finding.detail


def test_fewer_than_the_official_archive_holds_is_a_warning(home: Path) -> None:
    (home / "data" / "phantoms").rename(home / "data" / "isic2017")
    short = [one for one in verify_dataset("isic2017", home).findings if one.kind == "archive short"]
    assert len(short) == 12
    assert short[0].severity == "warning"
    assert "24 labels of 2,000" in {one.detail for one in short}


def test_ids_are_joined_both_ways_and_counts_compared(train: Files, found: Found) -> None:
    images, masks = train("images"), train("masks")
    images[0].unlink()
    masks[1].unlink()
    shutil.copy(images[2], images[2].with_name("ISIC_9999999.jpg"))
    every = {(one.kind, one.image_id) for one in found()}
    stems = [path.stem for path in images]
    assert every == {
        ("label without image", stems[0]),
        ("mask without image", stems[0]),
        ("image without mask", stems[1]),
        ("image without label", "ISIC_9999999"),
        ("image without mask", "ISIC_9999999"),
        ("files changed", ""),
    }
    assert found("files changed")[0].detail == "23 files lie there; 24 were unpacked"


def test_doubled_ids_and_ids_on_two_sides_are_told(home: Path, train: Files, table: Path, found: Found) -> None:
    images = train("images")
    shutil.copy(images[0], images[0].with_suffix(".jpeg"))
    shutil.copy(images[1], home / "data" / "phantoms" / "ISIC-2017_Test_v2_Data" / images[1].name)
    table.write_text(table.read_text() + f"{images[2].stem},0.0,0.0\n")
    row = 2 + [path.stem for path in images].index(images[2].stem)
    once = f"expected each image once (it is in line {row} already)"
    doubled = {(one.image_id, one.detail) for one in found("id doubled")}
    assert doubled == {
        (images[0].stem, "2 image files; expected one"),
        (images[2].stem, f"line 26, column image_id: found '{images[2].stem}', {once}"),
    }
    (both,) = found("id on two sides")
    assert (both.image_id, both.detail) == (images[1].stem, "it is in train and test")


def test_every_wrong_row_is_told_with_its_line(table: Path, found: Found) -> None:
    lines = table.read_text().splitlines()
    for line, values in (
        (1, "1,1"),
        (2, "2,0"),
        (3, ",0"),
        (4, "0.0"),
        (5, "0.0,0.0,0.0"),
        (6, "yes,0"),
        (7, "1.0,1.0"),
    ):
        lines[line] = f"{lines[line].split(',')[0]},{values}"
    table.write_text("\n".join(lines))
    details = [one.detail for one in found("label value")]
    assert sorted(int(re.findall(r"\d+", one)[0]) for one in details) == [2, 3, 4, 5, 6, 7, 8]
    assert "line 2: found 2 columns that are 1, expected at most 1" in details


@pytest.mark.parametrize("content", [b"", b"image,melanoma\n", b"\xff\xfe\x00"])
def test_a_table_that_is_none_is_told(content: bytes, table: Path, found: Found) -> None:
    table.write_bytes(content)
    (finding,) = found("table unusable")
    assert finding.file == table.name
    assert not found("image without label"), "all of them would be, which says nothing more"


def test_a_mask_of_another_name_is_told(train: Files, found: Found) -> None:
    mask = train("masks")[0]
    mask.rename(mask.with_name("lesion.png"))
    (odd,) = found("file name")
    assert odd.file == "lesion.png"
    assert odd.detail.endswith("expected <image>_segmentation.png")


def test_a_metadata_table_that_cannot_be_read_is_told(train: Files, found: Found) -> None:
    folder = train("images")[0].parent
    (folder / "ISIC-2017_Training_Data_metadata.csv").write_text("image_id,age\nx,1\n")
    (finding,) = found()
    assert (finding.kind, finding.file) == ("table unusable", "ISIC-2017_Training_Data_metadata.csv")
