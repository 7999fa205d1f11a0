"""Bad input through the command line: one clear sentence, the right exit code, and nothing lost or left behind."""

import csv
import json
import os
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from PIL import Image

from attnmel.cli import app
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

TRAINING = "ISIC-2017_Training_Data"
MASKS = "ISIC-2017_Training_Part1_GroundTruth"
TABLE = "ISIC-2017_Training_Part3_GroundTruth.csv"
IMAGE = f"{TRAINING}/ISIC_9000003.jpg"
MASK = f"{MASKS}/ISIC_9000003_segmentation.png"


Edit = Callable[[Path], object]
Find = Callable[..., list[Path]]
Settings = Callable[..., list[str]]


@pytest.fixture
def home(phantoms: "Phantoms", tmp_path: Path) -> Path:
    """A home whose data a test may spoil."""
    shutil.copytree(phantoms.home / "data", tmp_path / "home" / "data")
    return tmp_path / "home"


@pytest.fixture
def own(phantoms: "Phantoms", tmp_path: Path) -> Path:
    """An own folder of 24 images with masks and labels, its name not plain ASCII."""
    data = phantoms.home / "data" / "phantoms"
    folder = tmp_path / "eigene Bilder 影"
    folder.mkdir()
    with (data / TABLE).open() as file:
        truth = {row["image_id"]: int(float(row["melanoma"])) for row in csv.DictReader(file)}
    rows = []
    for image in sorted((data / TRAINING).glob("*.jpg")):
        mask = data / MASKS / f"{image.stem}_segmentation.png"
        shutil.copy(image, folder)
        (folder / "masks").mkdir(exist_ok=True)
        shutil.copy(mask, folder / "masks")
        rows.append(f"{image.name},{truth[image.stem]},masks/{mask.name}")
    (folder / "labels.csv").write_text("\n".join(["image,label,mask", *rows]) + "\n")
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def member(name: str, *, link: bool = False, size: int = 1) -> Edit:
    def add(path: Path) -> None:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFLNK | 0o777) << 16 if link else 0
            archive.writestr(info, bytes(size))

    return add


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(cut, "is damaged or not a whole zip", id="truncated"),
        pytest.param(lambda path: path.write_text("<html>"), "is damaged or not a whole zip", id="page"),
        pytest.param(member("../../evil.jpg"), "'../../evil.jpg' leaves the folder", id="dots"),
        pytest.param(member("evil.jpg", link=True), "'evil.jpg' is a symbolic link", id="link"),
        pytest.param(member("evil.jpg", size=70_000_000), "(a zip bomb?)", id="bomb"),
    ],
)
def test_a_bad_zip_leaves_nothing_and_a_good_one_then_completes_it(
    spoil: Edit, message: str, attnmel: "Attnmel", phantoms: "Phantoms", tmp_path: Path, left_behind: Find
) -> None:
    mirror, home = tmp_path / "mirror", tmp_path / "home"
    shutil.copytree(Path(urlsplit(phantoms.mirror).path), mirror)
    spoil(mirror / "2017" / f"{TRAINING}.zip")
    ran = attnmel("fetch", "phantoms", "--mirror", mirror.as_uri(), "--home", home)
    assert ran.code == 1
    assert message in ran.err
    assert "fetch it again, or from another mirror" in ran.err
    assert not left_behind(tmp_path)
    assert {path.name for path in (home / "data/phantoms").iterdir()} == {TABLE, MASKS, "archives.json"}
    assert not list(tmp_path.rglob("evil*"))
    ran = attnmel("fetch", "phantoms", "--mirror", phantoms.mirror, "--home", home, "--json")
    assert ran.code == 0
    assert {state["status"] for state in json.loads(ran.out)} == {"complete"}


def test_a_folder_that_is_not_the_archive_s_leaves_no_trace(attnmel: "Attnmel", tmp_path: Path) -> None:
    ran = attnmel("fetch", "isic2017", "--mirror", tmp_path.as_uri(), "--home", tmp_path / "home")
    assert ran.code == 1
    assert "holds no file of isic2017; expected " in ran.err
    assert "Name the folder or address that holds the folder of the year" in ran.err
    assert not list(tmp_path.iterdir())


