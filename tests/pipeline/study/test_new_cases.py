"""A study has no case that a machine learnt from, unless that is allowed: with these it seems better than it is."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.factories import Recorder
from tests.pipeline.study.small_study import write_folder, write_machine

from attnmel.errors import ConfigError, LabelError
from attnmel.pipeline.study.export_study import export_study
from attnmel.pipeline.study.new_cases import new_cases
from attnmel.pipeline.study.new_study import NewStudy, make_study
from attnmel.pipeline.study.open_study import open_study
from attnmel.pretrained.catalogue import ANY, find_model
from attnmel.pretrained.examples import FOLDER

EXAMPLES = sorted(FOLDER.glob("*.jpg"))
NAMES = ["ISIC_0000000", "ISIC_0012272", "ISIC_0012395", "ISIC_0012758"]
"""The first is a training image of the pretrained model by its id, the others are test images."""
LEARNT = (
    "machine: learnt from 1 of the 4 cases (ISIC_0000000). What readers are shown of them, and its AUC, are better "
)


@pytest.fixture
def plan(tmp_path: Path) -> NewStudy:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in zip(NAMES, EXAMPLES[2:], strict=True):
        shutil.copy(image, folder / f"{name}.jpg")
    kinds = ["nevus", "nevus", "melanoma", "melanoma"]
    rows = [f"{name}.jpg,{kind}" for name, kind in zip(NAMES, kinds, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    counts = {"melanoma": 2, "nevus": 2}
    return NewStudy(dataset=str(folder), counts=counts, readers=["ana"], machines=["pretrained"], training=0)


def test_cases_that_a_machine_learnt_from_are_refused(plan: NewStudy, tmp_path: Path) -> None:
    with pytest.raises(LabelError) as refused:
        make_study(tmp_path / "study", plan, tmp_path)
    assert str(refused.value).startswith(LEARNT)
    assert "--exclude-known" in str(refused.value)
    assert "--allow-leakage" in str(refused.value)
    assert not (tmp_path / "study").exists()


def test_cases_of_the_practice_are_cases_too(plan: NewStudy, tmp_path: Path) -> None:
    """By them readers learn how far they can trust it."""
    practice = replace(plan, counts={"melanoma": 1, "nevus": 1}, repeats=1, training=2)
    with pytest.raises(LabelError, match=r"machine: learnt from 1 of the 4 cases \(ISIC_0000000\)"):
        make_study(tmp_path / "study", practice, tmp_path)


def test_where_they_are_allowed_they_are_named_frozen_and_named_again_in_the_export(
    plan: NewStudy, tmp_path: Path
) -> None:
    notes = Recorder()
    study, _ = make_study(tmp_path / "study", replace(plan, allow_leakage=True), tmp_path, progress=notes)
    assert [one.startswith(LEARNT) for one in notes.notes if "learnt from" in one] == [True]
    assert study.machines[0].learnt_from == ("ISIC_0000000",)
    with open_study(tmp_path / "study", None) as opened:
        exported = export_study(opened, tmp_path / "out").notes
    assert any(one.startswith("machine: learnt from 1 of the cases (ISIC_0000000)") for one in exported)


def test_others_are_drawn_where_known_ones_are_left_out(plan: NewStudy, tmp_path: Path) -> None:
    fewer = replace(plan, counts={"melanoma": 2, "nevus": 1}, repeats=0, exclude_known=True)
    for seed in range(3):
        found = new_cases(replace(fewer, seed=seed), tmp_path, Recorder())
        assert {one.image_id for one in found.drawn} == set(NAMES[1:])
        assert not found.learnt_from
    left = replace(plan, exclude_known=True)
    with pytest.raises(
        ConfigError, match="1 image of the class nevus that no machine is known to have learnt from; ex"
    ):
        new_cases(left, tmp_path, Recorder())


def test_no_other_image_of_a_lesion_takes_the_place_of_a_known_one(plan: NewStudy, tmp_path: Path) -> None:
    table = Path(plan.dataset) / "labels.csv"
    rows = [f"{name}.jpg,{kind},{lesion}" for name, kind, lesion in zip(NAMES, "nnmm", "LLMN", strict=True)]
    table.write_text("\n".join(["image,label,group", *rows]) + "\n")
    plan = replace(plan, counts={"m": 2, "n": 1}, diseased=["m"], exclude_known=True)
    seeds = [seed for seed in range(20) if "ISIC_0000000" in _drawn(replace(plan, seed=seed), tmp_path)]
    with pytest.raises(ConfigError, match="0 images of the class n that no machine is known to have learnt from"):
        new_cases(replace(plan, seed=seeds[0]), tmp_path, Recorder())


def _drawn(plan: NewStudy, home: Path) -> set[str]:
    found = new_cases(replace(plan, exclude_known=False, allow_leakage=True), home, Recorder())
    return {one.image_id for one in found.drawn}


def test_known_cases_cannot_be_left_out_where_nothing_is_known(plan: NewStudy, tmp_path: Path) -> None:
    table = write_machine(tmp_path / "net.csv")
    images = str(write_folder(tmp_path / "squares"))
    tables = replace(plan, dataset=images, machines=[str(table)], exclude_known=True)
    with pytest.raises(ConfigError, match="no machine is a model, so that it is not known which cases to leave out by"):
        new_cases(tables, tmp_path, Recorder())
    model = find_model(ANY)
    assert model is not None
    file = tmp_path / "other.onnx"
    file.write_bytes(model.onnx.read_bytes() + b"\0")
    other = replace(plan, machines=[str(file)])
    with pytest.raises(
        ConfigError, match="machine: what it learnt from is not known here, so that it is not known whi"
    ):
        new_cases(replace(other, exclude_known=True), tmp_path, Recorder())
    notes = Recorder()
    assert len(new_cases(other, tmp_path, notes).drawn) == 4
    assert notes.notes[0].startswith("machine: what it learnt from is not known here, so that cases among its")
