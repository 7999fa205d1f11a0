"""Small data sets in the layouts of their publishers, drawn as phantoms, with what is read of each."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from attnmel.data.phantoms.phantom import Phantom, draw_phantom

LABELS_2019 = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
LABELS_MILK = ("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC")


@cache
def phantom(is_melanoma: bool) -> Phantom:
    return draw_phantom(0, int(is_melanoma), height=48, width=64, diagnosis="melanoma" if is_melanoma else "nevus")


def picture(number: int, *, is_melanoma: bool = False) -> Image.Image:
    """Draw one photograph, which differs from every other in all of its colours."""
    shift = np.array([number % 13, number % 7, number % 31], dtype=np.int16)
    pixels = phantom(is_melanoma).image.astype(np.int16) - shift - number // 91
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def jpeg(number: int, *, is_melanoma: bool = False) -> bytes:
    buffer = io.BytesIO()
    picture(number, is_melanoma=is_melanoma).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def one_hot(image_id: str, diagnosis: str, names: Sequence[str]) -> list[object]:
    return [image_id, *(float(name == diagnosis) for name in names)]


def write_isic2019(mirror: Path) -> dict[str, tuple[str, str]]:
    """Write a mirror of ISIC 2019: ten lesions of each of eight diagnoses, 9 test images; id -> lesion, diagnosis.

    The first three images are known from other years under ids without their ending; every fourth lesion has two
    images, and the lesion of every fifth is not known.
    """
    year, images = mirror / "2019", {}
    for number in range(80):
        diagnosis = LABELS_2019[number % 8]
        for _ in range(1 + (number % 4 == 0)):
            ending = "_downsampled" if len(images) < 3 else ""
            lesion = "" if number % 5 == 4 else f"HAM_{number:07}"
            images[f"ISIC_{9_000_000 + len(images):07}{ending}"] = (lesion, diagnosis)
    tests = {f"ISIC_{9_100_000 + number}": LABELS_2019[number] for number in range(9)}
    header = ["image", *LABELS_2019]
    start = "ISIC_2019_"
    write_csv(
        year / f"{start}Training_GroundTruth.csv",
        header,
        (one_hot(image_id, diagnosis, LABELS_2019) for image_id, (_, diagnosis) in images.items()),
    )
    write_csv(
        year / f"{start}Training_Metadata.csv",
        ["image", "age_approx", "anatom_site_general", "lesion_id", "sex"],
        ([image_id, 55.0, "anterior torso", lesion, "female"] for image_id, (lesion, _) in images.items()),
    )
    write_csv(
        year / f"{start}Test_GroundTruth.csv",
        [*header, "score_weight", "validation_weight"],
        ([*one_hot(image_id, diagnosis, LABELS_2019), 1.0, 0.0] for image_id, diagnosis in tests.items()),
    )
    write_csv(
        year / f"{start}Test_Metadata.csv",
        ["image", "age_approx", "anatom_site_general", "sex"],
        ([image_id, "", "head/neck", ""] for image_id in tests),
    )
    ids = {"Training": list(images), "Test": list(tests)}
    melanomas = {image_id for image_id, (_, diagnosis) in images.items() if diagnosis == "MEL"}
    for part, some in ids.items():
        members = {
            f"{start}{part}_Input/{image_id}.jpg": jpeg(
                number + 200 * (part == "Test"), is_melanoma=image_id in melanomas
            )
            for number, image_id in enumerate(some)
        }
        write_zip(year / f"{start}{part}_Input.zip", {**members, f"{start}{part}_Input/LICENSE.txt": b"?"})
    return images


def write_isic2020(mirror: Path, patients: int = 24) -> dict[str, tuple[str, str, str]]:
    """Write a mirror of ISIC 2020: patients of 1, 2 or 9 images; id -> patient, diagnosis, benign or malignant.

    The second and the third image of the third patient are listed as duplicates of its first.
    """
    year, images = mirror / "2020", {}
    names = ("unknown", "nevus", "melanoma", "seborrheic keratosis")
    for patient in range(patients):
        for _ in range((1, 2, 9)[patient % 3]):
            name = names[patient % 4] if len(images) % 2 else "unknown"
            malignancy = "malignant" if name == "melanoma" else "benign"
            images[f"ISIC_{8_000_000 + len(images)}"] = (f"IP_{patient:07}", name, malignancy)
    header = ["image_name", "patient_id", "lesion_id", "sex", "age_approx", "anatom_site_general_challenge"]
    write_csv(
        year / "ISIC_2020_Training_GroundTruth_v2.csv",
        [*header, "diagnosis", "benign_malignant", "target"],
        (
            [image_id, patient, f"IL_{number:07}", "male", 45.0, "torso", name, word, int(word == "malignant")]
            for number, (image_id, (patient, name, word)) in enumerate(images.items())
        ),
    )
    first = list(images)[3:6]
    write_csv(
        year / "ISIC_2020_Training_Duplicates.csv",
        ["image_name_1", "image_name_2"],
        [[first[0], first[1]], [first[0], first[2]]],
    )
    write_zip(
        year / "ISIC_2020_Training_JPEG.zip",
        {
            f"train/{image_id}.jpg": jpeg(number + 300, is_melanoma=word == "malignant")
            for number, (image_id, (_, _, word)) in enumerate(images.items())
        },
    )
    return images


PH2_HEADER = (
    "||   Name || Histological Diagnosis | Clinical Diagnosis || Asymmetry | Pigment Network | Dots/Globules | Streaks "
    "| Regression Areas | Blue-Whitish Veil ||           Colors ||"
)
PH2_LEGEND = "\nLegends:\n\nClinical Diagnosis:\n      0 - Common Nevus; 1 - Atypical Nevus; 2 - Melanoma.\n"


def write_ph2(folder: Path, images: int = 20) -> dict[str, str]:
    """Write PH2Dataset/: every fifth a melanoma, the others common and atypical nevi; id -> diagnosis."""
    words = {"0": "common nevus", "1": "atypical nevus", "2": "melanoma"}
    place, codes = folder / "PH2Dataset", {}
    for number in range(images):
        name, code = f"IMD{number + 2:03}", "2" if number % 5 == 0 else str(number % 2)
        codes[name] = code
        own = place / "PH2 Dataset images" / name
        for part in ("Dermoscopic_Image", "lesion", "roi"):
            (own / f"{name}_{part}").mkdir(parents=True)
        picture(number + 500, is_melanoma=code == "2").save(own / f"{name}_Dermoscopic_Image" / f"{name}.bmp")
        mask = Image.fromarray(phantom(code == "2").mask)
        mask.save(own / f"{name}_lesion" / f"{name}_lesion.bmp")
        mask.save(own / f"{name}_roi" / f"{name}_R1_Label4.bmp")
    rows = [
        f"|| {name} ||{'               Melanoma' if code == '2' else ' ' * 24}||                  {code} ||         0 |"
        "               T |             A |       A |                A |                 A ||             3  4 ||"
        for name, code in codes.items()
    ]
    (place / "PH2_dataset.txt").write_text("\n".join([PH2_HEADER, *rows, PH2_LEGEND]), encoding="utf-8")
    return {name: words[code] for name, code in codes.items()}


def write_derm7pt(folder: Path, cases: int = 40) -> dict[str, tuple[str, str]]:
    """Write release_v0/: path of each dermoscopic image without its ending -> diagnosis as written, split.

    The table writes endings in other letters than the files have, as the publisher's does.
    """
    names = ("clark nevus", "melanoma (in situ)", "seborrheic keratosis", "melanoma metastasis", "miscellaneous")
    place = folder / "release_v0"
    (place / "images" / "NEL").mkdir(parents=True)
    sides: dict[str, list[int]] = {"train": [], "valid": [], "test": []}
    found, rows = {}, []
    for number in range(cases):
        name, side = names[number % 5], ("train", "train", "valid", "test")[(number // 5) % 4]
        sides[side].append(number)
        found[f"NEL/Nel{number:03}"] = (name, {"valid": "validation"}.get(side, side))
        image = picture(number + 600, is_melanoma=name.startswith("melanoma"))
        image.save(place / "images" / "NEL" / f"Nel{number:03}.jpg")
        image.transpose(Image.Transpose.ROTATE_90).save(place / "images" / "NEL" / f"NEL{number:03}c.JPG")
        rows.append(
            [number + 1, name, 2, "back", "female", f"NEL/Nel{number:03}c.jpg", f"NEL/Nel{number:03}.JPG", number]
        )
    header = ["case_num", "diagnosis", "seven_point_score", "location", "sex", "clinic", "derm", "case_id"]
    write_csv(place / "meta" / "meta.csv", header, rows)
    for side, numbers in sides.items():
        write_csv(place / "meta" / f"{side}_indexes.csv", ["indexes"], ([number] for number in numbers))
    return found


METADATA_MILK = [
    "lesion_id",
    "image_type",
    "isic_id",
    "attribution",
    "copyright_license",
    "image_manipulation",
    "age_approx",
    "sex",
    "skin_tone_class",
    "site",
]


def write_milk10k(mirror: Path, lesions: int = 33) -> dict[str, tuple[str, str]]:
    """Write a mirror of MILK10k: a clinical and a dermoscopic image a lesion; id of the latter -> lesion, diagnosis."""
    place, found, rows, members = mirror / "milk10k", {}, [], {}
    for number in range(lesions):
        lesion, diagnosis = f"IL_{number:07}", LABELS_MILK[number % 11]
        for kind in ("clinical: close-up", "dermoscopic"):
            image_id = f"ISIC_{7_000_000 + 2 * number + (kind == 'dermoscopic')}"
            rows.append([lesion, kind, image_id, "MILK study team", "CC-BY-NC", "", 60, "male", 4, "trunk"])
            content = jpeg(700 + len(members), is_melanoma=diagnosis == "MEL")
            members[f"MILK10k_Training_Input/{lesion}/{image_id}.jpg"] = content
        found[image_id] = (lesion, diagnosis)
    write_csv(place / "MILK10k_Training_Metadata.csv", METADATA_MILK, rows)
    write_csv(
        place / "MILK10k_Training_GroundTruth.csv",
        ["lesion_id", *LABELS_MILK],
        (one_hot(lesion, diagnosis, LABELS_MILK) for lesion, diagnosis in found.values()),
    )
    write_zip(place / "MILK10k_Training_Input.zip", members)
    return found


ARCHIVE_COLUMNS = [
    "isic_id",
    "attribution",
    "copyright_license",
    "age_approx",
    "anatom_site_1",
    "anatom_site_2",
    "anatom_site_3",
    "anatom_site_4",
    "anatom_site_5",
    "diagnosis_1",
    "diagnosis_2",
    "diagnosis_3",
    "diagnosis_4",
    "diagnosis_5",
    "diagnosis_confirm_type",
    "image_type",
    "lesion_id",
    "patient_id",
    "sex",
]

TREE: Mapping[str, tuple[str, ...]] = {
    "MEL": ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma Invasive"),
    "NV": ("Benign", "Benign melanocytic proliferations", "Nevus", "Nevus, Spitz"),
    "BCC": (
        "Malignant",
        "Malignant adnexal epithelial proliferations - Follicular",
        "Basal cell carcinoma",
        "Basal cell carcinoma, Nodular",
    ),
    "AK": ("Indeterminate", "Indeterminate epidermal proliferations", "Solar or actinic keratosis"),
    "SCC": ("Malignant", "Malignant epidermal proliferations", "Squamous cell carcinoma, Invasive"),
    "BKL": ("Benign", "Benign epidermal proliferations", "Seborrheic keratosis"),
    "DF": ("Benign", "Benign soft tissue proliferations - Fibro-histiocytic", "Dermatofibroma"),
    "VASC": ("Benign", "Benign soft tissue proliferations - Vascular", "Hemangioma"),
    "other benign": ("Benign", "Cysts", "Milium"),
    "other malignant": ("Malignant", "Merkel cell proliferation", "Merkel cell carcinoma"),
}
"""A branch of the archive's tree for each diagnosis."""


