"""What must survive a power cut is on the disk before it has its name, and then its name is (docs/reliability.md)."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.pipeline.study.small_study import small_study

from attnmel.data.batches.stored_maps import Wanted, open_maps
from attnmel.data.preprocess.array_file import write_rows
from attnmel.files.folders import RunFolder, replacing
from attnmel.models.weights.checkpoints import set_temperature
from attnmel.pipeline.run.provenance import write_provenance
from attnmel.pipeline.run.results.results import write_measures
from attnmel.pipeline.run.training.training_state import write_training_state
from attnmel.pipeline.study.store import Store
from attnmel.pipeline.study.study_file import StudyFolder
from attnmel.progress import SILENT

Synced = list[tuple[int, int]]
"""Number and size of each file or folder when it was synchronised; a file keeps its number when it is renamed."""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Synced:
    found: Synced = []
    to_disk = os.fsync

    def fsync(file: int) -> None:
        to_disk(file)
        state = os.fstat(file)
        found.append((state.st_ino, state.st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def is_on_disk(path: Path, synced: Synced) -> bool:
    """Whether the whole file was synchronised, and (where folders can be) afterwards its folder with its name."""
    state = path.stat()
    if (state.st_ino, state.st_size) not in synced:
        return False
    after = synced[synced.index((state.st_ino, state.st_size)) :]
    return sys.platform == "win32" or path.parent.stat().st_ino in {number for number, _ in after}


def test_a_checkpoint_and_what_resume_needs(trained: RunFolder, tmp_path: Path, synced: Synced) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    set_temperature(run.best, 1.25)
    write_training_state(run.resume, {"weight": torch.zeros(3)}, ())
    write_measures(run, {})
    write_provenance(run, {})
    for path in (run.best, run.resume, run.measures, run.provenance):
        assert is_on_disk(path, synced), path.name


def test_the_frozen_file_of_a_study(tmp_path: Path, synced: Synced) -> None:
    path, _, _ = small_study(tmp_path)
    assert is_on_disk(StudyFolder(path).file, synced)


def test_prepared_images_and_stored_maps(tmp_path: Path, synced: Synced) -> None:
    rows = tmp_path / "rows.bin"
    write_rows(rows, [np.ones((2, 2, 3), np.uint8)], total=1, label="rows", progress=SILENT)

    def made(images: range) -> Iterator[dict[int, np.ndarray]]:
        yield {3: np.ones((len(images), 2, 2, 1), np.float16)}

    stored = open_maps(Wanted("key", ("a", "b"), 1, {3: (2, 2, 1)}), made, home=tmp_path)
    for path in (rows, *(one for one in stored.path.iterdir() if one.suffix != ".json")):
        assert (path.stat().st_ino, path.stat().st_size) in synced, path.name


def test_a_study_confirms_no_answer_that_is_not_on_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "study.db", "0" * 64, new=True)
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    store.close()


def test_a_file_is_on_the_disk_before_it_takes_the_name_of_the_former(tmp_path: Path, synced: Synced) -> None:
    path = tmp_path / "measures.json"
    path.write_text("old")
    with replacing(path, durable=True) as part:
        part.write_text("newer")
        new = part.stat().st_ino
        assert path.read_text() == "old"
        assert not synced
    assert synced[0] == (new, len("newer"))
    assert path.stat().st_ino == new
