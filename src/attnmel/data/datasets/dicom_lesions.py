"""What the DICOM files of an own folder add to its table: their frames, and age, sex, site and laterality. No torch."""

import dataclasses
from collections.abc import Iterable, Iterator

from attnmel.data.dicom.frames import SUFFIXES, file_and_frame, frame_path, require_reader
from attnmel.errors import ImageError
from attnmel.records import Lesion


def with_dicom_facts(lesions: Iterable[Lesion]) -> tuple[Lesion, ...]:
    """Return the lesions with what their DICOM files say where the table says nothing.

    A row that names a file of several frames becomes one lesion a frame, all of one group. A file that cannot be read
    stays as it is: whoever decodes it says what is wrong.
    """
    return tuple(one for lesion in lesions for one in _frames(lesion))


def _frames(lesion: Lesion) -> Iterator[Lesion]:
    file, frame = file_and_frame(lesion.image)
    if file.suffix.lower() not in SUFFIXES:
        yield lesion
        return
    try:
        require_reader(file.name)
        from attnmel.data.dicom.attributes import dicom_facts  # needs pydicom

        facts = dicom_facts(file)
    except ImageError:
        yield lesion
        return
    lesion = dataclasses.replace(lesion, attributes={**facts.attributes, **lesion.attributes})
    if frame is not None or facts.frames == 1:
        yield lesion
        return
    for number in range(1, facts.frames + 1):
        yield dataclasses.replace(
            lesion,
            image_id=f"{lesion.image_id}#{number}",
            image=frame_path(file, number),
            group=lesion.group or lesion.image_id,
        )