def relabel(value: str, table: str = TABLE, lines: slice = slice(3, 4)) -> Edit:
    def change(data: Path) -> None:
        rows = (data / table).read_text().splitlines()
        rows[lines] = [f"{row.split(',')[0]},{value}" for row in rows[lines]]
        (data / table).write_text("\n".join(rows) + "\n")

    return change


def picture(name: str, *, kind: str = "PNG", size: tuple[int, int] = (120, 90), grey: int = 255) -> Edit:
    return lambda data: Image.new("L", size, grey).save(data / name, format=kind)


@pytest.mark.parametrize(
    ("spoil", "messages"),
    [
        pytest.param(lambda d: cut(d / IMAGE), ("ISIC_9000003.jpg is truncated or damaged",), id="truncated"),
        pytest.param(lambda d: (d / IMAGE).write_text("no"), ("9000003.jpg is no picture",), id="no image"),
        pytest.param(
            picture(IMAGE, kind="GIF"), ("9000003.jpg is a file of the kind GIF, which is not read",), id="other format"
        ),
        pytest.param(picture(IMAGE, size=(11000, 10000)), ("11000 x 10000 pixels", "make it smaller"), id="huge"),
        pytest.param(picture(MASK, size=(60, 45)), ("60 x 45 pixels", "image is 120 x 90"), id="size of mask"),
        pytest.param(picture(MASK, grey=0), ("segmentation.png is empty", "expected 255 inside"), id="empty mask"),
        pytest.param(lambda d: (d / MASK).unlink(), ("holds 23 files, but 24", "attnmel fetch"), id="no mask"),
        pytest.param(lambda d: (d / IMAGE).unlink(), ("that are not there: ISIC_9000003",), id="missing"),
        pytest.param(
            relabel("2.0,0.0"), ("line 4, column melanoma: found '2.0', expected 0 or 1", "Correct"), id="label"
        ),
        pytest.param(relabel("0,0", lines=slice(1, None)), ("'train' has no melanoma (it has 24 rest)",), id="single"),
        pytest.param(
            relabel("0,0", "ISIC-2017_Validation_Part3_GroundTruth.csv", slice(1, None)),
            ("'validation' has no melanoma", "Every split needs images of every class"),
            id="single validation",
        ),
        pytest.param(lambda d: shutil.rmtree(d), ("phantoms is not in", "run `attnmel demo`"), id="nothing"),
    ],
)
def test_spoilt_data_starts_no_run(
    spoil: Edit,
    messages: tuple[str, ...],
    attnmel: "Attnmel",
    home: Path,
    tmp_path: Path,
    settings: Settings,
    left_behind: Find,
) -> None:
    spoil(home / "data" / "phantoms")
    ran = attnmel("train", "demo", *settings(), "--home", home, "--out", tmp_path / "runs")
    assert ran.code == 1
    assert all(message in ran.err for message in messages), ran.err
    assert not (tmp_path / "runs").exists()
    assert not left_behind(home)


