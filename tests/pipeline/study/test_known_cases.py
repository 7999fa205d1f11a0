"""Which cases a machine learnt from is found by its run, its file, or the file that it is a copy of."""

import shutil
from pathlib import Path

from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.study.known_cases import known_cases
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


def test_of_a_file_beside_no_run_it_is_said_that_nothing_is_known(tmp_path: Path) -> None:
    found = known_cases(str(tmp_path / "model.onnx"), [lesion("new")], tmp_path)
    assert found is None


def test_a_copy_of_the_pretrained_models_file_is_known_by_its_content(tmp_path: Path) -> None:
    model = find_model(ANY)
    assert model is not None
    copy = shutil.copy(model.onnx, tmp_path / "copy.onnx")
    assert known_cases(str(copy), [lesion("new"), lesion("ISIC_0000000")], tmp_path) == ("ISIC_0000000",)