def archive_row(number: int, levels: Sequence[str], **others: str) -> dict[str, str]:
    """Give a row of the archive's table; `others` change its cells."""
    row = dict.fromkeys(ARCHIVE_COLUMNS, "")
    row |= {f"diagnosis_{place}": name for place, name in enumerate(levels, start=1)}
    row |= {
        "isic_id": f"ISIC_{6_000_000 + number}",
        "attribution": "Hospital, Clinic",
        "copyright_license": ("CC-0", "CC-BY", "CC-BY-NC")[number % 3],
        "age_approx": "85+" if number == 0 else "45",
        "anatom_site_1": "Trunk",
        "anatom_site_2": "Posterior trunk",
        "image_type": "dermoscopic",
        "lesion_id": f"IL_{number // 2:07}",
        "patient_id": f"IP_{number // 4:07}" if number % 2 else "",
        "sex": "female",
    }
    return row | others


def write_archive(folder: Path, rows: Sequence[Mapping[str, str]], *, images: bool = True) -> None:
    """Write what `isic image download` writes for these rows."""
    (folder / "licenses").mkdir(parents=True)
    write_csv(folder / "metadata.csv", list(rows[0]), ([*row.values()] for row in rows))
    (folder / "attribution.txt").write_text("Hospital, Clinic", encoding="utf-8")
    for number, row in enumerate(rows if images else ()):
        name = row["isic_id"]
        picture(800 + number, is_melanoma="(Melanoma)" in row.get("diagnosis_2", "")).save(
            folder / f"{name}.jpg", quality=95
        )


def archive_rows(count: int = 40) -> list[dict[str, str]]:
    """Give rows of every diagnosis of `TREE` in turn, ten images that cannot be used among them at the end."""
    branches = list(TREE.values())
    rows = [archive_row(number, branches[number % len(branches)]) for number in range(count)]
    unusable = [
        archive_row(count, ()),
        archive_row(count + 1, ("Malignant",)),
        archive_row(count + 2, ("Indeterminate", "Indeterminate melanocytic proliferations", "Atypical Spitz tumor")),
        archive_row(count + 3, branches[0], image_type="clinical: close-up"),
        archive_row(count + 4, branches[0], image_type="TBP tile: close-up"),
        archive_row(count + 5, branches[0], image_type=""),
    ]
    return rows + unusable
