"""A report shows the maps that were made, of several runs on the same images, and asks no network for them."""

import html
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import MapsFolder, RunFolder
from attnmel.pipeline.explain.runs import explain_each, explain_runs
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.run import Run

if TYPE_CHECKING:
    from tests.conftest import Phantoms

METHODS = ("attention-pool3", "cam", "gaussian")


@pytest.fixture(scope="module")
def explained(
    trained: RunFolder, phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunFolder, RunFolder]:
    """Two copies of a run, told apart by their seeds, each with its maps; the first was explained by itself."""
    place = tmp_path_factory.mktemp("explained")
    first, second = (RunFolder(Path(shutil.copytree(trained.path, place / name))) for name in ("first", "second"))
    second.recipe.write_text(second.recipe.read_text().replace("\nseed = 0", "\nseed = 1"))
    explain_runs([Run(first, phantoms.home)], split="test", methods=METHODS)
    explain_each([Run(second, phantoms.home)], split="test", methods=METHODS[:2])
    return first, second


@pytest.fixture(scope="module")
def several(
    explained: tuple[RunFolder, RunFolder],
    trained: RunFolder,
    phantoms: "Phantoms",
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The page of both runs and of a third one that has no maps."""
    place = tmp_path_factory.mktemp("several")
    third = RunFolder(Path(shutil.copytree(trained.path, place / "third")))
    third.recipe.write_text(third.recipe.read_text().replace("\nseed = 0", "\nseed = 2"))
    runs = [Run(one, phantoms.home) for one in (*explained, third)]
    return report_runs(runs, out=place / "r & s.html")


def section(page: str, title: str) -> str:
    """Return one section of a page."""
    return page.split(f"{title}</h2>")[1].split("</section>")[0]


def test_a_run_shows_its_grid_and_the_way_to_its_gallery(
    explained: tuple[RunFolder, RunFolder], phantoms: "Phantoms"
) -> None:
    run, _ = explained
    page = report_runs([Run(run, phantoms.home)])
    maps = section(page.read_text(), "Evaluation of the saliency maps")
    assert maps.count("data:image/webp;base64,") == 1
    (address,) = re.findall(r'<a href="([^"]*)"', maps)
    assert (page.parent / address).resolve() == run.split_maps("test").gallery.resolve()


def test_without_the_images_a_run_has_its_tables_and_gallery_and_several_say_why_nothing_is_shown(
    explained: tuple[RunFolder, RunFolder], tmp_path: Path
) -> None:
    runs = [Run(one, tmp_path / "home") for one in explained]
    alone = section(report_runs(runs[:1], out=tmp_path / "one.html").read_text(), "Evaluation of the saliency maps")
    assert (alone.count("data:image/webp"), alone.count("<a href")) == (0, 1)
    assert "cam</th>" in alone
    beside = section(report_runs(runs, out=tmp_path / "two.html").read_text(), "Maps side by side")
    assert "Not shown: phantoms is not in " in beside
    assert not (tmp_path / "two-maps.html").exists()


def test_a_run_that_has_no_gallery_of_its_own_is_linked_to_none(
    explained: tuple[RunFolder, RunFolder], phantoms: "Phantoms", tmp_path: Path
) -> None:
    _, run = explained
    maps = section(
        report_runs([Run(run, phantoms.home)], out=tmp_path / "r.html").read_text(), "Evaluation of the saliency maps"
    )
    assert maps.count("data:image/webp;base64,") == 1
    assert "<a href" not in maps


def test_maps_of_several_runs_stand_side_by_side_on_the_same_images(
    explained: tuple[RunFolder, RunFolder], several: Path
) -> None:
    maps = section(several.read_text(), "Maps side by side")
    assert maps.count("data:image/webp;base64,") == 1
    for number, run in enumerate(explained):
        jaccard = MapTable.read(run.split_maps("test").table).column(MapColumn("cam", "jaccard", "lesion"))
        row = maps.split(f"demo, seed {number}: cam</th>")[1].split("</tr>")[0]
        assert f"{np.nanmean(jaccard):.3f}" in row
    # The same network twice: nothing differs, and what only one of them has is compared with nothing.
    assert "demo, seed 1: cam less demo, seed 0: cam" in maps
    assert "less demo, seed 0: gaussian" not in maps
    assert set(re.findall(r"<td[^>]*>(yes|no)</td>", maps)) == {"no"}


def test_the_gallery_of_several_runs_lies_beside_their_page(
    explained: tuple[RunFolder, RunFolder], several: Path
) -> None:
    (address,) = re.findall(r'<p><a href="([^"]*)"', section(several.read_text(), "Maps side by side"))
    assert address == "r%20%26%20s-maps.html"
    gallery = several.with_name("r & s-maps.html").read_text()
    predictions = MapTable.read(explained[0].split_maps("test").table).image_ids
    assert all(f"<b>{image_id}</b>" in gallery for image_id in predictions)
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", gallery)


def test_a_run_without_maps_is_named_with_what_makes_them(several: Path) -> None:
    told = "Without maps of the epoch evaluated: demo, seed 2; `attnmel explain RUN --split` makes them."
    assert told in html.unescape(section(several.read_text(), "Maps side by side"))


def test_maps_of_one_run_alone_are_not_side_by_side(
    explained: tuple[RunFolder, RunFolder], trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    page = report_runs(
        [Run(explained[1], phantoms.home), Run(trained, phantoms.home)], out=tmp_path / "r.html"
    ).read_text()
    assert "Maps side by side" not in page
    assert not (tmp_path / "r-maps.html").exists()


def test_runs_of_other_images_are_told_apart_in_words(
    explained: tuple[RunFolder, RunFolder], phantoms: "Phantoms", tmp_path: Path
) -> None:
    fewer = RunFolder(Path(shutil.copytree(explained[1].path, tmp_path / "fewer")))
    for table in (fewer.split_maps("test").table, fewer.predictions("test")):
        table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    page = report_runs(
        [Run(explained[0], phantoms.home), Run(fewer, phantoms.home)], out=tmp_path / "r.html"
    ).read_text()
    maps = section(page, "Maps side by side")
    assert "Not shown: demo, seed 1 and demo, seed 0 are of other images" in maps
    assert "data:image/webp" not in maps


@pytest.mark.parametrize("damage", ["lost", "other images"])
def test_maps_that_cannot_be_read_are_told_with_what_to_do(
    explained: tuple[RunFolder, RunFolder], phantoms: "Phantoms", tmp_path: Path, damage: str
) -> None:
    run = RunFolder(Path(shutil.copytree(explained[0].path, tmp_path / "run")))
    folder: MapsFolder = run.split_maps("test")
    if damage == "lost":
        folder.maps("cam").unlink()
        told = "cam.npz is missing or damaged; run `attnmel explain RUN --split` again"
    else:
        lines = folder.table.read_text().splitlines(keepends=True)
        folder.table.write_text("".join(lines[:-1]))
        told = r"measures.csv is of other images than .*test.csv; run `attnmel explain RUN --split` again"
    with pytest.raises(PredictionsError, match=told):
        report_runs([Run(run, phantoms.home)], out=tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()
