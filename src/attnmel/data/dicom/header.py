"""Which DICOM images are read, and what their header says, checked before any decoding. No torch; needs pydicom."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

from pydicom import uid
from pydicom.dataset import FileDataset

from attnmel.data.dicom.read import opened_dataset
from attnmel.errors import ImageError, counted

PHOTOGRAPHS = (
    uid.VLPhotographicImageStorage,
    uid.DermoscopicPhotographyImageStorage,
    uid.VLMicroscopicImageStorage,
    uid.VLEndoscopicImageStorage,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
)
"""Kinds of objects that hold photographs of skin; dermatoscopes have also been filed as microscopes and endoscopes."""

MODALITIES = ("", "XC", "DMS", "GM", "ES", "OT", "SC")
"""External camera, dermoscopy, microscopy, endoscopy, other: a secondary capture of CT is no photograph."""

UNCOMPRESSED = (
    uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)  # fmt: skip
JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
SYNTAXES = (*UNCOMPRESSED, *JPEG, *JPEG_LS, *JPEG_2000, uid.RLELossless)

MAKER = "attnmel"
"""Manufacturer of this program's own results."""

COLOURS = {
    "MONOCHROME1": 1, "MONOCHROME2": 1, "PALETTE COLOR": 1,
    "RGB": 3, "YBR_FULL": 3, "YBR_FULL_422": 3, "YBR_ICT": 3, "YBR_RCT": 3,
}  # fmt: skip
"""Samples of each photometric interpretation that is read."""

# Three times the largest image of ISIC 2017; the same bound as for other images.
MOST_PIXELS = 100_000_000
MOST_FRAMES = 1000

ATTRIBUTES = (
    "SOPClassUID", "Modality", "Manufacturer", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "Rows", "Columns",
    "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelAspectRatio",
    "PixelSpacing", "ImagerPixelSpacing", "ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "VOILUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "PresentationLUTShape", "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData", "ICCProfile", "OpticalPathSequence", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "PatientAge", "PatientSex", "BodyPartExamined", "AnatomicRegionSequence",
    "PrimaryAnatomicStructureSequence", "ImageLaterality", "Laterality",
)  # fmt: skip
"""Everything that is read of a file; nothing else is in memory, but for hashes of patients and for writing results."""


class Header(NamedTuple):
    """What is known of an image before its pixels are decoded."""

    name: str
    dataset: FileDataset
    width: int
    """As stored, before `PixelAspectRatio`."""
    height: int
    frames: int
    syntax: uid.UID


@contextmanager
def opened_image(
    source: Path | bytes, name: str, further: Sequence[str] = ()
) -> Iterator[tuple[Header, BufferedIOBase]]:
    """Give the checked header of a photograph, with `further` attributes, and the file, at its pixels.

    Raises:
        ImageError: it is damaged, no photograph, too large, or stored in a way that is not read.
    """
    with opened_dataset(source, name, (*ATTRIBUTES, *further)) as (dataset, file):
        yield _checked(dataset, name), file


def _checked(dataset: FileDataset, name: str) -> Header:
    kind = uid.UID(dataset.get("SOPClassUID", ""))
    modality = str(dataset.get("Modality") or "").strip()
    if kind not in PHOTOGRAPHS or modality not in MODALITIES:
        found = kind.name.removesuffix(" Storage") if kind.name != kind else "of an unknown kind"
        of_what = f" of modality {modality}" if kind in PHOTOGRAPHS and _is_code(modality) else ""
        raise ImageError(
            f"{name} is {found}{of_what}; expected a photograph: VL Photographic, Dermoscopic Photography, VL "
            "Microscopic or Endoscopic Image, or a Secondary Capture of one"
        )
    if dataset.get("Manufacturer") == MAKER:
        raise ImageError(f"{name} is a result of {MAKER}, no photograph; name the image that it was made from")
    syntax = uid.UID(dataset.file_meta.get("TransferSyntaxUID", ""))
    if syntax not in SYNTAXES:
        raise ImageError(
            f"{name} is stored as {syntax.name if syntax.name != syntax else 'an unknown transfer syntax'}; "
            "expected JPEG, JPEG-LS, JPEG 2000, RLE or uncompressed: convert it"
        )
    colours, samples = dataset.get("PhotometricInterpretation", ""), dataset.get("SamplesPerPixel", 1)
    if COLOURS.get(colours) != samples:
        found = f"{samples} samples of {colours}" if _is_code(colours) else "no photometric interpretation"
        raise ImageError(f"{name} has {found}; expected one of {', '.join(COLOURS)}: convert it")
    bits, stored = dataset.get("BitsAllocated"), dataset.get("BitsStored")
    if bits not in (8, 16) or not isinstance(stored, int) or not 1 <= stored <= bits:
        raise ImageError(f"{name} has {stored} bits stored of {bits}; expected 1 to 8 of 8, or 1 to 16 of 16")
    width, height = int(dataset.get("Columns") or 0), int(dataset.get("Rows") or 0)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if not 0 < width * height <= MOST_PIXELS or not 0 < frames <= MOST_FRAMES:
        raise ImageError(
            f"{name} is {width} x {height} pixels in {counted(frames, 'frame')} by its header, but at most "
            f"{MOST_PIXELS:,} pixels a frame and {MOST_FRAMES:,} frames are read"
        )
    return Header(name, dataset, width, height, frames, syntax)


def _is_code(value: object) -> bool:
    """Return whether a value is a code of the standard, not any text, so that a message may quote it."""
    return isinstance(value, str) and 0 < len(value) <= 16 and value.replace("_", "").replace(" ", "").isalnum()
