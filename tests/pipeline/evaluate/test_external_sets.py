"""Known data sets and downloads of the archive as external tests: evaluated whole, and refused where they leak."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.strangers.datasets.make_sets import TREE, archive_row, write_archive, write_ph2

from attnmel.errors import ConfigError, LabelError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.run.images.left_out import unclassed_notes
from attnmel.pipeline.run.run import Run

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> Run:
    """The phantoms' run of rest and melanoma, in a home without any data."""
    return Run(RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run"))), tmp_path / "home")


def test_all_of_ph2_is_an_external_test(run: Run, tmp_path: Path) -> None:
    diagnoses = write_ph2(tmp_path / "home" / "data" / "ph2", 15)
    results = evaluate_run(run, on="ph2", resamples=20)
    assert (results.name, results.masks) == ("ph2-all", 15)
    predictions = run.predictions("ph2-all")
    truth = dict(zip(predictions.image_ids, predictions.is_class("melanoma").tolist(), strict=True))
    assert truth == {name: diagnosis == "melanoma" for name, diagnosis in diagnoses.items()}


def test_of_a_run_that_does_not_list_its_images_none_can_be_left_out(run: Run, tmp_path: Path) -> None:
    write_ph2(tmp_path / "home" / "data" / "ph2", 15)
    run.folder.images.unlink()
    run = Run(run.folder, run.home)
    with pytest.raises(
        ConfigError, match=r"does not list what it learnt from \(no images.csv\), so that it is not known"
    ):
        evaluate_run(run, on="ph2", exclude_known=True, resamples=20)


def test_a_smaller_copy_of_a_training_image_is_refused_by_its_id(
    run: Run, phantoms: "Phantoms", tmp_path: Path
) -> None:
    trained_on = next(one.image_id for one in run.learnt_images if one.split == "train")
    levels = ["MEL", "NV", "MEL", "NV"]
    ids = [f"{trained_on}_downsampled", "ISIC_1", "ISIC_2", "ISIC_3_downsampled"]
    rows = [
        archive_row(number, TREE[name], isic_id=image_id, lesion_id="", patient_id="")
        for number, (name, image_id) in enumerate(zip(levels, ids, strict=True))
    ]
    folder = tmp_path / "archive"
    write_archive(folder, rows)
    with pytest.raises(
        LabelError,
        match=rf"1 image of {folder} trained this run or chose its epoch or thresholds \(1 by id\): {ids[0]}",
    ):
        evaluate_run(run, on=str(folder), resamples=20)
    allowed = evaluate_run(run, on=str(folder), allow_leakage=True, resamples=20)
    assert "1 of the images are known from training; see leakage.csv, which --exclude takes" in allowed.judgement.notes
    exclusions = tmp_path / "exclusions.csv"
    exclusions.write_text(f"dataset,image\narchive,{ids[0]}\n")
    rest = evaluate_run(run, on=str(folder), exclude=exclusions, resamples=20)
    assert run.predictions(rest.name).image_ids == ("ISIC_1", "ISIC_2", "ISIC_3_downsampled")


def write_nevi(folder: Path, first: int) -> Path:
    write_archive(folder, [archive_row(first + n, TREE["NV"], isic_id=f"ISIC_{first + n}") for n in range(4)])
    return folder


def test_results_on_another_folder_of_the_same_name_are_not_replaced(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = (write_nevi(tmp_path / name / "archive", first) for name, first in (("north", 10), ("south", 20)))
    before = evaluate_run(run, on=str(north), resamples=20)
    with pytest.raises(ConfigError, match=f"'archive-all' \\({north}\\), whose results those on {south} would replace"):
        evaluate_run(run, on=str(south), resamples=20)
    (tmp_path / "link").symlink_to(north.parent)
    monkeypatch.chdir(north)
    for same in (".", "../archive", "../../north/archive", str(tmp_path / "link" / "archive")):
        assert evaluate_run(run, on=same, resamples=20).name == before.name
    moved = north.parent.rename(tmp_path / "moved") / "archive"
    assert evaluate_run(run, on=str(moved), resamples=20).on == str(moved)
    shutil.rmtree(moved)
    with pytest.raises(ConfigError, match="rename one of the two folders, or evaluate a copy of the run by --out"):
        evaluate_run(run, on=str(south), resamples=20)


def test_of_the_runs_own_split_images_without_a_class_are_noted(run: Run, phantoms: "Phantoms") -> None:
    prepared = Run(run.folder, phantoms.home).dataset
    first = next(lesion.image_id for lesion in prepared.lesions if lesion.split == "test")
    without = dataclasses.replace(prepared, unclassed=frozenset({first}))
    assert unclassed_notes(without, "validation") == ()
    assert unclassed_notes(without, "test") == (
        "1 of 12 images are left out, since their diagnosis is none of the classes",
    )
    assert len(without.rows("test")) == 11
