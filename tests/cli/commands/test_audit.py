"""`attnmel audit` in this process: copies in a folder of phantoms, exit codes, lists; what train and evaluate do."""

import csv
import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attnmel.config.load import load_recipe
from attnmel.data.phantoms import draw_phantom
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.known_list import read_leaks
from attnmel.pipeline.run.results.results import read_measures

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel

COUNTS = {"train": 12, "validation": 6, "test": 8}


@functools.cache
def phantom(number: int) -> np.ndarray:
    return draw_phantom(7, number, height=120, width=160).image


def write_clinic(folder: Path, *, start: int = 0, copies: bool = True) -> Path:
    """Write phantoms; the first test image is the second training image mirrored, under another id."""
    folder.mkdir()
    rows = [["image", "label", "split"]]
    number = start
    for split, count in COUNTS.items():
        for place in range(count):
            label = "melanoma" if place % 2 else "rest"
            pixels = phantom(number)
            if copies and split == "test" and place == 1:
                pixels = np.fliplr(phantom(start + 1))
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"p{number:03d}.jpg", quality=90)
            rows.append([f"p{number:03d}.jpg", label, split])
            number += 1
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return write_clinic(tmp_path / "clinic")


def test_a_mirrored_copy_across_the_split_is_told_and_leaks(attnmel: "Attnmel", clinic: Path, tmp_path: Path) -> None:
    page, listed = tmp_path / "page.html", tmp_path / "list.csv"
    sides = ("--train", f"{clinic}:train", "--test", f"{clinic}:test")
    ran = attnmel("audit", *sides, "--out", page, "--exclusions", listed, "--home", tmp_path / "home")
    assert ran.code == 1
    assert "leakage from clinic:train to clinic:test: 1 test images are known from training (1 same picture)" in (
        ran.out
    )
    assert listed.read_text().splitlines()[1:] == ["clinic,p001,same picture,clinic:test/p019"]
    # What it does not find is the last that is said, on the terminal and among the notes of the page.
    assert ran.out.splitlines()[-1].startswith("Often missed: copies turned by more than 10 degrees")
    text = page.read_text()
    assert "Often missed: copies turned by more than 10 degrees" in text
    assert text.count("data:image/webp;base64,") == 2
    assert all(word in text for word in ("p001", "p019", "clinic:test", "One picture under two ids"))
    assert "http" not in text.replace("http-equiv", "")


