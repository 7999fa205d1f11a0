"""Every strange table gives its right answer, and what was read otherwise than it is written is said."""

from pathlib import Path

import pytest
from tests.strangers.tables.make_tables import (
    FOLDERS,
    PROBABILITIES,
    SUBMISSIONS,
    StrangeFolder,
    StrangeSubmission,
    make_folders,
    make_submissions,
)

from attnmel.data.datasets.own.folder import TableReading, read_folder
from attnmel.evaluation.challenge.submission_file import read_submission


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strangers")
    make_folders(folder)
    make_submissions(folder)
    return folder


@pytest.mark.parametrize("strange", FOLDERS, ids=lambda one: one.name)
def test_a_folder_of_another_form_is_read_right(place: Path, strange: StrangeFolder) -> None:
    content = read_folder(place / strange.name, TableReading(("rest", "melanoma"), strange.columns))
    assert (
        tuple((one.image_id, one.diagnosis, one.group, dict(one.attributes)) for one in content.lesions)
        == strange.answer
    )
    assert all(lesion.image.is_file() for lesion in content.lesions)
    notes = content.sentences
    assert len(notes) == len(strange.notes), notes
    assert all(part in note for part, note in zip(strange.notes, notes, strict=True)), notes


@pytest.mark.parametrize("strange", SUBMISSIONS, ids=lambda one: one.name)
def test_a_submission_of_another_form_is_read_right(place: Path, strange: StrangeSubmission) -> None:
    read = read_submission(place / f"{strange.name}.csv", strange.dataset, strange.columns)
    assert read.problems == ()
    values = read.values(("melanoma", "seborrheic_keratosis")).tolist()
    assert dict(zip(read.ids, map(tuple, values), strict=True)) == PROBABILITIES
    assert read.notes == tuple(f"{strange.name}.csv {note}" for note in strange.notes)
