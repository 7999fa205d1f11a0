"""DICOM files of each kind show the colours that they were made of, and nothing but photographs is taken."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pydicom")
pytest.importorskip("libjpeg")

from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from tests.strangers.images.make_dicom import KINDS, PICTURE, SKIN, dermoscopy, grey, jpeg, write
from tests.strangers.images.make_images import P3_XY, icc

from attnmel.data.dicom.frames import frame_path
from attnmel.data.image_files.reading import read_image
from attnmel.data.preprocess.images import central_square, image_size, whole_frame

INNER = (slice(4, None, 8), slice(4, None, 8))
"""Pixels away from the borders of the squares, over which JPEG and its subsampled colours reach."""


def shown(path: Path) -> np.ndarray:
    return np.asarray(read_image(path).pixels)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_shows_its_colours(name: str, tmp_path: Path) -> None:
    case = KINDS[name](tmp_path, name)
    found = shown(tmp_path / case.name)
    assert found.shape == case.shown.shape
    apart = np.abs(found[INNER].astype(int) - case.shown[INNER])
    assert apart.max() <= case.tolerance, name


BARS = np.array(
    [[255, 0, 0], [255, 128, 128], [0, 255, 0], [128, 255, 128], [0, 0, 255], [128, 128, 255], [0, 0, 0], [64, 64, 64],
     [192, 192, 192], [255, 255, 255]]
)  # fmt: skip
"""The ten bars of pydicom's test files, written by DCMTK and GDCM, as its documentation gives them."""


@pytest.mark.parametrize(
    ("file", "tolerance"),
    [
        ("SC_rgb_dcmtk_+eb+cr.dcm", 2),
        ("SC_rgb_dcmtk_+eb+cy+n2.dcm", 6),
        ("SC_rgb_dcmtk_+eb+cy+s2.dcm", 6),
        ("SC_rgb_dcmtk_+eb+cy+s4.dcm", 6),
        ("SC_rgb_jpeg_dcmtk.dcm", 6),
        ("SC_rgb_jpeg_gdcm.dcm", 0),
        ("SC_rgb_gdcm_KY.dcm", 1),
        ("SC_rgb_jls_lossy_line.dcm", 3),
        ("SC_rgb_rle.dcm", 0),
        ("SC_rgb_rle_16bit.dcm", 0),
        ("SC_ybr_full_422_uncompressed.dcm", 6),
    ],
)
def test_files_of_other_programs_show_their_bars(file: str, tolerance: int) -> None:
    path = get_testdata_file(file, download=False)
    assert isinstance(path, str)
    found = shown(Path(path))[5::10, 50].astype(int)
    assert np.abs(found - BARS).max() <= tolerance


def test_a_jpeg_gives_the_same_pixels_in_and_out_of_dicom(tmp_path: Path) -> None:
    kinds = [jpeg(subsampling=2), jpeg(jfif=False, adobe=1), jpeg(progressive=True)]
    for number, encoded in enumerate(kinds):
        path = tmp_path / f"{number}.dcm"
        write(path, dermoscopy(PhotometricInterpretation="YBR_FULL_422"), [encoded], uid.JPEGBaseline8Bit)
        assert np.array_equal(shown(path), np.asarray(Image.open(BytesIO(encoded))))


def test_frames_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "three.dcm"
    frames = [np.full_like(PICTURE, value) for value in (10, 20, 30)]
    write(path, dermoscopy(NumberOfFrames=3), np.stack(frames).tobytes(), uid.ExplicitVRLittleEndian)
    assert [int(shown(frame_path(path, frame)).max()) for frame in (1, 2, 3)] == [10, 20, 30]


