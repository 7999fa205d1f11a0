"""Own folders of DICOM files are split by patient, whose id is stored nowhere."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import uid
from tests.strangers.images.make_dicom import PICTURE, dermoscopy, write

from attnmel.data.datasets.own.folder import read_folder
from attnmel.data.datasets.splits import draw_fold, with_splits
from attnmel.data.verify import verify_dataset
from attnmel.errors import LabelError
from attnmel.records import Lesion

Folder = Callable[..., tuple[Lesion, ...]]
PATIENTS = 10


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write a DICOM file for each Patient ID with labels.csv, and read the folder."""

    def made(ids: list[str], **columns: list[str]) -> tuple[Lesion, ...]:
        rows = [",".join(["image", "label", *columns])]
        for number, one in enumerate(ids):
            write(tmp_path / f"{number}.dcm", dermoscopy(PatientID=one), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
            label = "melanoma" if number % 3 == 0 else "rest"
            rows.append(",".join([f"{number}.dcm", label, *(cells[number] for cells in columns.values())]))
        (tmp_path / "labels.csv").write_text("\n".join(rows))
        return read_folder(tmp_path).lesions

    return made


def test_a_patient_is_on_one_side_of_every_split(folder: Folder, tmp_path: Path) -> None:
    ids = [f"MRN{4000 + number % PATIENTS}" for number in range(3 * PATIENTS)]
    lesions = folder(ids)
    by_patient = {one: {lesion.group for lesion, of in zip(lesions, ids, strict=True) if of == one} for one in ids}
    assert all(len(groups) == 1 for groups in by_patient.values())
    assert len({lesion.group for lesion in lesions}) == PATIENTS
    split = with_splits(lesions)
    for sides in (split, *(draw_fold(split, number, 3, seed=0) for number in (1, 2, 3))):
        for one in by_patient:
            assert len({lesion.split for lesion, of in zip(sides, ids, strict=True) if of == one}) == 1
    assert {one.split for one in split} == {"train", "validation", "test"}
    assert not any(one in f"{lesions}" for one in ids)
    note = "30 of 30 images are grouped by the Patient ID of their DICOM files: 10 patients"
    assert note in read_folder(tmp_path).sentences


def test_the_groups_of_the_table_count_before_patients(folder: Folder) -> None:
    lesions = folder(["A1", "A1", "B2"], group=["x", "", "y"])
    assert [one.group for one in lesions] == ["x", None, "y"]


@pytest.mark.parametrize("ids", [["A1", "A1", "A1"], ["", "0000", "NA"], ["ANONYMOUS", "Anon-7", "n/a"]])
def test_one_id_for_all_and_none_are_no_patients(folder: Folder, ids: list[str]) -> None:
    assert [one.group for one in folder(ids)] == [None, None, None]


def test_a_file_without_a_patient_is_a_group_of_its_own(folder: Folder) -> None:
    groups = [one.group for one in folder(["A1", "", "B2", "A1"])]
    assert groups[1] is None
    assert groups[0] == groups[3] != groups[2]


def test_a_frame_that_is_named_and_in_a_whole_file_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", dermoscopy(NumberOfFrames=2), PICTURE.tobytes() * 2, uid.ExplicitVRLittleEndian)
    (tmp_path / "labels.csv").write_text("image,label\na.dcm,melanoma\na.dcm#2,nevus\n")
    with pytest.raises(LabelError, match=r"a#2, expected each frame once: the file without a number is all of its"):
        read_folder(tmp_path)
    (told,) = verify_dataset(str(tmp_path), tmp_path / "home").findings
    assert told.kind == "folder table"
