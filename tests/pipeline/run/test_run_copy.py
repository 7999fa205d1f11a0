"""A copy of a run takes the results of a run that cannot be written."""

import shutil
from pathlib import Path

import pytest

from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import set_temperature
from attnmel.pipeline.run.run_copy import copied_run, placed_run


def test_all_that_results_are_computed_from_is_copied_once(trained: RunFolder, tmp_path: Path) -> None:
    copy = copied_run(trained, tmp_path / "copy")
    for path in (copy.recipe, copy.images, copy.best, copy.measures, copy.predictions("test")):
        assert path.read_bytes() == (trained.path / path.relative_to(copy.path)).read_bytes()
    assert not copy.resume.exists()
    set_temperature(copy.best, 1.5)
    before = copy.best.read_bytes()
    copied_run(trained, copy.path)
    assert copy.best.read_bytes() == before, "a copy is used with its own results and temperature"
    assert copied_run(copy, copy.path) == copy


def test_a_folder_of_something_else_is_refused(trained: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(ConfigError, match=r"holds something else than a copy of .*; choose another folder by --out"):
        copied_run(trained, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
    other = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "other")))
    other.best.write_bytes(trained.last.read_bytes() + b" ")
    with pytest.raises(ConfigError, match="holds something else"):
        copied_run(trained, other.path)


def test_a_copy_of_a_model_by_an_earlier_version_gets_the_files_that_it_lacks(tmp_path: Path) -> None:
    model = {name: tmp_path / "model" / name for name in ("best.safetensors", "fingerprints.npy", "leakage.csv")}
    (tmp_path / "model").mkdir()
    for name, file in model.items():
        file.write_text(name)
    earlier = {name: file for name, file in model.items() if name != "fingerprints.npy"}
    run = placed_run(earlier, tmp_path / "own", "tiny")
    run.leakage.write_text("found here")
    assert placed_run(model, tmp_path / "own", "tiny") == run
    assert run.fingerprints.read_text() == "fingerprints.npy"
    assert run.leakage.read_text() == "found here", "its own results stay"
