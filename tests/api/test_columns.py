"""Columns of a labels.csv are refused, in a sentence, where no such table is read."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.pipeline.study.small_study import write_folder

import attnmel
from attnmel import datasets, study
from attnmel.api.recipes import open_recipe
from attnmel.errors import ConfigError, LabelError
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.conftest import Phantoms

NAMED = {"image": "isic_id"}
REFUSED = (
    "columns are named (image), but phantoms is read by the publisher's own table; leave out --columns, or name a "
    "folder with labels.csv"
)
CALLS: dict[str, Callable[..., Any]] = {
    "read": lambda home, _, **named: datasets.read("phantoms", home=home, **named),
    "verify": lambda home, _, **named: datasets.verify("phantoms", "phantoms", home=home, **named),
    "audit": lambda home, _, **named: datasets.audit("phantoms:train", test=["phantoms:test"], home=home, **named),
    "train": lambda home, _, **named: attnmel.train("demo", home=home, **named),
    "study": lambda home, _, **named: study.new("s", "phantoms", {"melanoma": 1}, ["ana"], home=home, **named),
    "evaluate": lambda home, run, **named: attnmel.evaluate(run, home=home, **named),
    "evaluate on": lambda home, run, **named: attnmel.evaluate(run, on="phantoms", home=home, **named),
}


def renamed_folder(folder: Path) -> Path:
    """Write a folder of images whose table calls the column of the images otherwise."""
    own = write_folder(folder / "own")
    table = own / "labels.csv"
    table.write_text(table.read_text().replace("image,label", "isic_id,label"))
    return own


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_columns_of_a_known_data_set_are_refused(
    call: Callable[..., Any], phantoms: "Phantoms", trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        call(phantoms.home, trained.path, columns=NAMED)
    assert str(caught.value) == REFUSED
    assert not list(tmp_path.iterdir())


def test_columns_of_a_known_data_set_are_refused_before_a_copy_is_recalibrated(
    trained: RunFolder, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"columns are named .* isic2017 is read by the publisher's own table"):
        attnmel.recalibrate(trained.path, tmp_path / "out", on="isic2017", columns=NAMED)
    assert not list(tmp_path.iterdir())


def test_columns_that_are_changed_as_a_setting_are_refused_too() -> None:
    for settings in ({"data.columns": NAMED}, ["data.columns.image=isic_id"]):
        with pytest.raises(ConfigError, match="columns are named"):
            open_recipe("demo", settings)
    with pytest.raises(ConfigError, match="isic2018-task1 is scored by masks, which have no columns; leave out --col"):
        attnmel.score("isic2018-task1", "masks", columns=NAMED)


def test_columns_are_of_the_folder_where_one_of_several_names_is_a_folder(
    phantoms: "Phantoms", trained: RunFolder, tmp_path: Path
) -> None:
    folder = renamed_folder(tmp_path)
    assert len(datasets.read(folder, columns=NAMED).lesions) == 12
    known, own = datasets.verify("phantoms", folder, columns=NAMED, home=phantoms.home)
    assert known.counts["images"] > 12
    assert own.counts["images"] == 12
    # The run's own data are read as in training; the same columns again do no harm.
    recipe = open_recipe("demo", {"data.dataset": str(folder), "data.columns": NAMED}).recipe
    assert recipe.data.columns == NAMED
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    text = run.recipe.read_text().replace('dataset = "phantoms"', f'dataset = "{folder.as_posix()}"')
    run.recipe.write_text(text)
    with pytest.raises(ConfigError, match=r"columns are named \(image\), but the run's own data is evaluated, whose"):
        attnmel.evaluate(run.path, columns=NAMED, home=phantoms.home)
    run.recipe.write_text(text.replace("[data.columns]", '[data.columns]\nimage = "isic_id"'))
    with pytest.raises(LabelError, match="are not those that"):
        attnmel.evaluate(run.path, columns=NAMED, home=phantoms.home)


def test_columns_of_an_evaluation_are_those_of_the_next_one(
    phantoms: "Phantoms", trained: RunFolder, tmp_path: Path
) -> None:
    folder = renamed_folder(tmp_path)
    run = shutil.copytree(trained.path, tmp_path / "run")
    (tmp_path / "link").symlink_to(tmp_path)
    linked = tmp_path / "link" / folder.relative_to(tmp_path)
    for on, columns in ((folder, NAMED), (folder, None), (linked, None), (linked, None)):
        found = attnmel.evaluate(run, on=on, columns=columns, home=phantoms.home)
        assert found.runs[0].results.columns == NAMED
