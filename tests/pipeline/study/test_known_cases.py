"""A study says which of its cases a machine learnt from: with these it seems better than it is."""

import shutil
from pathlib import Path

from tests.factories import Recorder

from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.study.known_cases import known_cases, known_note
from attnmel.pipeline.study.new_study import NewStudy, make_study
from attnmel.pretrained.catalogue import ANY, find_model
from attnmel.pretrained.examples import FOLDER
from attnmel.records import Lesion

EXAMPLES = sorted(FOLDER.glob("*.jpg"))


def lesion(image_id: str) -> Lesion:
    return Lesion(image_id=image_id, image=EXAMPLES[0], diagnosis="melanoma", split=None)


def test_cases_that_a_run_learnt_from_are_found_in_its_folder_its_file_and_a_folder_of_seeds(
    calibrated: RunFolder, tmp_path: Path
) -> None:
    known = read_images(calibrated)[0].image_id
    cases = [lesion("new"), lesion(known)]
    for source in (calibrated.path, calibrated.best, calibrated.path.parent):
        assert known_cases(str(source), cases, tmp_path) == (known,), source
    assert known_cases(str(calibrated.path), cases[:1], tmp_path) == ()
    assert known_note("machine", (), 1) is None


def test_of_a_file_beside_no_run_it_is_said_that_nothing_is_known(tmp_path: Path) -> None:
    found = known_cases(str(tmp_path / "model.onnx"), [lesion("new")], tmp_path)
    assert found is None
    assert (known_note("machine", found, 1) or "").startswith("machine: what it learnt from is not known here, so that")


def test_a_copy_of_the_pretrained_models_file_is_known_by_its_content(tmp_path: Path) -> None:
    model = find_model(ANY)
    assert model is not None
    copy = shutil.copy(model.onnx, tmp_path / "copy.onnx")
    assert known_cases(str(copy), [lesion("new"), lesion("ISIC_0000000")], tmp_path) == ("ISIC_0000000",)


def test_a_new_study_names_the_cases_that_the_pretrained_model_learnt_from(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    names = ["ISIC_0000000", "ISIC_0012272", "ISIC_0012395", "ISIC_0012758"]  # the first is a training image by its id
    for name, image in zip(names, EXAMPLES[2:], strict=True):
        shutil.copy(image, folder / f"{name}.jpg")
    kinds = ["nevus", "nevus", "melanoma", "melanoma"]
    rows = [f"{name}.jpg,{kind}" for name, kind in zip(names, kinds, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n")
    plan = NewStudy(
        dataset=str(folder),
        counts={"melanoma": 2, "nevus": 2},
        readers=["ana"],
        machines=["pretrained"],
        training=0,
    )
    notes = Recorder()
    make_study(tmp_path / "study", plan, tmp_path, progress=notes)
    (note,) = [one for one in notes.notes if "learnt from" in one]
    assert note.startswith("machine: learnt from 1 of the 4 cases (ISIC_0000000). What readers are shown of them")
