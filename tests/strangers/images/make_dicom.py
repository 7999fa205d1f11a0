"""Small DICOM files of each transfer syntax and kind of colour, each with the colours that a viewer shows.

The picture is two rows of three flat squares: skin, a brown lesion, red, green, blue and grey.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from openjpeg.utils import encode_array
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from tests.strangers.images.jpeg_encoders import lossless_jpeg, twelve_bit_jpeg

BLOCK = 16
SKIN, BROWN, RED, GREEN, BLUE, GREY = (
    (224, 172, 150),
    (110, 62, 40),
    (200, 30, 30),
    (30, 160, 60),
    (30, 50, 190),
    (127, 127, 127),
)
COLOURS = np.array([[SKIN, BROWN, RED], [GREEN, BLUE, GREY]], dtype=np.uint8)
PICTURE = COLOURS.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
"""uint8 [32 48 3]."""
LEVELS = np.array([[0, 40, 90], [140, 200, 255]], dtype=np.uint8).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
"""Greys, uint8 [32 48]."""

IDENTIFYING = {
    "PatientName": "Doe^Jane", "PatientID": "MRN4711", "PatientBirthDate": "19600102", "PatientAddress": "Elm Street 9",
    "PatientTelephoneNumbers": "5550199", "OtherPatientIDs": "OTHER815", "PatientMotherBirthName": "Maiden",
    "PatientComments": "Lives next door", "AccessionNumber": "ACC99", "ReferringPhysicianName": "House^Gregory",
    "PerformingPhysicianName": "Cuddy^Lisa", "OperatorsName": "Foreman^Eric", "InstitutionName": "Plainsboro",
    "InstitutionAddress": "Princeton 1", "InstitutionalDepartmentName": "Derm4", "StationName": "STATION7",
    "DeviceSerialNumber": "SERIAL42", "StudyDate": "20240304", "StudyID": "STUDY77", "StudyDescription": "Mole of Jane",
    "SeriesDescription": "Jane left arm", "ImageComments": "Tattoo says Joe", "ProtocolName": "Doe protocol",
    "RequestingPhysician": "Wilson^James", "EthnicGroup": "Martian", "Occupation": "Astronaut",
    "AdditionalPatientHistory": "Cousin of Joe", "BodyPartExamined": "JANES ARM", "IssuerOfPatientID": "ISSUER3",
    "CountryOfResidence": "Freedonia", "MilitaryRank": "Admiral", "PatientReligiousPreference": "Pastafarian",
    "RequestedProcedureDescription": "Shave Joe", "ContentCreatorName": "Chase^Robert", "DeviceUID": "1.2.3.4711.5",
    "PersonName": "Cameron^Allison", "StudyTime": "235958", "PatientInsurancePlanCodeSequence": "Plan B of Jane",
    "AnatomicRegionSequence": "The arm of Jane Doe",
}  # fmt: skip
"""Values that no output may hold, by attribute."""


def identify(dataset: Dataset) -> Dataset:
    """Plant every identifying value in an image; in a sequence it is the meaning of a code."""
    for name, value in IDENTIFYING.items():
        if name.endswith("Sequence"):
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "J1", "99JANE", value
            setattr(dataset, name, [item])
        else:
            setattr(dataset, name, value)
    return dataset


class Case(NamedTuple):
    """One file with the picture that a viewer shows of it."""

    name: str
    shown: np.ndarray
    """RGB, uint8 [H W 3]."""
    tolerance: int
    """Grey levels, for lossy compression and rounding."""


def write_cases(folder: Path) -> list[Case]:
    """Write every file of `KINDS` and return them with what is right."""
    folder.mkdir(parents=True, exist_ok=True)
    return [make(folder, name) for name, make in KINDS.items()]


def dermoscopy(**changes: object) -> Dataset:
    """Return a Dermoscopic Photography image with RGB of 8 bits and no pixels; `None` takes an attribute away."""
    dataset = Dataset()
    dataset.SOPClassUID = uid.DermoscopicPhotographyImageStorage
    dataset.SOPInstanceUID = uid.generate_uid(entropy_srcs=["instance"])
    dataset.StudyInstanceUID = uid.generate_uid(entropy_srcs=["study"])
    dataset.SeriesInstanceUID = uid.generate_uid(entropy_srcs=["series"])
    dataset.Modality = "DMS"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "MRN4711"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *PICTURE.shape[:2], 3
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    for name, value in changes.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    return dataset


def grey(**changes: object) -> Dataset:
    """Return an image of one sample a pixel and no pixels."""
    return dermoscopy(
        **{"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PlanarConfiguration": None, **changes}
    )


def write(path: Path, dataset: Dataset, pixels: bytes | Sequence[bytes], syntax: str) -> None:
    """Write a file; a list of bytes is of compressed frames."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if isinstance(pixels, bytes):
        dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
        dataset["PixelData"].VR = "OW" if dataset.BitsAllocated > 8 else "OB"
    else:
        dataset.PixelData = encapsulate(list(pixels))
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dcmwrite(path, dataset, enforce_file_format=True)


