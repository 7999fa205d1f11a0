"""What is no photograph, too large, damaged or contradictory is refused in one sentence, before it is decoded."""

import contextlib
import importlib.util
import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
pytest.importorskip("libjpeg")

from pydicom import uid
from pydicom.dataset import Dataset
from tests.strangers.images.make_dicom import IDENTIFYING, PICTURE, dermoscopy, grey, identify, jpeg, write

from attnmel.data.dicom import read
from attnmel.data.dicom.header import ATTRIBUTES
from attnmel.data.dicom.pixels import StoredFrame
from attnmel.data.dicom.read import opened_dataset
from attnmel.data.image_files.reading import read_image
from attnmel.errors import ImageError

EXPLICIT = uid.ExplicitVRLittleEndian


def refused(path: Path) -> str:
    with pytest.raises(ImageError) as error:
        read_image(path)
    assert error.value.__cause__ is None or "Doe" not in str(error.value.__cause__)
    return str(error.value)


PHOTOGRAPH = (
    "expected a photograph: VL Photographic, Dermoscopic Photography, VL Microscopic or Endoscopic Image, or a "
    "Secondary Capture of one"
)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (dermoscopy(SOPClassUID=uid.CTImageStorage, Modality="CT"), f"a.dcm is CT Image; {PHOTOGRAPH}"),
        (
            dermoscopy(SOPClassUID=uid.SecondaryCaptureImageStorage, Modality="CT"),
            f"a.dcm is Secondary Capture Image of modality CT; {PHOTOGRAPH}",
        ),
        (dermoscopy(SOPClassUID=uid.UID("1.2.3.4")), f"a.dcm is of an unknown kind; {PHOTOGRAPH}"),
        (
            dermoscopy(Rows=20_000, Columns=20_000),
            "a.dcm is 20000 x 20000 pixels in 1 frame by its header, but at most 100,000,000 pixels a frame and 1,000 "
            "frames are read",
        ),
        (
            dermoscopy(NumberOfFrames=5000),
            "a.dcm is 48 x 32 pixels in 5,000 frames by its header, but at most 100,000,000 pixels a frame and 1,000 "
            "frames are read",
        ),
        (
            dermoscopy(NumberOfFrames=3),
            "a.dcm has 3 frames; name one, from a.dcm#1 to a.dcm#3",
        ),
        (
            dermoscopy(BitsAllocated=32, BitsStored=32),
            "a.dcm has 32 bits stored of 32; expected 1 to 8 of 8, or 1 to 16 of 16",
        ),
        (
            dermoscopy(PhotometricInterpretation="CMYK", SamplesPerPixel=4),
            "a.dcm has 4 samples of CMYK; expected one of MONOCHROME1, MONOCHROME2, PALETTE COLOR, RGB, YBR_FULL, "
            "YBR_FULL_422, YBR_ICT, YBR_RCT: convert it",
        ),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_used_is_named(dataset: Dataset, said: str, tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", dataset, PICTURE.tobytes(), EXPLICIT)
    assert refused(tmp_path / "a.dcm") == said


def test_a_transfer_syntax_that_is_not_read_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", dermoscopy(), [b"\0\0"], uid.MPEG4HP41)
    assert refused(tmp_path / "a.dcm").startswith(
        "a.dcm is stored as MPEG-4 AVC/H.264 High Profile / Level 4.1; expected"
    )


def test_a_frame_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", dermoscopy(), PICTURE.tobytes(), EXPLICIT)
    assert refused(tmp_path / "a.dcm#2") == "a.dcm has 1 frame, so there is no frame 2"


def test_a_frame_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    assert refused(tmp_path / "a.jpg#2") == "a.jpg#2 names a frame, which only a DICOM file has; leave out #2"


def test_a_jpeg_of_another_size_than_the_header_is_not_decoded(tmp_path: Path) -> None:
    declared = {"Rows": 16, "PhotometricInterpretation": "YBR_FULL"}
    write(tmp_path / "a.dcm", dermoscopy(**declared), [jpeg()], uid.JPEGBaseline8Bit)
    expected = "a.dcm is 48 x 16 pixels by its header, but its compressed picture is 48 x 32; replace it"
    assert refused(tmp_path / "a.dcm") == expected


def test_colours_that_cannot_be_known_are_refused(tmp_path: Path) -> None:
    from openjpeg.utils import encode_array

    codestream = encode_array(PICTURE, photometric_interpretation=1, use_mct=False)
    write(tmp_path / "a.dcm", dermoscopy(PhotometricInterpretation="YBR_ICT"), [codestream], uid.JPEG2000)
    assert refused(tmp_path / "a.dcm") == (
        "a.dcm is declared YBR_ICT, but its JPEG 2000 has no such transform, so that its colours are not known; "
        "convert it anew"
    )


def test_a_deflated_file_is_inflated_within_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dcm"
    write(path, grey(Rows=1000, Columns=1000), bytes(1_000_000), uid.DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 5000
    assert read_image(path).pixels.size == (1000, 1000)
    monkeypatch.setattr(read, "MOST_INFLATED", 100_000)
    assert refused(path) == "a.dcm inflates to more than 100,000 bytes; store it without deflation"


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.dcm", dermoscopy(), PICTURE.tobytes(), EXPLICIT)
    monkeypatch.setattr(read, "MOST_BYTES", 1000)
    assert refused(tmp_path / "a.dcm") == "a.dcm has 5.4 kB, but at most 1.0 kB are read; split it into frames"


def test_damage_is_named_and_quotes_nothing_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    write(path, identify(dermoscopy()), PICTURE.tobytes(), EXPLICIT)
    whole = path.read_bytes()
    for end in (140, 400, 900, len(whole) - 3000, len(whole) - 10):
        path.write_bytes(whole[:end])
        said = refused(path)
        assert said.startswith("a.dcm ")
        assert not [value for value in IDENTIFYING.values() if value in said]


def test_a_false_length_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    write(path, dermoscopy(ICCProfile=b"\0" * 64), PICTURE.tobytes(), EXPLICIT)
    whole = path.read_bytes()
    place = whole.index(struct.pack("<HH2sH", 0x0028, 0x2000, b"OB", 0)) + 8
    path.write_bytes(whole[:place] + struct.pack("<I", 0xFFFFFFF0) + whole[place + 4 :])
    assert "a.dcm" in refused(path)


def test_only_named_attributes_are_ever_read(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    write(path, identify(dermoscopy()), PICTURE.tobytes(), EXPLICIT)
    allowed = {"BodyPartExamined", "AnatomicRegionSequence"}
    assert not set(ATTRIBUTES) & set(IDENTIFYING) - allowed
    with opened_dataset(path, "a.dcm", ATTRIBUTES) as (dataset, _):
        found = {element.keyword for element in dataset}
    assert not found & (set(IDENTIFYING) - allowed)
    assert found <= {*ATTRIBUTES, "SpecificCharacterSet"}


def test_a_result_of_the_program_is_no_photograph(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", dermoscopy(Manufacturer="attnmel"), PICTURE.tobytes(), EXPLICIT)
    expected = "a.dcm is a result of attnmel, no photograph; name the image that it was made from"
    assert refused(tmp_path / "a.dcm") == expected


def test_a_missing_decoder_is_named_although_another_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.dcm", dermoscopy(), PICTURE.tobytes(), EXPLICIT)
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "libjpeg" else there(name))
    expected = "a.dcm is DICOM, but libjpeg is not installed; install it: pip install 'attnmel[dicom]'"
    assert refused(tmp_path / "a.dcm") == expected


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_never_ends_in_another_error(seed: int, tmp_path: Path) -> None:
    path, chance = tmp_path / "a.dcm", np.random.default_rng(seed)
    write(path, dermoscopy(PhotometricInterpretation="YBR_FULL_422"), [jpeg()], uid.JPEGBaseline8Bit)
    whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for _ in range(40):
        spoilt = whole.copy()
        places = chance.integers(132, min(1500, len(whole)), 4)
        spoilt[places] = chance.integers(0, 256, 4)
        path.write_bytes(spoilt.tobytes())
        with contextlib.suppress(ImageError):
            read_image(path)


def test_deflated_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    write(path, dermoscopy(), PICTURE.tobytes(), uid.DeflatedExplicitVRLittleEndian)
    path.write_bytes(path.read_bytes()[:420] + zlib.compress(b"nonsense"))
    assert refused(path).startswith("a.dcm ")


def test_a_decoder_that_hangs_keeps_no_other_file_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "hangs.dcm", grey(), np.zeros((32, 48), np.uint8).tobytes(), EXPLICIT)
    write(tmp_path / "a.dcm", dermoscopy(), PICTURE.tobytes(), EXPLICIT)
    begun, ended, samples = threading.Event(), threading.Event(), StoredFrame.samples

    def hangs(frame: StoredFrame, colours: str) -> np.ndarray:
        if colours == "MONOCHROME2":
            begun.set()
            assert ended.wait(60)
        return samples(frame, colours)

    monkeypatch.setattr(StoredFrame, "samples", hangs)
    filters = list(warnings.filters)
    with ThreadPoolExecutor(2) as threads:
        try:
            hanging = threads.submit(read_image, tmp_path / "hangs.dcm")
            assert begun.wait(60)
            other = threads.submit(read_image, tmp_path / "a.dcm").result(timeout=20)
            assert np.array_equal(np.asarray(other.pixels), PICTURE)
        finally:
            ended.set()
        hanging.result(timeout=20)
    assert warnings.filters == filters
