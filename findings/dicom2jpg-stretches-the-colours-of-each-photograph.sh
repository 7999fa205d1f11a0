#!/usr/bin/env bash
# dicom2jpg writes a colour photograph with other colours, and the same skin with others again if something dark or bright is beside it.
#
# What happens. Each picture is stretched so that its lowest value of all three channels becomes 0 and its highest 255. That is what
# CT and radiographs need; on 8-bit RGB it changes the ratio of red to blue, hence the hue, by an amount that depends on the darkest
# and the brightest spot. A picture that has pure black and pure white (a ruler, the surround of the dermatoscope) is left as it is.
#
# From: dicom2jpg 0.1.10, utils.py, `_pixel_process`, used for files and arrays alike; the package's page says that pictures look as in
# a viewer and names RGB among what it is for. By the standard (PS3.3 C.11.2) windows and such are for monochrome pictures.
#
# Why it matters here. Dermoscopic photographs come as DICOM too (Dermoscopic Photography Image Storage), and the colours are the
# diagnosis; a set converted so has a colour that tells which pictures show a ruler. The program reads the stored values.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# Without its dependencies, which hold decoders for compressed files and an OpenCV that needs a display's libraries.
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" --no-deps \
  dicom2jpg==0.1.10 pydicom==3.0.2 numpy==2.4.6 opencv-python-headless==5.0.0.93 >&2 || exit 2

PYTHONPATH=$place "$python" - "$place/files" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import dicom2jpg
import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DermoscopicPhotographyImageStorage, ExplicitVRLittleEndian

folder = Path(sys.argv[1])
SKIN, LESION = [200, 150, 130], [110, 70, 60]


def written(name: str, rgb: np.ndarray) -> Path:
    """Write an uncompressed RGB photograph as DICOM."""
    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = DermoscopicPhotographyImageStorage, "1.2.3.4"
    one.Modality, one.PatientID, one.StudyDate, one.StudyTime, one.AccessionNumber = "DMS", name, "20260101", "120000", "1"
    one.SeriesNumber, one.InstanceNumber = 1, 1
    one.PhotometricInterpretation, one.SamplesPerPixel, one.PlanarConfiguration = "RGB", 3, 0
    one.Rows, one.Columns = rgb.shape[:2]
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8, 8, 7, 0
    one.PixelData = rgb.tobytes()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    (folder / name).mkdir(parents=True)
    one.save_as(folder / name / "one.dcm", enforce_file_format=True)
    return folder / name / "one.dcm"


plain = np.full((64, 64, 3), SKIN, np.uint8)
plain[20:40, 20:40] = LESION
ruled = plain.copy()
ruled[:4, ::2], ruled[:4, 1::2] = 0, 255  # black and white along the border
hair = plain.copy()
hair[:, 50] = 30
seen, stored, files = {}, {}, {}
for name, picture in {"plain": plain, "hair": hair, "ruler": ruled}.items():
    path = written(name, picture)
    stored[name] = np.array_equal(dcmread(path).pixel_array, picture)
    seen[name] = dicom2jpg.dicom2img(path)
    dicom2jpg.dicom2png(path, multiprocessing=False)
    (saved,) = (folder / name).rglob("*.png")
    files[name] = cv2.imread(str(saved))[:, :, ::-1]
print(", ".join(f"{name} {version(name)}" for name in ("dicom2jpg", "pydicom", "numpy")))
print(f"guessed: skin of {SKIN} and a lesion of {LESION} in every picture, as pydicom reads them: {stored}")
for name, picture in seen.items():
    skin, lesion = picture[10, 10].tolist(), picture[30, 30].tolist()
    same = np.array_equal(picture, files[name])
    print(f"seen: {name}: skin {skin}, lesion {lesion}, red to blue {skin[0] / skin[2]:.2f}; the PNG file holds {'the same' if same else 'other values'}")
ratio = {name: picture[10, 10, 0] / picture[10, 10, 2] for name, picture in seen.items()}
apart = ratio["plain"] > 1.8 and 1.6 < ratio["hair"] < ratio["plain"] and np.array_equal(seen["ruler"], ruled)
sys.exit(not (all(stored.values()) and apart and all(np.array_equal(seen[name], files[name]) for name in seen)))
PYTHON
