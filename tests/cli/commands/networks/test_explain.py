"""`attnmel explain` as a user meets it: the files that it promises, and sentences for mistakes."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attnmel.files.folders import RunFolder
from attnmel.records import Predictions
from attnmel.saliency.methods.registry import METHODS

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

METHOD = ("--method", "attention-pool3", "--method", "attention-pool4", "--method", "gaussian")


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


@pytest.fixture(scope="module")
def plain(mel_cnn: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A network without attention."""
    return RunFolder(Path(shutil.copytree(mel_cnn.path, tmp_path_factory.mktemp("plain") / "run")))


def test_a_split_ends_in_tables_maps_a_grid_and_pages(attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms") -> None:
    asked = ("--measure", "overlap", "--measure", "agreement", "--measure", "cuts", "--channels", "pool4")
    ran = attnmel("explain", run.path, "--split", "test", *METHOD, *asked, "--home", phantoms.home)
    assert ran.code == 0, ran.err
    folder, ids = run.split_maps("test"), Predictions.read(run.predictions("test")).image_ids
    assert {path.name for path in folder.path.iterdir()} == {
        *("NOTICE.txt", "attention-pool3.npz", "attention-pool4.npz", "gaussian.npz"),
        *("measures.csv", "summary.json", "summary.md", "grid.png", "gallery.html"),
        *("channels-pool4.csv", "channels-pool4.html"),
    }
    for path in (folder.text, folder.grid, folder.gallery, folder.channels("pool4")):
        assert str(path) in ran.out
    assert "| gaussian |" in ran.out
    assert "Agreement: rank correlation of every two maps of an image." in ran.out
    assert "cut at other shares of its range" in ran.out
    with np.load(folder.maps("attention-pool4")) as arrays:
        assert arrays["image"].tolist() == list(ids)
        assert arrays["levels"].shape == (len(ids), 32, 32)
    table = folder.table.read_text()
    assert all(f"\n{image_id}," in table for image_id in ids)
    assert "attention-pool3|agreement|gaussian" in table
    with Image.open(folder.grid) as grid:
        assert grid.format == "PNG"


def test_the_channels_page_shows_the_images_and_asks_nobody(
    attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms"
) -> None:
    layer = ("--channels", "pool5", "--method", "gaussian")
    assert attnmel("explain", run.path, "--split", "test", *layer, "--home", phantoms.home).code == 0
    folder = run.split_maps("test")
    page, table = folder.channels("pool5").read_text(), folder.channel_table("pool5").read_text()
    assert "://" not in page
    assert "<script" not in page
    assert "Go most with melanoma" in page
    assert "Lie best on the lesion" in page
    rows = [line.split(",") for line in table.splitlines()]
    assert rows[0] == ["channel", "correlation with melanoma", "overlap with lesion"]
    first = max(rows[1:], key=lambda row: float(row[1]))
    assert f"<b>Channel {first[0]}</b>" in page.split("Go most against")[0]
    assert len(rows) - 1 == int(page.split(" of the network describes an image by ")[1].split()[0])


def test_files_end_in_overlays_and_raw_maps(
    attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    ran = attnmel("explain", run.path, image, "--method", "gradcam:trunk", "--out", tmp_path)
    assert (ran.code, "unknown layer 'trunk'; known: " in ran.err) == (1, True)
    ran = attnmel("explain", run.path, image, "--method", "attention-pool3", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    written = [tmp_path / "out" / f"{image.stem}{end}" for end in ("-attention-pool3.png", ".npz")]
    assert ran.out.splitlines() == [str(path) for path in written]
    with Image.open(written[0]) as overlay, Image.open(image) as original:
        assert overlay.width == original.width
        assert overlay.height > original.height, "the strip below"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--method", "saliency"), f"unknown method 'saliency'; known: {', '.join(sorted(METHODS))[:60]}"),
        (("--method", "gradcam:pool9"), "unknown layer 'pool9' (did you mean 'pool5'?); known: "),
        (
            ("--measure", "beauty"),
            "unknown measure 'beauty'; known: agreement, authors-cam, cuts, faithfulness, overlap, ",
        ),
        (("--channels", "pool9", "--method", "gaussian"), "unknown layer 'pool9' (did you mean 'pool5'?); known: "),
        (
            ("--measure", "authors-cam"),
            "is of the map 'cam' of a vgg16-gap; here are maps of attnmel-cnn: attention-pool3",
        ),
        (("--limit", "0"), "measures on 0 images; expected --limit of at least 1"),
    ],
)
def test_what_is_not_known_is_answered_with_what_is_and_nothing_is_written(
    arguments: tuple[str, ...], told: str, attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms"
) -> None:
    ran = attnmel("explain", run.path, "--split", "test", *arguments, "--home", phantoms.home)
    assert ran.code == 1
    assert told in ran.err
    assert not run.maps.exists()


def test_a_map_that_the_network_does_not_have_is_told_with_one_that_it_has(
    attnmel: "Attnmel", plain: RunFolder, phantoms: "Phantoms"
) -> None:
    ran = attnmel("explain", plain.path, "--split", "test", "--method", "attention-pool3", "--home", phantoms.home)
    assert ran.code == 1
    assert "MelNetwork returns no attention maps; expected 2 (pool3, pool4), as an attnmel-cnn does" in ran.err
    assert "use gradcam-pool5, or gradcam:LAYER" in ran.err


@pytest.mark.slow
def test_several_runs_are_shown_side_by_side_with_the_maps_that_each_has(
    attnmel: "Attnmel", run: RunFolder, plain: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    other = shutil.copytree(plain.path, tmp_path / "other")
    asked = ("--split", "test", "--method", "attention-pool4", "--method", "gradcam-pool4")
    ran = attnmel("explain", run.path, other, *asked, "--out", tmp_path / "both", "--home", phantoms.home)
    assert ran.code == 0, ran.err
    assert "has no attention-pool4; its other maps are made" in ran.err
    written = {path.name for path in (tmp_path / "both").iterdir()}
    assert written == {"summary.json", "summary.md", "grid.png", "gallery.html"}
    assert not RunFolder(other).split_maps("test").maps("attention-pool4").exists()


def test_runs_that_do_not_see_the_same_square_are_refused(
    attnmel: "Attnmel", run: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    narrow = RunFolder(Path(shutil.copytree(run.path, tmp_path / "narrow")))
    narrow.recipe.write_text(narrow.recipe.read_text().replace("crop = 0.8", "crop = 0.5"))
    ran = attnmel("explain", run.path, narrow.path, "--split", "test", "--home", phantoms.home)
    assert ran.code == 1
    assert f"{narrow.path} sees another square of each image than {run.path}" in ran.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no images to explain: name image files, or a split of the run's data, as in --split test"),
        (
            ("--measure", "overlap"),
            "--measure and --channels need a whole split: name one of the run's data, as in --split",
        ),
        (("--channels", "pool4"), "--measure and --channels need a whole split"),
    ],
)
def test_without_images_or_a_split_there_is_nothing_to_explain(
    arguments: tuple[str, ...], told: str, attnmel: "Attnmel", trained: RunFolder
) -> None:
    ran = attnmel("explain", trained.path, *arguments)
    assert (ran.code, told in ran.err) == (1, True)