def _case(
    dataset: Callable[[], Dataset],
    pixels: Callable[[], bytes | Sequence[bytes]],
    syntax: str = uid.ExplicitVRLittleEndian,
    *,
    shown: np.ndarray = PICTURE,
    tolerance: int = 0,
) -> Callable[[Path, str], Case]:
    def make(folder: Path, name: str) -> Case:
        write(folder / f"{name}.dcm", dataset(), pixels(), syntax)
        return Case(f"{name}.dcm", shown, tolerance)

    return make


def jpeg(
    *, rgb: bool = False, jfif: bool = True, adobe: int | None = None, ids: bytes = b"\1\2\3", **how: object
) -> bytes:
    """Return the picture as JPEG; its segments say what is wanted, whatever its components are."""
    file = BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG", quality=98, keep_rgb=rgb, **{"subsampling": 0, **how})
    parts = file.getvalue()
    return _reworded(parts, jfif, adobe, ids)


def _reworded(parts: bytes, jfif: bool, adobe: int | None, ids: bytes) -> bytes:
    """Return a JPEG with other segments about its colours."""
    said = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" * jfif
    said += b"" if adobe is None else b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([adobe])
    words, place = [b"\xff\xd8", said], 2
    while parts[place + 1] != 0xDA:
        marker, length = parts[place + 1], int.from_bytes(parts[place + 2 : place + 4])
        segment = bytearray(parts[place : place + 2 + length])
        if marker == 0xC0:
            segment[10::3] = ids
        words += [bytes(segment)] if marker not in (0xE0, 0xEE) else []
        place += 2 + length
    scan = bytearray(parts[place:])
    scan[5:11:2] = ids
    return b"".join([*words, bytes(scan)])


