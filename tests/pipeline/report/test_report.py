"""The page of a run holds its figures, needs no network, and several runs stand side by side."""

import html
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import EMPTY

from attnmel import NOTICE
from attnmel.config.load import load_recipe
from attnmel.errors import PredictionsError
from attnmel.evaluation.thesis.published import PUBLISHED
from attnmel.files.folders import RunFolder
from attnmel.pipeline.report.report import _published, report_runs
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.run import Run
from attnmel.progress import as_progress

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def page(trained: RunFolder, phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of one run."""
    return report_runs([Run(trained, phantoms.home)], out=tmp_path_factory.mktemp("page") / "r.html").read_text()


def test_the_page_shows_what_the_run_wrote_and_asks_nobody(trained: RunFolder, page: str) -> None:
    row = read_measures(trained)["test"].judgement.row("melanoma", "auc")
    assert f"{row.value:.3f}" in page
    assert f"{row.low:.3f}" in page
    assert NOTICE in page
    assert "synthetic, Apache-2.0" in page
    assert page.count("data:image/webp;base64,") >= 12
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)


def test_without_the_images_the_page_has_all_but_the_examples_and_says_why(
    trained: RunFolder, page: str, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    said = list[str]()
    bare = report_runs(
        [Run(run, tmp_path / "home", progress=as_progress(lambda told, *_: said.append(told)))]
    ).read_text()
    (note,) = [one for one in said if "examples" in one]
    assert note.startswith("the report shows no examples of images: phantoms is not in ")
    assert note.endswith("; run `attnmel demo`, which draws it")
    assert html.unescape(bare).count(f"Not shown: {note.partition(': ')[2]}.") == 1
    assert "data:image/webp;base64," not in bare
    headings = [re.findall(r"<h[23] id=.*?</h[23]>", one) for one in (page, bare)]
    assert headings[0] == headings[1]


def test_what_a_run_changed_of_its_recipe_stands_in_the_open(page: str) -> None:
    before_the_measures = page.split(">Measures<")[0]
    assert "Settings differ from the recipe." in before_the_measures
    assert "data.size 32 instead of 64" in before_the_measures


def test_runs_stand_side_by_side(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attnmel.figures.svg.Figure.savefig", lambda figure, file, **named: file.write(EMPTY))
    other = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "other")))
    text = other.recipe.read_text()
    other.recipe.write_text(text.replace("\nseed = 0", "\nseed = 1"))
    page = report_runs([Run(trained, phantoms.home), Run(other, phantoms.home)], out=tmp_path / "r.html").read_text()
    assert "demo, seed 0" in page
    assert "demo, seed 1" in page


def test_a_split_that_was_not_judged_is_told_with_those_that_were(trained: RunFolder, phantoms: "Phantoms") -> None:
    with pytest.raises(PredictionsError) as refused:
        report_runs([Run(trained, phantoms.home)], split="train")
    report = f"`attnmel report {trained.path} --split"
    assert str(refused.value) == (
        f"{trained.path} was not evaluated on 'train' (evaluated: validation, test); report on what it was evaluated "
        f"on by {report} validation` or {report} test`, or run `attnmel evaluate {trained.path}` first"
    )


def test_a_published_row_stands_beside_its_own_network_alone() -> None:
    lesion = "isic2017/attnmel-lesion"
    assert _published(load_recipe(lesion)) is PUBLISHED["isic2017/AttnMel-CNN-Lesion"]
    for other in ("loss.prior=background", "data.dataset=phantoms", "loss.masks=predicted", "loss.spoil=swapped"):
        assert _published(load_recipe(lesion, [other])) is None
    assert _published(load_recipe(lesion, ["loss.prior=none", "model.network=mel-cnn"])) is None
    assert _published(load_recipe("demo")) is None
    starred = ["published=isic2018/AttnMel-CNN-Lesion*", "data.dataset=isic2018"]
    assert _published(load_recipe(lesion, starred)) is None
    row = _published(load_recipe(lesion, [*starred, "loss.masks=predicted"]))
    assert row is PUBLISHED["isic2018/AttnMel-CNN-Lesion*"]


def test_maps_are_called_as_in_the_tables(page: str) -> None:
    assert "Attention of pool-3 over" in page
    assert "Attention of pool3 over" not in page
