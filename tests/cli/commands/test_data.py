"""`attnmel verify` as a user meets it; `attnmel audit` is in test_audit.py."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms


@pytest.fixture
def broken(phantoms: "Phantoms", tmp_path: Path) -> Path:
    """Phantoms of which one image is cut off and one mask is full."""
    data = Path(shutil.copytree(phantoms.home / "data", tmp_path / "home" / "data")) / "phantoms"
    images = sorted((data / "ISIC-2017_Training_Data").glob("*.jpg"))
    images[0].write_bytes(images[0].read_bytes()[:700])
    mask = sorted((data / "ISIC-2017_Training_Part1_GroundTruth").glob("*.png"))[1]
    Image.new("L", (120, 90), 255).save(mask)
    return tmp_path / "home"


def test_a_sound_data_set_ends_well(attnmel: "Attnmel", phantoms: "Phantoms") -> None:
    ran = attnmel("verify", "phantoms", "--strict", "--home", phantoms.home)
    assert (ran.code or 0) == 0
    assert "without effect here: strict (it needs a folder with a labels.csv)\n" in ran.err
    assert "phantoms (synthetic dermoscopy): nothing wrong in 46 images" in ran.out


def test_errors_end_with_one_and_every_kind_has_its_hint(attnmel: "Attnmel", broken: Path) -> None:
    ran = attnmel("verify", "phantoms", "--home", broken)
    assert ran.code == 1
    assert "1 error, 1 warning in 46 images" in ran.out
    assert "image unusable  " in ran.out
    assert "Look at it; where the lesion does not fill the frame, take the mask out." in ran.out
    assert ran.err == ""


def test_each_finding_names_its_place(attnmel: "Attnmel", tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label,age\n" + "".join(f"a,nevus,{one}\n" for one in range(200, 234)))
    Image.new("RGB", (60, 40), (200, 160, 140)).save(tmp_path / "a.png")
    ran = attnmel("verify", tmp_path, "--home", tmp_path / "home")
    assert "34 errors" in ran.out
    assert ran.out.count("labels.csv: line") == 1, "what is wrong alike is one sentence"
    assert "labels.csv: lines 2, 3, 4, 5, 6 and 29 more, column age: found '200', '201', '202', '203', '204'" in ran.out
    findings = json.loads(attnmel("verify", tmp_path, "--home", tmp_path / "home", "--json").out)[0]["findings"]
    assert [one["line"] for one in findings] == list(range(2, 36)), "and --json has every row"


def test_a_folder_is_read_as_a_recipe_and_options_say(attnmel: "Attnmel", tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("isic_id;target\na;0\nb;2\n")
    for name in "ac":
        Image.new("RGB", (60, 40), (200, 160, 140)).save(tmp_path / f"{name}.png")
    options = ("--recipe", "isic2017/attnmel", "--columns", "image=isic_id", "--columns", "label=target", "--strict")
    ran = attnmel("verify", tmp_path, "--home", tmp_path / "home", *options)
    assert ran.code == 1
    assert "line 3, column target: found '2', expected one of rest, melanoma" in ran.out
    assert "line 3, column isic_id: found 'b', of which there is no file" in ran.out
    assert "note: labels.csv: labels are read as classes: '0' as rest (1 row)\n" in ran.out
    ran = attnmel("verify", tmp_path, "--columns", "picture=isic_id")
    assert (ran.code, ran.err.split(";")[0]) == (1, "error: unknown column 'picture'")


def test_warnings_alone_end_well(attnmel: "Attnmel", broken: Path) -> None:
    image = min((broken / "data" / "phantoms" / "ISIC-2017_Training_Data").glob("*.jpg"))
    Image.new("RGB", (120, 90), (200, 160, 140)).save(image)
    ran = attnmel("verify", "phantoms", "--home", broken)
    assert (ran.code or 0) == 0
    assert "1 warning in 46 images" in ran.out


def test_json_holds_every_finding_with_severity_and_hint(attnmel: "Attnmel", broken: Path) -> None:
    ran = attnmel("verify", "phantoms", "--home", broken, "--json")
    (one,) = json.loads(ran.out)
    assert ran.code == 1
    assert (one["dataset"], one["errors"], one["warnings"]) == ("phantoms", 1, 1)
    assert [finding["kind"] for finding in one["findings"]] == ["image unusable", "mask full"]
    assert all(finding["hint"] and finding["image_id"] and finding["file"] for finding in one["findings"])


def test_the_contact_sheet_shows_findings_first_then_a_seeded_sample(
    attnmel: "Attnmel", broken: Path, tmp_path: Path
) -> None:
    pages = []
    for seed in (0, 0, 1):
        page, picture = tmp_path / "sheet.html", tmp_path / "sheet.png"
        ran = attnmel(
            "verify", "phantoms", "--home", broken, "--out", page, "--png", picture, "--sample", 5, "--seed", seed
        )
        assert f"contact sheet: {page}" in ran.out
        pages.append(page.read_text())
    assert pages[0] == pages[1] != pages[2]
    assert pages[0].count("data:image/webp") == 6, "the mask that is full, and the sample"
    assert pages[0].index("Mask full") < pages[0].index("Drawn at random")
    with Image.open(picture) as drawn:
        assert drawn.width > 700


def test_several_data_sets_are_checked_and_an_unknown_name_is_refused(
    attnmel: "Attnmel", broken: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "labels.csv").write_text("image,label\na,nevus\n")
    ran = attnmel("verify", "phantoms", folder, "isic2016", "--home", broken)
    assert ran.code == 1
    assert "own images in clinic: 1 error, 1 warning in 0 images" in ran.out
    assert "not fetched: " in ran.out
    ran = attnmel("verify", "nothing", "--home", broken)
    assert ran.code == 1
    assert ran.err.startswith("error: unknown data set 'nothing'; known: derm7pt, isic2016, isic2017")
