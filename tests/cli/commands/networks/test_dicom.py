"""DICOM wherever images are taken, as a user meets it: the same numbers as of JPEG, and nobody's name in any output."""

import csv
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pydicom")
pytest.importorskip("libjpeg")
pytest.importorskip("highdicom")

from pydicom import dcmread, uid
from tests.strangers.images.make_dicom import IDENTIFYING, PICTURE, dermoscopy, identify, write

from attnmel.data.preprocess.images import image_size, whole_frame
from attnmel.files.folders import RunFolder
from attnmel.pipeline.predict.predict import predict_images
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

    Settings = Callable[..., list[str]]


@pytest.fixture
def run(calibrated: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(calibrated.path, tmp_path / "run")))


@pytest.fixture
def clinic(phantoms: "Phantoms", tmp_path: Path) -> Path:
    """The test images of the phantoms, each JPEG inside DICOM with all that identifies a patient."""
    source, folder = phantoms.home / "data" / "phantoms", tmp_path / "clinic"
    folder.mkdir()
    with next(source.glob("*Test*Part3*.csv")).open(newline="") as file:
        truth = {row["image_id"]: bool(float(row["melanoma"])) for row in csv.DictReader(file)}
    rows = ["image,label"]
    for number, image in enumerate(sorted(source.glob("*Test*Data/*.jpg"))):
        width, height = image_size(image)
        dataset = identify(
            dermoscopy(
                Rows=height,
                Columns=width,
                PhotometricInterpretation="YBR_FULL_422",
                PatientAge=f"{40 + 5 * number:03d}Y",
                PatientSex="FM"[number % 2],
                ImageLaterality="LR"[number % 2],
                SOPInstanceUID=f"1.2.3.98765.{number}",
                StudyInstanceUID=f"1.2.3.87654.{number}",
            )
        )
        write(folder / f"{image.stem}.dcm", dataset, [image.read_bytes()], uid.JPEGBaseline8Bit)
        rows.append(f"{image.stem}.dcm,{'melanoma' if truth[image.stem] else 'rest'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def contents(folders: Iterable[Path]) -> bytes:
    """Everything in the files of some folders, also inside of archives."""
    found = []
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        found.append(path.read_bytes())
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found += [archive.read(name) for name in archive.namelist()]
    return b"\n".join(found)


def assert_nobody(text: bytes) -> None:
    values = [*IDENTIFYING.values(), "1.2.3.98765", "1.2.3.87654", "Jane"]
    named = [value for value in values for code in ("utf-8", "utf-16-le") if value.encode(code) in text]
    assert not named


def test_a_folder_of_dicom_gives_the_numbers_of_its_jpegs_and_its_groups(
    attnmel: "Attnmel", run: RunFolder, clinic: Path, phantoms: "Phantoms"
) -> None:
    ran = attnmel("evaluate", run.path, "--on", clinic, "--home", phantoms.home, "--json")
    assert ran.code == 0, ran.err
    before = Predictions.read(run.predictions("test"), uncalibrated=True)
    found = Predictions.read(run.predictions("clinic-all"), uncalibrated=True)
    order = [found.image_ids.index(one) for one in before.image_ids]
    # Both were brought to a temperature and back, which rounds.
    np.testing.assert_allclose(found.probabilities[order], before.probabilities, atol=1e-7)
    assert found.attributes["sex"] == ("female", "male") * 6
    assert found.attributes["laterality"] == ("left", "right") * 6
    assert found.attributes["age"][:2] == ("40", "45")
    assert found.attributes["age"][-1] == "90"
    assert "site" not in found.attributes
    assert_nobody(contents([run.path]) + ran.out.encode() + ran.err.encode())


def test_no_prediction_holds_what_identifies_a_patient(
    attnmel: "Attnmel", exported: Path, clinic: Path, tmp_path: Path
) -> None:
    damaged, out, some = tmp_path / "damaged.dcm", tmp_path / "out", sorted(clinic.glob("*.dcm"))[:2]
    damaged.write_bytes(some[0].read_bytes()[:1500])
    out.mkdir()
    said = attnmel("predict", exported, damaged, *some, "--out", out / "table.csv", "--maps", out / "maps")
    assert said.code == 1
    assert (out / "table.csv").read_text().count(".dcm,0.") == 2
    assert_nobody(contents([out]) + said.out.encode() + said.err.encode())


@pytest.mark.slow
def test_no_other_output_holds_what_identifies_a_patient(
    attnmel: "Attnmel", run: RunFolder, clinic: Path, phantoms: "Phantoms", tmp_path: Path, settings: "Settings"
) -> None:
    out = tmp_path / "out"
    data = settings(f"data.dataset={clinic}", "loss.prior=none")
    commands = [
        ("evaluate", run.path, "--on", clinic, "--home", phantoms.home),
        ("report", run.path, "--home", phantoms.home),
        ("predict", run.path, clinic, "--json", "--out", out / "table.json"),
        ("verify", clinic, "--out", out / "sheet.html", "--home", tmp_path / "home"),
        ("audit", clinic, "--out", out / "audit.html", "--home", tmp_path / "home"),
        ("explain", run.path, next(clinic.glob("*.dcm")), "--out", out / "explained"),
        ("train", "demo", *data, "--out", out / "run", "--home", tmp_path / "home"),
    ]
    out.mkdir()
    said = [attnmel(*command) for command in commands]
    trained = next((out / "run").rglob("best.safetensors")).parent
    said.append(attnmel("export", trained, "--onnx", "--out", out / "model.onnx", "--home", tmp_path / "home"))
    assert [(one.code, one.err) for one in said if one.code] == []
    everything = contents([out, run.path, tmp_path / "home"])
    assert_nobody(everything + "".join(one.out + one.err for one in said).encode())


def test_results_as_dicom_are_filed_with_their_source_and_say_research(
    attnmel: "Attnmel", run: RunFolder, clinic: Path, tmp_path: Path
) -> None:
    source = next(clinic.glob("*.dcm"))
    ran = attnmel("predict", run.path, source, "--dicom-out", tmp_path / "results")
    assert ran.code == 0, ran.err
    names = [f"{source.stem}-{name}.dcm" for name in ("attention", "pool3", "pool4")]
    attention, *files = sorted((tmp_path / "results").glob("*.dcm"))
    assert [path.name for path in (attention, *files)] == names
    given, results = dcmread(source), [dcmread(path) for path in files]
    assert results[0].SOPInstanceUID != results[1].SOPInstanceUID
    assert results[0].SeriesInstanceUID == results[1].SeriesInstanceUID != given.SeriesInstanceUID
    for result in results:
        assert result.SOPClassUID == uid.SecondaryCaptureImageStorage
        assert result.SeriesDescription == "Research use only, not for diagnosis: lesion classification"
        assert result.StudyInstanceUID == given.StudyInstanceUID
        assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == given.SOPInstanceUID
        assert (result.PatientName, result.PatientID) == ("Doe^Jane", "MRN4711")
        assert result.pixel_array.shape[2] == 3
    maps = dcmread(attention)
    assert (maps.StudyInstanceUID, maps.Modality) == (given.StudyInstanceUID, "SEG")
    assert maps.SeriesInstanceUID not in (given.SeriesInstanceUID, results[0].SeriesInstanceUID)
    (predicted,) = predict_images(run.path, [source])
    assert predicted.seen is not None
    for stored, one in zip(maps.pixel_array, predicted.attention.values(), strict=True):
        expected = whole_frame(one, predicted.seen.squares[0], size=1, side=1)
        np.testing.assert_allclose(stored / 255, expected, atol=0.51 / 255)
    copied = {"PatientName", "PatientID", "PatientBirthDate", "IssuerOfPatientID", "StudyDate", "StudyTime", "StudyID",
              "AccessionNumber"}  # fmt: skip
    text = contents([tmp_path / "results"])
    assert not [name for name, value in IDENTIFYING.items() if name not in copied and value.encode() in text]


def test_masks_as_dicom_are_segmentations_in_the_size_of_the_source(
    attnmel: "Attnmel", segmenter: RunFolder, tmp_path: Path
) -> None:
    source = tmp_path / "images" / "scan.dcm"
    source.parent.mkdir()
    frames = np.stack([PICTURE, PICTURE[::-1]])
    kind = uid.MultiFrameTrueColorSecondaryCaptureImageStorage
    given = dermoscopy(SOPClassUID=kind, Modality="XC", NumberOfFrames=2, PixelAspectRatio=[2, 1])
    write(source, given, frames.tobytes(), uid.ExplicitVRLittleEndian)
    masks, results = tmp_path / "masks", tmp_path / "results"
    ran = attnmel("segment", "predict", segmenter.path, source, "--out", masks, "--dicom-out", results)
    assert ran.code == 0, ran.err
    drawn = sorted(masks.glob("*.png"))
    assert [path.name.replace(".png", "") for path in sorted(results.glob("*.dcm"))] == [
        f"{path.stem.removesuffix('_segmentation')}-mask.dcm" for path in drawn
    ]
    for path, mask in zip(sorted(results.glob("*.dcm")), drawn, strict=True):
        result = dcmread(path)
        assert result.SOPClassUID == uid.SegmentationStorage
        stored = np.asarray(Image.open(mask).resize((48, 32), Image.Resampling.NEAREST)) > 127
        assert np.array_equal(result.pixel_array.astype(bool), stored)
        number = int(mask.stem.split("#")[1].split("_")[0])
        derived = result.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
        assert (derived.ReferencedSOPClassUID, derived.ReferencedFrameNumber) == (kind, number)
        assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == given.SOPInstanceUID


def test_each_frame_is_a_row(attnmel: "Attnmel", exported: Path, tmp_path: Path) -> None:
    file = BytesIO()
    Image.fromarray(PICTURE).save(file, "JPEG", quality=95)
    write(tmp_path / "scan", dermoscopy(NumberOfFrames=2, PhotometricInterpretation="YBR_FULL_422"),
          [file.getvalue()] * 2, uid.JPEGBaseline8Bit)  # fmt: skip
    (tmp_path / "scan.jpg").write_bytes(file.getvalue())
    ran = attnmel("predict", exported, tmp_path / "scan", tmp_path / "scan#2", tmp_path / "scan.jpg", "--json")
    assert ran.code == 0, ran.err
    images = json.loads(ran.out)["images"]
    assert [Path(one["image"]).name for one in images] == ["scan#1", "scan#2", "scan#2", "scan.jpg"]
    assert len({one["probabilities"]["melanoma"] for one in images}) == 1


def test_dicom_results_of_other_images_are_refused(attnmel: "Attnmel", exported: Path, tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    ran = attnmel("predict", exported, tmp_path / "a.png", "--dicom-out", tmp_path / "results")
    assert ran.code == 1
    assert "for DICOM images only, and there is none; leave out --dicom-out" in ran.err
    assert not (tmp_path / "results").exists()
