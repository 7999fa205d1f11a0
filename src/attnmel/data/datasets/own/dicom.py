"""What the DICOM files of an own folder add to its table: frames, patients, age, sex, site and laterality. No torch."""

import dataclasses
from collections.abc import Iterator, Sequence

from attnmel.data.dicom.frames import SUFFIXES, file_and_frame, frame_path, require_reader
from attnmel.errors import ImageError, counted
from attnmel.records import Lesion

PATIENT = "patient-"
"""Start of the group of a patient that a DICOM file names; then come digits of a hash."""


def with_dicom_facts(lesions: Sequence[Lesion]) -> tuple[Lesion, ...]:
    """Return the lesions with what their DICOM files say where the table says nothing.

    A row that names a file of several frames becomes one lesion a frame, all of one group. A file that cannot be read
    stays as it is: whoever decodes it says what is wrong. Where no row has a group, and the files are of more than one
    patient, each patient is a group.
    """
    by_patient = all(lesion.group is None for lesion in lesions)
    read = [(lesion, patient) for one in lesions for lesion, patient in _frames(one)]
    if not by_patient or len({patient for _, patient in read if patient}) < 2:  # one for all is no patient's
        return tuple(lesion for lesion, _ in read)
    return tuple(dataclasses.replace(one, group=f"{PATIENT}{who}") if who else one for one, who in read)


def patient_notes(lesions: Sequence[Lesion]) -> list[str]:
    """Return a note on how many patients the DICOM files name, and of how many images; none where they name none."""
    groups = [one.group for one in lesions if one.group is not None and one.group.startswith(PATIENT)]
    if not groups:
        return []
    patients = counted(len(set(groups)), "patient")
    return [f"{len(groups)} of {len(lesions)} images are grouped by the Patient ID of their DICOM files: {patients}"]


def _frames(lesion: Lesion) -> Iterator[tuple[Lesion, str]]:
    """Yield a lesion for each frame of its file, and the hash of its patient, "" where that is not known."""
    file, frame = file_and_frame(lesion.image)
    if file.suffix.lower() not in SUFFIXES:
        yield lesion, ""
        return
    try:
        require_reader(file.name)
        from attnmel.data.dicom.attributes import dicom_facts  # needs pydicom

        facts = dicom_facts(file, file.name)
    except ImageError:
        yield lesion, ""
        return
    lesion = dataclasses.replace(lesion, attributes={**facts.attributes, **lesion.attributes})
    if frame is not None or facts.frames == 1:
        yield lesion, facts.patient
        return
    for number in range(1, facts.frames + 1):
        group = lesion.group or lesion.image_id
        image_id, image = f"{lesion.image_id}#{number}", frame_path(file, number)
        yield dataclasses.replace(lesion, image_id=image_id, image=image, group=group), facts.patient