def _ybr(pixels: np.ndarray) -> np.ndarray:
    """Return YCbCr of all levels (PS3.3, C.7.6.3.1.2), rounded."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return np.rint(pixels @ matrix.T + [0, 128, 128]).clip(0, 255).astype(np.uint8)


def _ybr_422() -> bytes:
    whole = _ybr(PICTURE)
    pairs = np.stack([whole[:, ::2, 0], whole[:, 1::2, 0], whole[:, ::2, 1], whole[:, ::2, 2]], axis=-1)
    return pairs.tobytes()


def _palette() -> Dataset:
    dataset = grey(PhotometricInterpretation="PALETTE COLOR")
    table = COLOURS.reshape(6, 3).astype("<u2") * 257
    for channel, name in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [6, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", table[:, channel].tobytes())
    return dataset


def _indices() -> bytes:
    return np.arange(6, dtype=np.uint8).reshape(2, 3).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1).tobytes()


def _as_grey(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels[..., None], 3, axis=2)


def _sixteen(stored: int) -> dict[str, int]:
    return {"BitsAllocated": 16, "BitsStored": stored, "HighBit": stored - 1}


def _jpeg_2000(pixels: np.ndarray, bits: int, *, transform: bool = True, lossy: bool = False) -> list[bytes]:
    colours = 1 if pixels.ndim == 3 else 2
    ratios = [3.0] if lossy else None
    return [encode_array(pixels, bits, colours, use_mct=transform, compression_ratios=ratios)]


def _compressed(pixels: np.ndarray, syntax: str) -> Callable[[Path, str], Case]:
    def make(folder: Path, name: str) -> Case:
        dataset = dermoscopy(**_sixteen(16)) if pixels.dtype == np.uint16 else dermoscopy()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.compress(syntax, pixels, generate_instance_uid=False)
        dcmwrite(folder / f"{name}.dcm", dataset, enforce_file_format=True)
        return Case(f"{name}.dcm", PICTURE, 0)

    return make


WINDOW = {"WindowCenter": 1000, "WindowWidth": 1000}
"""Black at 500, white at 1499 (PS3.3, C.11.2.1.2.1: linear)."""
TWELVE = np.array([[0, 500, 700], [1000, 1499, 4095]])
TWELVE_SHOWN = [[0, 0, 51], [128, 255, 255]]


def _blocks(values: np.ndarray | list[list[int]], kind: str) -> np.ndarray:
    return np.asarray(values).astype(kind).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def _planes() -> bytes:
    return PICTURE.transpose(2, 0, 1).tobytes()


KINDS: dict[str, Callable[[Path, str], Case]] = {
    "explicit-little-endian": _case(dermoscopy, PICTURE.tobytes),
    "implicit-little-endian": _case(dermoscopy, PICTURE.tobytes, uid.ImplicitVRLittleEndian),
    "explicit-big-endian": _case(dermoscopy, PICTURE.tobytes, uid.ExplicitVRBigEndian),
    "deflated": _case(dermoscopy, PICTURE.tobytes, uid.DeflatedExplicitVRLittleEndian),
    "planes": _case(lambda: dermoscopy(PlanarConfiguration=1), _planes),
    "ybr-full": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL"), lambda: _ybr(PICTURE).tobytes(), tolerance=2
    ),
    "ybr-full-422": _case(lambda: dermoscopy(PhotometricInterpretation="YBR_FULL_422"), _ybr_422, tolerance=2),
    "rgb-declared-ybr-422": _case(lambda: dermoscopy(PhotometricInterpretation="YBR_FULL_422"), PICTURE.tobytes),
    "palette": _case(_palette, _indices),
    "monochrome2": _case(grey, LEVELS.tobytes, shown=_as_grey(LEVELS)),
    "monochrome1": _case(
        lambda: grey(PhotometricInterpretation="MONOCHROME1"), LEVELS.tobytes, shown=_as_grey(255 - LEVELS)
    ),
    "12-bit-window": _case(
        lambda: grey(**_sixteen(12), **WINDOW),
        lambda: _blocks(TWELVE, "<u2").tobytes(),
        shown=_as_grey(_blocks(TWELVE_SHOWN, "u1")),
    ),
    "12-bit-big-endian": _case(
        lambda: grey(**_sixteen(12)),
        lambda: (LEVELS.astype(np.uint16) * 16).astype(">u2").tobytes(),
        uid.ExplicitVRBigEndian,
        shown=_as_grey(LEVELS),
        tolerance=1,
    ),
    "16-bit-signed-rescaled": _case(
        lambda: grey(**_sixteen(16), PixelRepresentation=1, RescaleSlope=1, RescaleIntercept=1000, **WINDOW),
        lambda: (_blocks(TWELVE, "<i2") - 1000).tobytes(),
        shown=_as_grey(_blocks(TWELVE_SHOWN, "u1")),
    ),
    "rgb-12-of-16-bits": _case(
        lambda: dermoscopy(**_sixteen(12)),
        lambda: np.rint(PICTURE * (4095 / 255)).astype("<u2").tobytes(),
    ),
    "rle": _compressed(PICTURE, uid.RLELossless),
    "rle-16-bits": _compressed(PICTURE.astype(np.uint16) * 257, uid.RLELossless),
    "jpeg-ls": _compressed(PICTURE, uid.JPEGLSLossless),
    "jpeg-jfif": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL_422"),
        lambda: [jpeg(subsampling=1)],
        uid.JPEGBaseline8Bit,
        tolerance=3,
    ),
    "jpeg-adobe-ycbcr": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL_422"),
        lambda: [jpeg(jfif=False, adobe=1, subsampling=1)],
        uid.JPEGBaseline8Bit,
        tolerance=3,
    ),
    "jpeg-adobe-rgb-declared-ybr": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL_422"),
        lambda: [jpeg(rgb=True, jfif=False, adobe=0)],
        uid.JPEGBaseline8Bit,
        tolerance=3,
    ),
    "jpeg-named-rgb-declared-ybr": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL"),
        lambda: [jpeg(rgb=True, jfif=False, ids=b"RGB")],
        uid.JPEGBaseline8Bit,
        tolerance=3,
    ),
    "jpeg-ycbcr-declared-rgb": _case(dermoscopy, lambda: [jpeg()], uid.JPEGBaseline8Bit, tolerance=3),
    "jpeg-silent-rgb": _case(dermoscopy, lambda: [jpeg(rgb=True, jfif=False)], uid.JPEGBaseline8Bit, tolerance=3),
    "jpeg-silent-ycbcr": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL"),
        lambda: [jpeg(jfif=False)],
        uid.JPEGBaseline8Bit,
        tolerance=3,
    ),
    "jpeg-12-bits": _case(
        lambda: grey(**_sixteen(12), **WINDOW),
        lambda: [twelve_bit_jpeg(TWELVE.repeat(2, axis=0).repeat(2, axis=1))],
        uid.JPEGExtended12Bit,
        shown=_as_grey(_blocks(TWELVE_SHOWN, "u1")),
        tolerance=1,
    ),
    "jpeg-lossless": _case(dermoscopy, lambda: [lossless_jpeg(PICTURE, 8)], uid.JPEGLosslessSV1),
    "jpeg-lossless-ybr": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL"),
        lambda: [lossless_jpeg(_ybr(PICTURE), 8)],
        uid.JPEGLossless,
        tolerance=2,
    ),
    "jpeg-lossless-16-bits": _case(
        lambda: grey(**_sixteen(16)),
        lambda: [lossless_jpeg(LEVELS.astype(np.uint16) * 257, 16)],
        uid.JPEGLosslessSV1,
        shown=_as_grey(LEVELS),
    ),
    "jpeg2000-rct": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_RCT"), lambda: _jpeg_2000(PICTURE, 8), uid.JPEG2000Lossless
    ),
    "jpeg2000-ict": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_ICT"),
        lambda: _jpeg_2000(PICTURE, 8, lossy=True),
        uid.JPEG2000,
        tolerance=6,
    ),
    "jpeg2000-no-transform": _case(dermoscopy, lambda: _jpeg_2000(PICTURE, 8, transform=False), uid.JPEG2000Lossless),
    "jpeg2000-ybr-full": _case(
        lambda: dermoscopy(PhotometricInterpretation="YBR_FULL"),
        lambda: _jpeg_2000(_ybr(PICTURE), 8, transform=False),
        uid.JPEG2000Lossless,
        tolerance=2,
    ),
    "jpeg2000-12-bits": _case(
        lambda: grey(**_sixteen(12), **WINDOW),
        lambda: _jpeg_2000(_blocks(TWELVE, "u2"), 12),
        uid.JPEG2000Lossless,
        shown=_as_grey(_blocks(TWELVE_SHOWN, "u1")),
    ),
}
"""By name of the file without its ending."""