def test_an_audit_without_sides_ends_well_and_is_stored(attnmel: "Attnmel", clinic: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = attnmel("audit", clinic, "--json", "--home", home)
    assert ran.code == 0
    told = json.loads(ran.out)
    assert told["images"] == {f"clinic:{split}": count for split, count in COUNTS.items()}
    (found,) = told["findings"]
    assert (found["kind"], found["first"]["image"], found["second"]["image"]) == ("same picture", "p001", "p019")
    stored = Path(told["stored"])
    before = stored.stat().st_mtime_ns
    assert json.loads(stored.read_text())["findings"]
    assert attnmel("audit", clinic, "--json", "--home", home).out == ran.out
    assert stored.stat().st_mtime_ns == before


def test_an_embedding_only_adds_hints(attnmel: "Attnmel", clinic: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    sides = ("--train", f"{clinic}:train", "--test", f"{clinic}:validation")
    ran = attnmel("audit", clinic, "--embedding", "random", "--json", "--home", home)
    told = json.loads(ran.out)
    assert (ran.code, told["embedding"]) == (0, "random")
    assert [one["kind"] for one in told["findings"] if one["kind"] != "alike"] == ["same picture"]
    assert attnmel("audit", *sides, "--embedding", "random", "--home", home).code == 0


def test_no_leakage_is_exit_code_0(attnmel: "Attnmel", clinic: Path, tmp_path: Path) -> None:
    ran = attnmel("audit", "--train", f"{clinic}:train", "--test", f"{clinic}:validation", "--home", tmp_path / "home")
    assert ran.code == 0
    assert "no leakage from the training to the test images" in ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing to audit; name data sets"),
        (("--train", "isic2017:train"), "name both --train and --test"),
        (("isic2017:holdout",), "unknown split 'holdout'; known: internal, test, train, validation"),
        (("isic1999",), "unknown data set 'isic1999'"),
    ],
)
def test_a_slip_is_one_sentence(attnmel: "Attnmel", arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    ran = attnmel("audit", *arguments, "--home", tmp_path)
    assert ran.code == 1
    assert told in ran.err
    assert ran.err.startswith("error: ")


def test_a_split_named_twice_is_refused(attnmel: "Attnmel", clinic: Path, tmp_path: Path) -> None:
    ran = attnmel("audit", "--train", clinic, "--test", f"{clinic}:test", "--home", tmp_path / "home")
    assert ran.code == 1
    assert "name each split once" in ran.err


def test_two_folders_of_one_name_are_refused(attnmel: "Attnmel", clinic: Path, tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    other = write_clinic(tmp_path / "north" / "clinic", start=100)
    ran = attnmel("audit", clinic, other, "--home", tmp_path / "home")
    assert ran.code == 1
    assert f"'{clinic}' and '{other}' are both called clinic; rename one of the folders" in ran.err
    same = attnmel("audit", f"{clinic}:train", f"{clinic.parent}/./clinic:test", "--home", tmp_path / "home")
    assert same.code == 0, same.err


def test_a_folder_without_splits_is_split_as_the_training_of_its_recipe_does(
    attnmel: "Attnmel", tmp_path: Path
) -> None:
    clinic, home = tmp_path / "clinic", tmp_path / "home"
    clinic.mkdir()
    labels = ("Melanoma", "mel", "nevus", "BKL", "nevus", "BCC", "nevus", "Melanoma")
    rows = [f"p{number:02d}.jpg,{label}" for number, label in enumerate(labels * 4)]
    (clinic / "labels.csv").write_text("\n".join(["image,label", *rows]))
    for number in range(len(rows)):
        Image.fromarray(phantom(number)).save(clinic / f"p{number:02d}.jpg")
    recipe = load_recipe("demo", [f"data.dataset={clinic}"])
    trained = {one.image_id: one.split for one in prepare(recipe.data, home=home).lesions}

    def audited(*options: str) -> tuple[dict[str, str | None], str]:
        ran = attnmel("audit", clinic, *options, "--home", home)
        assert ran.code == 0, ran.err
        (stored,) = (json.loads(path.read_text()) for path in (home / "audit").glob("*/*.json"))
        shutil.rmtree(home / "audit")
        return {one["image_id"]: one["split"] for one in stored["entries"]}, ran.err

    assert audited("--recipe", "demo")[0] == trained
    as_written, note = audited()
    assert as_written != trained
    assert "clinic has no column split, so its images were split by their labels as they are written" in note
    assert "by --recipe" in note
    assert "--recipe" not in audited("--recipe", "demo")[1]


def test_near_duplicates_of_a_run_are_listed_footnoted_and_left_out(
    attnmel: "Attnmel", clinic: Path, tmp_path: Path, settings: Callable[..., list[str]]
) -> None:
    home, runs, listed = tmp_path / "home", tmp_path / "runs", tmp_path / "list.csv"
    options = ("--home", home)
    data = settings(f"data.dataset={clinic}", "loss.prior=none")
    trained = attnmel("train", "demo", *data, "--out", runs, *options)
    assert trained.code == 0, trained.err
    run = RunFolder(runs / "clinic" / "demo" / "seed-0")
    assert trained.err.count(f"no stored audit; run `attnmel audit {clinic} --recipe {run.path}`") == 1
    assert not run.leakage.exists()

    attnmel("audit", clinic, "--exclusions", listed, "--leave-out", "test", *options)
    again = attnmel("evaluate", run.path, *options)
    assert "1 of the images are known from training; see leakage.csv, which --exclude takes" in again.out
    (leak,) = read_leaks(run)
    assert (leak.judged, leak.image, leak.kind, leak.known_image, leak.known_split) == (
        "test",
        "p019",
        "same picture",
        "p001",
        "train",
    )
    attnmel("evaluate", run.path, "--exclude", listed, *options)
    judged = read_measures(run)
    assert (judged["test"].judgement.images, judged["test-without-list"].judgement.images) == (8, 7)
    assert "1 of 8 images are left out by list.csv" in judged["test-without-list"].judgement.notes

    assert attnmel("report", run.path, *options).code == 0
    text = run.report.read_text()
    assert "Images known from training" in text
    assert "without, 7" in text
    assert "p019: p001 (train)" in text


def test_training_leaves_out_what_a_list_names(
    attnmel: "Attnmel", clinic: Path, tmp_path: Path, settings: Callable[..., list[str]]
) -> None:
    home, runs, listed = tmp_path / "home", tmp_path / "runs", tmp_path / "list.csv"
    attnmel("audit", clinic, "--exclusions", listed, "--home", home)
    data = settings(f"data.dataset={clinic}", "loss.prior=none")
    trained = attnmel("train", "demo", *data, "--exclude", listed, "--out", runs, "--home", home)
    assert trained.code == 0, trained.err
    assert "1 of 26 images of clinic are left out by data.exclude" in trained.err
    run = RunFolder(runs / "clinic" / "demo" / "seed-0")
    assert "p001" not in run.images.read_text()
    assert "p000" in run.images.read_text()
    assert 'exclude = [\n    "p001",\n]' in run.recipe.read_text()
    assert not run.leakage.exists()

    listed.write_text("dataset,image\nclinic,p999\n")
    refused = attnmel("train", "demo", *data, "--exclude", listed, "--out", tmp_path / "others", "--home", home)
    assert refused.code == 1
    assert "data.exclude names images that clinic does not hold: p999" in refused.err


def test_another_set_that_shares_images_is_refused_unless_told_to_go_on(
    attnmel: "Attnmel", clinic: Path, tmp_path: Path, settings: Callable[..., list[str]]
) -> None:
    home, runs = tmp_path / "home", tmp_path / "runs"
    data = settings(f"data.dataset={clinic}", "loss.prior=none")
    attnmel("train", "demo", *data, "--out", runs, "--home", home)
    run = RunFolder(runs / "clinic" / "demo" / "seed-0")
    other = write_clinic(tmp_path / "other", start=100, copies=False)
    shutil.copy(clinic / "p003.jpg", other / "p100.jpg")  # a training image under another id
    refused = attnmel("evaluate", run.path, "--on", other, "--home", home)
    assert refused.code == 1
    assert f"1 image of {other} trained this run or chose its epoch or thresholds (1 by bytes): p100" in refused.err
    assert "Leave them out by --exclude-known (" in refused.err
    assert "or go on with --allow-leakage" in refused.err
    without = attnmel("evaluate", run.path, "--on", other, "--exclude-known", "--home", home)
    assert without.code == 0, without.err
    assert "note: 1 of 26 images are left out, as they are known from training (1 by bytes)" in without.out
    assert "p100" not in run.predictions("other-all-without-known").read_text()
    assert read_leaks(run) == ()
    again = attnmel("evaluate", run.path, "--split", "train", "--exclude-known", "--home", home)
    assert again.err.endswith(
        "error: images of the split 'train' trained this run, so that --exclude-known has no meaning; evaluate the "
        "split 'test', or another data set by --on\n"
    )
    allowed = attnmel("evaluate", run.path, "--on", other, "--allow-leakage", "--home", home)
    assert allowed.code == 0, allowed.err
    assert [(one.judged, one.image, one.kind) for one in read_leaks(run)] == [("other-all", "p100", "same bytes")]


def test_what_a_refusal_advises_leads_to_a_judgement(
    attnmel: "Attnmel", clinic: Path, tmp_path: Path, settings: Callable[..., list[str]]
) -> None:
    home, runs, listed = tmp_path / "home", tmp_path / "runs", tmp_path / "list.csv"
    data = settings(f"data.dataset={clinic}", "loss.prior=none")
    attnmel("train", "demo", *data, "--out", runs, "--home", home)
    run = RunFolder(runs / "clinic" / "demo" / "seed-0")
    other = write_clinic(tmp_path / "other", start=100, copies=False)
    shutil.copy(clinic / "p003.jpg", other / "p100.jpg")  # of both splits "train"
    refused = attnmel("evaluate", run.path, "--on", other, "--home", home).err
    advised = refused.partition("written by `attnmel ")[2].partition("`")[0].replace("FILE", str(listed))
    assert attnmel(*advised.split(), "--home", home).code == 1
    assert [line.split(",")[:2] for line in listed.read_text().splitlines()[1:]] == [["other", "p100"]]
    judged = attnmel("evaluate", run.path, "--on", other, "--exclude", listed, "--home", home)
    assert judged.code == 0, judged.err
    assert read_measures(run)["other-all-without-list"].judgement.images == 25

    listed.write_text("dataset,image\nother,p100\nother,p999\n")
    slip = attnmel("evaluate", run.path, "--on", other, "--exclude", listed, "--home", home)
    assert (slip.code, slip.err.count(f"{listed} names images that other does not hold: p999")) == (1, 1)


def test_a_test_split_that_the_recipe_shortens_says_so(
    attnmel: "Attnmel", clinic: Path, tmp_path: Path, settings: Callable[..., list[str]]
) -> None:
    data = settings(f"data.dataset={clinic}", "loss.prior=none", 'data.exclude=["p000", "p018"]')
    trained = attnmel("train", "demo", *data, "--out", tmp_path / "runs", "--home", tmp_path / "home")
    assert trained.code == 0, trained.err
    judged = read_measures(RunFolder(tmp_path / "runs" / "clinic" / "demo" / "seed-0"))
    told = "1 of 8 images are left out by the recipe's data.exclude"
    assert told in judged["test"].judgement.notes
    assert not any("data.exclude" in note for note in judged["validation"].judgement.notes)


def test_a_lesion_on_two_sides_of_a_folder_is_refused_unless_told_to_go_on(
    attnmel: "Attnmel", tmp_path: Path, settings: Callable[..., list[str]]
) -> None:
    clinic, home = write_clinic(tmp_path / "clinic", copies=False), tmp_path / "home"
    rows = [line.split(",") for line in (clinic / "labels.csv").read_text().splitlines()]
    groups = ["group", *("lesion" if row[0] in ("p000.jpg", "p020.jpg") else "" for row in rows[1:])]
    with (clinic / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([*row, group] for row, group in zip(rows, groups, strict=True))
    data = settings(f"data.dataset={clinic}", "loss.prior=none")
    refused = attnmel("train", "demo", *data, "--out", tmp_path / "runs", "--home", home)
    assert refused.code == 1
    assert "groups on two sides of the split: lesion" in refused.err
    allowed = attnmel("train", "demo", *data, "--allow-leakage", "--out", tmp_path / "runs", "--home", home)
    assert allowed.code == 0, allowed.err
    (leak,) = read_leaks(RunFolder(tmp_path / "runs" / "clinic" / "demo" / "seed-0"))
    assert (leak.image, leak.kind, leak.known_image) == ("p020", "same lesion", "p000")
    audited = attnmel("audit", "--train", f"{clinic}:train", "--test", f"{clinic}:test", "--home", home)
    assert audited.code == 1
    assert "(1 same lesion)" in audited.out