def test_oblong_pixels_are_made_square(tmp_path: Path) -> None:
    path = tmp_path / "oblong.dcm"
    write(path, dermoscopy(PixelAspectRatio=[2, 1]), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
    assert image_size(path) == (48, 64)
    assert shown(path).shape == (64, 48, 3)
    assert tuple(shown(path)[16, 8]) == SKIN
    assert read_image(path).reading.notes == ("48 x 32 oblong pixels made 48 x 64 square ones",)


def test_what_differs_from_the_declaration_is_said(tmp_path: Path) -> None:
    case = KINDS["jpeg-adobe-rgb-declared-ybr"](tmp_path, "a")
    assert read_image(tmp_path / case.name).reading.notes == (
        "it is declared YBR_FULL_422, but its JPEG says RGB, which is followed",
    )


def test_grey_without_a_window_has_the_range_of_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "dark.dcm"
    bits = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    write(path, grey(**bits), np.full((32, 48), 819, "<u2").tobytes(), uid.ExplicitVRLittleEndian)
    assert int(shown(path).max()) == 51


@pytest.mark.parametrize("place", ["the image", "its optical path"])
def test_a_profile_is_converted_as_that_of_other_images(place: str, tmp_path: Path) -> None:
    profile = icc("Display P3", P3_XY, None)
    path, plain = tmp_path / "a.dcm", tmp_path / "a.png"
    Image.fromarray(PICTURE).save(plain, icc_profile=profile)
    optical = Dataset()
    optical.ICCProfile = profile
    where = {"ICCProfile": profile} if place == "the image" else {"OpticalPathSequence": [optical]}
    write(path, dermoscopy(**where), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
    assert np.array_equal(shown(path), shown(plain))
    assert not np.array_equal(shown(path), PICTURE)
    assert read_image(path).reading.notes == read_image(plain).reading.notes
    write(path, dermoscopy(PhotometricInterpretation="YBR_FULL", **where), [jpeg()], uid.JPEGBaseline8Bit)
    assert np.abs(shown(path)[INNER].astype(int) - shown(plain)[INNER]).max() <= 4


def test_a_file_and_its_bytes_give_one_answer(tmp_path: Path) -> None:
    for name in ("jpeg-jfif", "rle"):
        case = KINDS[name](tmp_path, name)
        path = tmp_path / case.name
        assert np.array_equal(np.asarray(read_image(path.read_bytes()).pixels), shown(path))


@pytest.mark.parametrize(("ratio", "frame"), [(None, None), ([2, 1], None), (None, 2)])
def test_maps_as_dicom_lie_where_they_lie_on_the_picture(
    ratio: list[int] | None, frame: int | None, tmp_path: Path
) -> None:
    """A map of 2 x 2 on the central square: read by highdicom, each quarter is where the stored picture has it."""
    from highdicom.seg import segread

    from attnmel.data.dicom.results import Results, write_maps

    frames = 1 if frame is None else 2
    kind = uid.MultiFrameTrueColorSecondaryCaptureImageStorage if frame else uid.DermoscopicPhotographyImageStorage
    changes = {"SOPClassUID": kind, "Modality": "XC", "NumberOfFrames": frames}
    changes |= {"PixelAspectRatio": ratio} if ratio else {}
    write(tmp_path / "scan.dcm", dermoscopy(**changes), PICTURE.tobytes() * frames, uid.ExplicitVRLittleEndian)
    source = tmp_path / "scan.dcm" if frame is None else tmp_path / f"scan.dcm#{frame}"
    width, height = image_size(source)
    square = central_square(width, height, 1.0)
    map3, map4 = np.array([[1, 0], [0, 0.5]], np.float32), np.array([[0, 0], [1, 0]], np.float32)
    shown = {name: whole_frame(one, square, size=1, side=1) for name, one in (("pool3", map3), ("pool4", map4))}
    write_maps(tmp_path / "maps.dcm", source, shown, Results("maps"), "drawn")
    found = segread(tmp_path / "maps.dcm")
    assert (found.segmentation_type.value, found.number_of_segments) == ("FRACTIONAL", 2)
    assert [found.get_segment_description(number).segment_label for number in (1, 2)] == ["pool3", "pool4"]
    assert (found.Rows, found.Columns) == PICTURE.shape[:2]
    planes = found.pixel_array / 255
    assert planes.shape == (2, 32, 48)
    # The central square of the picture, in stored pixels: of 48 x 32, or of 48 x 64 with oblong ones.
    rows, columns = (slice(0, 32), slice(8, 40)) if ratio is None else (slice(4, 28), slice(0, 48))
    for plane, one in zip(planes, (map3, map4), strict=True):
        seen = plane[rows, columns]
        corners = [[seen[1, 1], seen[1, -2]], [seen[-2, 1], seen[-2, -2]]]
        np.testing.assert_allclose(corners, one, atol=0.1)
        plane[rows, columns] = 0
        assert plane.max() <= (0 if ratio is None else 0.51)  # resizing oblong pixels blurs the edge
    derived = found.PerFrameFunctionalGroupsSequence[1].DerivationImageSequence[0].SourceImageSequence[0]
    assert derived.ReferencedSOPClassUID == kind
    assert derived.get("ReferencedFrameNumber") == frame


def test_one_segmentation_is_made_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Highdicom in two threads at once has ended the process."""
    pytest.importorskip("highdicom")
    from attnmel.data.dicom import results

    source, original, inside, most = tmp_path / "scan.dcm", results.Segmentation, [0], [0]
    write(source, dermoscopy(Modality="XC", NumberOfFrames=1), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)

    def counted(**given: Any) -> Any:  # noqa: ANN401 - passed on
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        try:
            return original(**given)
        finally:
            inside[0] -= 1

    monkeypatch.setattr(results, "Segmentation", counted)
    maps = {"pool3": np.zeros(shown(source).shape[:2], np.float32)}
    written = results.Results("maps")
    with ThreadPoolExecutor(4) as pool:
        paths = [tmp_path / f"{number}.dcm" for number in range(4)]
        list(pool.map(lambda path: results.write_maps(path, source, maps, written, "drawn"), paths))
    assert most == [1]
    assert all(path.is_file() for path in paths)


def test_a_table_of_values_of_interest_is_followed(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor = [4, 0, 16]
    table.LUTData = np.array([65535, 0, 32768, 65535], "<u2").tobytes()
    path = tmp_path / "a.dcm"
    write(path, grey(VOILUTSequence=[table]), np.arange(4, dtype=np.uint8).repeat(384).tobytes(),
          uid.ExplicitVRLittleEndian)  # fmt: skip
    assert [int(level) for level in shown(path)[4::8, 0, 0]] == [255, 0, 128, 255]