def test_an_own_folder_trains_judges_and_is_predicted(
    attnmel: "Attnmel", own: Path, trained: RunFolder, settings: Settings
) -> None:
    home, out = own.parent / "höme", own.parent / "runs"
    image = next(own.glob("*.jpg"))
    with Image.open(image) as opened:
        wide = opened.resize((300, 40))
    wide.save(own / "wide.png")
    with (own / "labels.csv").open("a") as file:
        file.write("wide,rest,\n")
    ran = attnmel("train", "demo", *settings(f"data.dataset={own}"), "--home", home, "--out", out, "--json")
    assert ran.code == 0, ran.err
    run = Path(json.loads(ran.out)[0]["run"])
    assert "prior lesion: of 18 training images 17 have lesion masks" in ran.err
    judge = shutil.copytree(trained.path, own.parent / "judge")
    refused = attnmel("evaluate", judge, "--on", own, "--home", home)
    assert (refused.code, "--allow-leakage" in refused.err) == (1, True), "it holds images that the run learnt from"
    judged = attnmel("evaluate", judge, "--on", own, "--allow-leakage", "--home", home, "--json")
    assert json.loads(judged.out)["judgement"]["images"] == 25
    ran = attnmel("predict", run, own, "--out", own.parent / "aus gabe" / "ö.json", "--json")
    assert ran.code == 0, ran.err
    assert len(json.loads((own.parent / "aus gabe" / "ö.json").read_text())["images"]) == 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("jpg,1,", "jpg,2,"), "column label: found '2', expected one of rest, melanoma"),
        (("jpg,1,", "jpg,,"), "column label: found nothing, expected one of rest, melanoma"),
        (("_segmentation", "_mask"), "and 19 more, column mask: found 'masks/ISIC_9000000_mask.png', '"),
        (("image,label", "image,dx"), "name them: --columns label=dx"),
        (("jpg,1,", "jpg,0,"), "has no melanoma"),
        (("png\n", "png,train\n"), "has no image in the split 'validation' (it has 24 in train)"),
    ],
)
def test_a_table_that_is_wrong_starts_no_run(
    change: tuple[str, str], message: str, attnmel: "Attnmel", own: Path, settings: Settings
) -> None:
    table = own / "labels.csv"
    text = table.read_text().replace(*change)
    table.write_text(text.replace("label,mask", "label,mask,split") if "train" in change[1] else text)
    out = own.parent / "runs"
    ran = attnmel("train", "demo", *settings(f"data.dataset={own}"), "--home", own.parent / "home", "--out", out)
    assert ran.code == 1
    assert message in ran.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.network=resnet", "'dermaknet', 'harangi' or 'own'"),
        ("data.size=50", "data.size = 50: expected a multiple of 32"),
        (
            "data.dataset=isic2099",
            "isic2018-task1, isic2019, isic2020, milk10k, ph2, phantoms, or a folder with labels.csv",
        ),
        ("name=../../elsewhere", "name = '../../elsewhere'; runs lie in a folder of that name"),
    ],
)
def test_an_unknown_value_is_answered_with_the_known_ones(
    setting: str, message: str, attnmel: "Attnmel", tmp_path: Path, settings: Settings
) -> None:
    ran = attnmel("train", "demo", *settings(setting), "--home", tmp_path, "--out", tmp_path / "runs" / "deep")
    assert ran.code == 1
    assert message in ran.err
    assert not list(tmp_path.iterdir())


def test_a_recipe_that_is_no_text_or_empty_is_told(attnmel: "Attnmel", tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "is not TOML: not UTF-8 text" in attnmel("train", path).err
    path.write_text("")
    assert "the key 'name' is missing" in attnmel("train", path).err


def test_a_home_that_cannot_be_written_is_told_with_the_way_on(
    attnmel: "Attnmel", phantoms: "Phantoms", tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ran = attnmel("fetch", "phantoms", "--mirror", phantoms.mirror, "--home", tmp_path / "file")
    assert ran.code == 1
    assert "(Not a directory); check the path and its permissions, or choose another one" in ran.err


def test_the_name_of_a_file_cannot_act_on_the_terminal(attnmel: "Attnmel", exported: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "a\x1b[2J\x9b31m\rb.jpg"
    hostile.write_bytes(b"no picture")
    found = attnmel("predict", exported, hostile)
    assert "\\x1b[2J\\x9b31m\\x0db.jpg" in found.err
    assert not set(found.err) & {"\x1b", "\x9b", "\r"}


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_table_on_a_terminal_shows_such_names_and_one_in_a_pipe_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "app", lambda **_: sys.stdout.write("a\x1b[2Jb\tc\n"))

    shown = []
    for ours, theirs in (os.openpty(), os.pipe()):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", os.fdopen(theirs, "w"))
            app.main()
            sys.stdout.flush()  # another object by now
            shown.append(os.read(ours, 1000))
            sys.stdout.close()
        os.close(ours)
    terminal, pipe = shown
    assert b"a\\x1b[2Jb" in terminal
    assert b"\x1b" not in terminal
    assert pipe == b"a\x1b[2Jb\tc\n"


def test_an_endless_path_is_named_by_its_beginning(attnmel: "Attnmel") -> None:
    found = attnmel("evaluate", "x" * 5000)
    assert found.code == 1
    assert found.err.startswith(f"error: the path {'x' * 80}... has 5,0")
