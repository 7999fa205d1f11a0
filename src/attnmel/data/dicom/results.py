"""Results written as DICOM, filed with the photograph they were made from. No torch; needs pydicom and highdicom.

A result has to carry the patient and the study, or an archive could not file it: these attributes, `FILED`, are copied
from the source and nothing else is.
"""

import itertools
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from highdicom import UID, AlgorithmIdentificationSequence
from highdicom.sc import SCImage
from highdicom.seg import Segmentation, SegmentDescription
from jaxtyping import Bool, Float32, Shaped, UInt8
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, SecondaryCaptureImageStorage

from attnmel import __version__
from attnmel.data.dicom.frames import file_and_frame
from attnmel.data.dicom.header import MAKER, opened_image
from attnmel.data.dicom.read import opened_dataset
from attnmel.errors import ImageError
from attnmel.files.folders import replacing
from attnmel.files.own_files import SHORT_NOTICE, require_own_file

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

LONG_STRING, SHORT_TEXT = 64, 1024
"""Most characters of the kinds of values that describe a result (PS3.5, 6.2: LO, ST)."""

_ONE_AT_A_TIME = threading.Lock()
"""Held while highdicom makes and encodes a Segmentation: in several threads at once, that ended a process of 27 images
by a segmentation fault in 3 of 7 runs (highdicom 0.28.2, pydicom 3.0.2, pylibjpeg-openjpeg)."""

SERIES_NUMBER = 9001
"""Far from those of cameras."""


class Results:
    """What one command writes of one modality: one series in each study, its instances numbered; by several threads."""

    def __init__(self, description: str, *, series_number: int = SERIES_NUMBER) -> None:
        self.description = description
        """What the results are, in a few words."""
        self._series_number = series_number
        self._series: dict[str, UID] = {}
        self._numbers = itertools.count(1)

    def placed(self, study: str) -> dict[str, Any]:
        """Return the unique ids and numbers of the next result in a study."""
        return {
            "series_instance_uid": self._series.setdefault(study, UID()),
            "series_number": self._series_number,
            "sop_instance_uid": UID(),
            "instance_number": next(self._numbers),
            "manufacturer": MAKER,
        }

    def describe(self, result: Dataset) -> None:
        """Say in a result what it is, and that it is for research."""
        result.SeriesDescription = f"{SHORT_NOTICE}: {self.description}"[:LONG_STRING]
        result.SoftwareVersions = __version__
        result.SpecificCharacterSet = "ISO_IR 192"  # UTF-8, whatever the source's was


def write_capture(path: Path, source: Path, pixels: UInt8[np.ndarray, "H W 3"], results: Results, said: str) -> None:
    """Write a picture as Secondary Capture, in the study of its source, whose instance it names; `said` describes it.

    Raises:
        ImageError: the source cannot be used.
        ConfigError: there is a file of that name that is no such result, as of the other two functions.
    """
    found, frame = _source(source)
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
    capture.DerivationDescription = f"{MAKER} {__version__}: {said}. {SHORT_NOTICE}"[:SHORT_TEXT]
    results.describe(capture)
    _save(path, capture)


def write_mask(path: Path, source: Path, mask: Bool[np.ndarray, "H W"], results: Results) -> None:
    """Write the mask of a lesion, in the size of its picture as shown, as a Segmentation of the source.

    Raises:
        ImageError: the source cannot be used.
    """
    found, frame = _source(source)
    kind = codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion
    pixels = _as_stored(mask.astype(np.float32), found, Image.Resampling.NEAREST) > 0.5
    _save(path, _segmentation(found, frame, {"Lesion": pixels}, kind, results, "LESION"))


def write_maps(
    path: Path, source: Path, maps: Mapping[str, Float32[np.ndarray, "H W"]], results: Results, said: str
) -> None:
    """Write maps in [0, 1], in the size of their picture as shown, as one fractional Segmentation of the source.

    Each map is a segment of its name, which is saliency; its values are stored as wholes of 0 to 255.

    Raises:
        ImageError: the source cannot be used.
    """
    found, frame = _source(source)
    kind = codes.SCT.SpatialAndRelationalConcept, codes.DCM.Saliency
    pixels = {name: _as_stored(one, found, Image.Resampling.BILINEAR).clip(0, 1) for name, one in maps.items()}
    segmentation = _segmentation(found, frame, pixels, kind, results, "SALIENCY")
    segmentation.ContentDescription = said[:LONG_STRING]
    _save(path, segmentation)


def _segmentation(
    found: Dataset,
    frame: int | None,
    segments: Mapping[str, Shaped[np.ndarray, "rows columns"]],
    kind_of_segments: tuple[Code, Code],
    results: Results,
    label: str,
) -> Segmentation:
    """Return the Segmentation of a source with a segment of each name: binary of bool, fractional of numbers."""
    category, kind_of_segment = kind_of_segments
    algorithm = AlgorithmIdentificationSequence(
        name=MAKER, family=codes.DCM.ArtificialIntelligence, version=__version__
    )
    described = [
        SegmentDescription(number, name, category, kind_of_segment, "AUTOMATIC", algorithm)
        for number, name in enumerate(segments, start=1)
    ]
    pixels = np.stack(list(segments.values()), axis=-1)[None]
    is_mask = pixels.dtype == bool
    kind = found.SOPClassUID
    # highdicom asks a multi-frame source for groups that photographs lack; its kind and frame are named below.
    found.SOPClassUID = SecondaryCaptureImageStorage
    with _ONE_AT_A_TIME:
        segmentation = Segmentation(
            source_images=[found],
            pixel_array=pixels,
            segmentation_type="BINARY" if is_mask else "FRACTIONAL",
            transfer_syntax_uid=ExplicitVRLittleEndian if is_mask else JPEG2000Lossless,
            omit_empty_frames=is_mask,
            segment_descriptions=described,
            manufacturer_model_name=MAKER,
            software_versions=__version__,
            device_serial_number="none",
            content_label=label,
            **results.placed(found.StudyInstanceUID),
        )
    groups = segmentation.PerFrameFunctionalGroupsSequence
    derived = [one.DerivationImageSequence[0].SourceImageSequence[0] for one in groups]
    series = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    for reference in (*derived, series, segmentation.SourceImageSequence[0]):
        reference.ReferencedSOPClassUID = kind
    for reference in derived if frame is not None else ():
        reference.ReferencedFrameNumber = frame
    segmentation.PatientOrientation = None
    results.describe(segmentation)
    return segmentation


def _source(source: Path) -> tuple[Dataset, int | None]:
    """Return what a result needs of its source, with the empty values that the standard asks for, and the frame."""
    file, frame = file_and_frame(source)
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
    return found, frame


def _reference(found: Dataset, frame: int | None) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = found.SOPClassUID
    reference.ReferencedSOPInstanceUID = found.SOPInstanceUID
    if frame is not None:
        reference.ReferencedFrameNumber = frame
    return reference


def _as_stored(
    plane: Float32[np.ndarray, "H W"], found: Dataset, how: Image.Resampling
) -> Float32[np.ndarray, "rows columns"]:
    """Return a plane in the size of the stored pixels, which oblong ones have another of."""
    return np.asarray(Image.fromarray(plane).resize((found.Columns, found.Rows), how))


def _save(path: Path, result: Dataset) -> None:
    require_own_file(path)  # `scan-result.dcm` may be a photograph next to `scan.dcm`
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        result.save_as(part, enforce_file_format=True)
