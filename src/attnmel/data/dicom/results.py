"""Results written as DICOM, filed with the photograph they were made from. No torch; needs pydicom and highdicom.

A result has to carry the patient and the study, or an archive could not file it: these attributes, `FILED`, are copied
from the source and nothing else is.
"""

from pathlib import Path
from typing import Any

import numpy as np
from highdicom import UID, AlgorithmIdentificationSequence
from highdicom.sc import SCImage
from highdicom.seg import Segmentation, SegmentDescription
from jaxtyping import Bool, UInt8
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import SecondaryCaptureImageStorage

from attnmel import __version__
from attnmel.data.dicom.frames import file_and_frame
from attnmel.data.dicom.header import MAKER, opened_image
from attnmel.data.dicom.read import opened_dataset
from attnmel.errors import ImageError
from attnmel.folders import replacing

FILED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "StudyID", "AccessionNumber", "Laterality",
)  # fmt: skip
"""Copied into a result."""

SOURCE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "PatientOrientation",
    "ImageLaterality",
)
"""Read to name the source."""

NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

NOTICE = "Research use only, not for diagnosis"
LONG_STRING, SHORT_TEXT = 64, 1024
"""Most characters of the kinds of values that describe a result (PS3.5, 6.2: LO, ST)."""

SERIES_NUMBER = 9001
"""Far from those of cameras."""


class Results:
    """What one command writes: one series in each study, its instances numbered."""

    def __init__(self, description: str) -> None:
        self.description = description
        """What the results are, in a few words."""
        self._series: dict[str, UID] = {}
        self._number = 0

    def placed(self, study: str) -> dict[str, Any]:
        """Return the unique ids and numbers of the next result in a study."""
        self._number += 1
        return {
            "series_instance_uid": self._series.setdefault(study, UID()),
            "series_number": SERIES_NUMBER,
            "sop_instance_uid": UID(),
            "instance_number": self._number,
            "manufacturer": MAKER,
        }

    def describe(self, result: Dataset) -> None:
        """Say in a result what it is, and that it is for research."""
        result.SeriesDescription = f"{NOTICE}: {self.description}"[:LONG_STRING]
        result.SoftwareVersions = __version__
        result.SpecificCharacterSet = "ISO_IR 192"  # UTF-8, whatever the source's was


def write_capture(path: Path, source: Path, pixels: UInt8[np.ndarray, "H W 3"], results: Results, said: str) -> None:
    """Write a picture as Secondary Capture, in the study of its source, whose instance it names; `said` describes it.

    Raises:
        ImageError: the source cannot be used.
    """
    file, frame = file_and_frame(source)
    found = _source(file)
    capture = SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # replaced below: what is not known is empty
        study_instance_uid=found.StudyInstanceUID,
        **results.placed(found.StudyInstanceUID),
    )
    for name in FILED:
        if name in found:
            capture[name] = found[name]
    capture.PatientOrientation = found.get("PatientOrientation")
    capture.SourceImageSequence = [_reference(found, frame)]
    capture.DerivationDescription = f"{MAKER} {__version__}: {said}. {NOTICE}"[:SHORT_TEXT]
    results.describe(capture)
    _save(path, capture)


def write_mask(path: Path, source: Path, mask: Bool[np.ndarray, "H W"], results: Results) -> None:
    """Write the mask of a lesion, in the size of its picture as shown, as a Segmentation of the source.

    Raises:
        ImageError: the source cannot be used.
    """
    file, frame = file_and_frame(source)
    found = _source(file)
    lesion = SegmentDescription(
        segment_number=1,
        segment_label="Lesion",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=MAKER, family=codes.DCM.ArtificialIntelligence, version=__version__
        ),
    )
    kind = found.SOPClassUID
    # highdicom asks a multi-frame source for groups that photographs lack; its kind and frame are named below.
    found.SOPClassUID = SecondaryCaptureImageStorage
    segmentation = Segmentation(
        source_images=[found],
        pixel_array=_as_stored(mask, found)[None],
        segmentation_type="BINARY",
        segment_descriptions=[lesion],
        manufacturer_model_name=MAKER,
        software_versions=__version__,
        device_serial_number="none",
        content_label="LESION",
        **results.placed(found.StudyInstanceUID),
    )
    derived = segmentation.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    series = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    for reference in (derived, series, segmentation.SourceImageSequence[0]):
        reference.ReferencedSOPClassUID = kind
    if frame is not None:
        derived.ReferencedFrameNumber = frame
    segmentation.PatientOrientation = None
    results.describe(segmentation)
    _save(path, segmentation)


def _source(file: Path) -> Dataset:
    """Return what a result needs of its source, with the empty values that the standard asks for."""
    with opened_image(file, file.name):
        pass  # only photographs have results
    with opened_dataset(file, file.name, (*FILED, *SOURCE)) as (dataset, _):
        found = Dataset()
        for name in (*FILED, *SOURCE):
            if name in dataset:
                found[name] = dataset[name]
        found.file_meta = dataset.file_meta
    if missing := [name for name in NEEDED if not found.get(name)]:
        raise ImageError(f"{file.name} lacks {', '.join(missing)}, without which no result can be filed with it")
    if found.get("ImageLaterality") in ("L", "R"):
        found.Laterality = found.ImageLaterality
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
                 "AccessionNumber", "Laterality", "ReferringPhysicianName"):  # fmt: skip
        if name not in found:
            setattr(found, name, "")
    return found


def _reference(found: Dataset, frame: int | None) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = found.SOPClassUID
    reference.ReferencedSOPInstanceUID = found.SOPInstanceUID
    if frame is not None:
        reference.ReferencedFrameNumber = frame
    return reference


def _as_stored(mask: Bool[np.ndarray, "H W"], found: Dataset) -> Bool[np.ndarray, "rows columns"]:
    """Return a mask in the size of the stored pixels, which oblong ones have another of."""
    size = (found.Columns, found.Rows)
    picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    return np.asarray(picture.resize(size, Image.Resampling.NEAREST)) > 127


def _save(path: Path, result: Dataset) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        result.save_as(part, enforce_file_format=True)
