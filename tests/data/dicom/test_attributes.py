"""Age, sex, site and laterality of DICOM files, in the words of subgroups."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
pytest.importorskip("libjpeg")

from pydicom import uid
from pydicom.dataset import Dataset
from tests.strangers.images.make_dicom import PICTURE, dermoscopy, write

from attnmel.data.datasets.own.folder import read_folder
from attnmel.data.dicom.attributes import DicomFacts, dicom_facts


def facts(folder: Path, **attributes: object) -> DicomFacts:
    path = folder / "a.dcm"
    write(path, dermoscopy(**attributes), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
    return dicom_facts(path, path.name)


def coded(value: str, scheme: str) -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "where Jane has it"
    return [item]


@pytest.mark.filterwarnings("ignore:Invalid value")
@pytest.mark.parametrize(
    ("attributes", "known"),
    [
        ({"PatientAge": "055Y", "PatientSex": "F"}, {"age": "55", "sex": "female"}),
        ({"PatientAge": "006M", "PatientSex": "O"}, {"age": "0.5", "sex": "other"}),
        ({"PatientAge": "097Y"}, {"age": "90"}),
        ({"PatientAge": "forty", "PatientSex": ""}, {}),
        ({"ImageLaterality": "L", "BodyPartExamined": "FOREARM"}, {"laterality": "left", "site": "forearm"}),
        ({"Laterality": "R"}, {"laterality": "right"}),
        ({"BodyPartExamined": "JANES ARM"}, {}),
        ({"AnatomicRegionSequence": coded("77568009", "SCT")}, {"site": "back"}),
        ({"AnatomicRegionSequence": coded("T-D1100", "99SDM")}, {"site": "head"}),
        ({"PrimaryAnatomicStructureSequence": coded("J1", "99JANE")}, {}),
    ],
)
def test_what_is_known_of_a_patient_is_in_fixed_words(
    attributes: dict[str, object], known: dict[str, str], tmp_path: Path
) -> None:
    found = facts(tmp_path, **attributes)
    assert (found.frames, found.attributes) == (1, known)


def test_skin_is_named_by_its_region(tmp_path: Path) -> None:
    from pydicom.sr.codedict import codes

    code = codes.cid4029.SkinOfForehead
    assert facts(tmp_path, AnatomicRegionSequence=coded(code.value, "SCT")).attributes == {"site": "forehead"}


def test_a_folder_takes_what_its_table_leaves_open_and_each_frame(tmp_path: Path) -> None:
    explicit = uid.ExplicitVRLittleEndian
    write(tmp_path / "a.dcm", dermoscopy(PatientAge="055Y", PatientSex="F"), PICTURE.tobytes(), explicit)
    two = np.stack([PICTURE, PICTURE]).tobytes()
    write(tmp_path / "b.dcm", dermoscopy(NumberOfFrames=2, PatientAge="070Y"), two, explicit)
    write(tmp_path / "c.dcm", dermoscopy(NumberOfFrames=2), two, explicit)
    rows = ["image,label,sex", "a.dcm,rest,male", "b,melanoma,", "c.dcm#2,rest,"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    lesions = read_folder(tmp_path).lesions
    assert [one.image_id for one in lesions] == ["a", "b#1", "b#2", "c#2"]
    assert [one.image.name for one in lesions] == ["a.dcm", "b.dcm#1", "b.dcm#2", "c.dcm#2"]
    assert [dict(one.attributes) for one in lesions] == [{"age": "55", "sex": "male"}, {"age": "70"}, {"age": "70"}, {}]
    assert [one.group for one in lesions] == [None, "b", "b", None]
