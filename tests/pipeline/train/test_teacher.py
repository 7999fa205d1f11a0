"""The teacher of a run: read, counted, recorded, and refused where it is of something else."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from tests.conftest import TINY
from tests.factories import Recorder

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError, LabelError, PredictionsError
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.dataset import Prepared, prepare
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.publishable import shared_provenance, shared_recipe
from attnmel.pipeline.run.training.history import read_history
from attnmel.pipeline.train.teacher import prepare_teacher
from attnmel.pipeline.train.train import train_run

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def prepared(phantoms: "Phantoms", tiny: Recipe) -> Prepared:
    return prepare(tiny.data, home=phantoms.home)


def taught_by(table: Path | str, **loss: object) -> Recipe:
    return load_recipe(
        "demo", [*TINY, f"loss.teacher={table}", *(f"loss.{key}={value}" for key, value in loss.items())]
    )


def write(path: Path, rows: dict[str, str], classes: str = "melanoma,rest") -> Path:
    columns = ",".join(f"probability_{name}" for name in classes.split(","))
    lines = [f"image,label,group,{columns}", *(f"{image_id},,,{shares}" for image_id, shares in rows.items())]
    path.write_text("\n".join([*lines, ""]))
    return path


def train_ids(prepared: Prepared) -> list[str]:
    return [prepared.cache.image_ids[row] for row in prepared.rows("train")]


def test_the_probabilities_are_those_of_the_images_by_name_and_class(prepared: Prepared, tmp_path: Path) -> None:
    ids, notes = train_ids(prepared), Recorder()
    shares = {image_id: f"{n / 50},{1 - n / 50}" for n, image_id in enumerate(ids[4:])}
    elsewhere = {prepared.cache.image_ids[prepared.rows("test")[0]]: "1,0", "unknown": "0,1"}
    table = write(tmp_path / "table.csv", {**elsewhere, **dict(reversed(shares.items()))})
    teacher = prepare_teacher(taught_by(table, teacher_weight=0.25), prepared, notes)
    assert teacher is not None
    soft = teacher.soft_labels(torch.device("cpu"))
    for row, image_id in enumerate(prepared.cache.image_ids):
        expected = [float(share) for share in shares[image_id].split(",")][::-1] if image_id in shares else [0.0, 0.0]
        assert soft.probabilities[row].tolist() == pytest.approx(expected), "rest comes first in the recipe"
        assert soft.weights[row] == (0.25 if image_id in shares else 0)
    assert teacher.facts == {
        "table": str(table),
        "sha256": file_sha256(table),
        "weight": 0.25,
        "with": 20,
        "without": 4,
    }
    assert notes.notes == [
        "teacher: 20 of 24 training images learn from table.csv with weight 0.25; 4 have no row there and keep their "
        "label"
    ]


def test_there_is_none_without_a_table(prepared: Prepared, tiny: Recipe) -> None:
    assert prepare_teacher(tiny, prepared) is None


def test_a_teacher_that_knows_the_labels_changes_nothing_and_another_does(
    prepared: Prepared, phantoms: "Phantoms", fabric: Fabric, trained: RunFolder, tmp_path: Path
) -> None:
    ids, labels = train_ids(prepared), prepared.labels(prepared.rows("train"))
    true = write(tmp_path / "true.csv", {one: f"{label},{1 - label}" for one, label in zip(ids, labels, strict=True)})
    unsure = write(tmp_path / "unsure.csv", dict.fromkeys(ids, "0.5,0.5"))
    first = {}
    for table in (true, unsure):
        run = RunFolder(tmp_path / table.stem)
        recipe = load_recipe("demo", [*TINY, "training.epochs=1", f"loss.teacher={table}"])
        first[table] = train_run(recipe, run, home=phantoms.home, fabric=fabric).best
        told = read_provenance(run)
        assert told["teacher"]["sha256"] == file_sha256(table)
        shared = shared_provenance(told, recipe, "push")["teacher"]
        assert shared == {**told["teacher"], "table": table.name}
        assert f'teacher = "{table.name}"' in shared_recipe(recipe)
        unsure.write_text(unsure.read_text().replace("0.5,0.5", "0.4,0.6", 1))
    plain = read_history(trained.history)[0]
    assert first[true].focal == pytest.approx(plain.focal, rel=1e-4)
    assert first[unsure].focal != pytest.approx(plain.focal, rel=1e-2)
    with pytest.raises(LabelError, match=r"unsure.csv is not the table that .*unsure was begun with. Put it back"):
        train_run(recipe, run, home=phantoms.home, fabric=fabric, resume=True)


def test_errors_say_what_is_wrong_with_the_table(prepared: Prepared, tmp_path: Path) -> None:
    ids, path = train_ids(prepared), tmp_path / "table.csv"
    cases = {
        rf"loss.teacher: there is no file {path}; make one with `attnmel evaluate RUN --split validation`": None,
        rf"{path} has none of the 24 training images of phantoms \(its first: a, b\); name a table of predictions of "
        "these images by loss.teacher": ({"a": "1,0", "b": "0,1"}, "melanoma,rest"),
        "table.csv has the classes MEL, rest, but data.classes has rest, melanoma; take the predictions of a network "
        "of the same classes": ({ids[0]: "1,0"}, "MEL,rest"),
        rf"table.csv, {ids[1]}: the probabilities add up to 0.9, expected 1 \(2 rows like it\)": (
            {ids[0]: "1,0", ids[1]: "0.1,0.8", ids[2]: "0.5,0.7"},
            "melanoma,rest",
        ),
        rf"table.csv, {ids[0]}: probability_melanoma is '1.5', expected a number in \[0, 1\]": (
            {ids[0]: "1.5,-0.5"},
            "melanoma,rest",
        ),
    }
    for message, written in cases.items():
        if written is not None:
            write(path, *written)
        with pytest.raises((LabelError, PredictionsError), match=rf"^{message}$"):
            prepare_teacher(taught_by(path), prepared)


def test_rounded_probabilities_saved_by_a_spreadsheet_are_scaled_to_a_sum_of_1(
    prepared: Prepared, tmp_path: Path
) -> None:
    table = write(tmp_path / "table.csv", {train_ids(prepared)[0]: "0.3333,0.6666"})
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
    teacher = prepare_teacher(taught_by(table), prepared)
    assert teacher is not None
    assert teacher.probabilities.sum() == pytest.approx(1, abs=1e-15)
    assert np.count_nonzero(teacher.taught) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["loss.teacher_weight=0.7"], "loss.teacher_weight = 0.7 is of a teacher, but loss.teacher names no table"),
        (
            ["loss.teacher=t.csv", "model.heads=hinge"],
            "loss.teacher is of a softmax head, but model.heads = 'hinge'; leave it out",
        ),
        (
            ["loss.teacher=t.csv", "data.ablation=shuffled-labels"],
            "with data.ablation = 'shuffled-labels' the true labels would be learnt from loss.teacher; leave it out",
        ),
        (["loss.teacher=t.csv", "loss.teacher_weight=0"], "loss.teacher_weight = '?0'?: "),
        (["loss.teacher=t.csv", "loss.teacher_weight=1.1"], "loss.teacher_weight = '?1.1'?: "),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe("demo", [*TINY, *settings])
