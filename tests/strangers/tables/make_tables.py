"""Tables of labels and submissions as other people's programs write them, each with its right answer."""

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

Answer = tuple[tuple[str, str, str | None, dict[str, str]], ...]
"""Image id, class, group and attributes of each image, for the classes rest and melanoma."""


@dataclass(frozen=True)
class StrangeFolder:
    """A folder of images whose labels.csv is in another form than the plain one."""

    name: str
    table: bytes
    files: tuple[str, ...]
    answer: Answer
    columns: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """A part of each note, in order."""


@dataclass(frozen=True)
class StrangeSubmission:
    """A submission to ISIC 2017 or 2018 in another form than the official one."""

    name: str
    dataset: str
    table: bytes
    notes: tuple[str, ...]
    """All of them, without the name of the file before them."""
    columns: dict[str, str] = field(default_factory=dict)


THREE = ("a.jpg", "b.jpg", "c.jpg")
PLAIN: Answer = (
    ("a", "melanoma", "p1", {"age": "62.5", "sex": "female"}),
    ("b", "rest", "p1", {"age": "55", "sex": "male"}),
    ("c", "rest", None, {}),
)
LABELS_READ = "labels.csv: labels are read as classes: "
WRITTEN = "image,label,group,age,sex\na,melanoma,p1,62.5,female\nb,rest,p1,55,male\nc,rest,,,\n"
SEMICOLONS = WRITTEN.replace(",", ";").replace(".", ",")
NFC, NFD = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))

FOLDERS = (
    StrangeFolder(
        "images-in-a-subfolder",
        WRITTEN.encode(),
        ("images/a.jpg", "images/b.jpg", "other/c.jpg", "masks/a.png", "images/b_segmentation.png"),
        PLAIN,
        notes=("3 names of labels.csv found in a subfolder, where one file fits (a, b, c)", "without a row"),
    ),
    StrangeFolder(
        "masks-in-a-subfolder",
        b"image,label,mask\na.jpg,melanoma,a.png\nb,rest,b_mask\nc,rest,\n",
        (*THREE, "masks/a.png", "drawn/b_mask.jpg"),
        tuple((name, label, None, {}) for name, label, _, _ in PLAIN),
        notes=("2 names of labels.csv found in a subfolder, where one file fits (a.png, b_mask)", "1 mask is a JPEG"),
    ),
    StrangeFolder("plain", WRITTEN.encode(), THREE, PLAIN),
    StrangeFolder("excel-utf8", WRITTEN.replace("\n", "\r\n").encode("utf-8-sig"), THREE, PLAIN),
    StrangeFolder("excel-german", SEMICOLONS.replace("\n", "\r\n").encode("cp1252"), THREE, PLAIN),
    StrangeFolder("excel-separator-line", f"sep=;\r\n{SEMICOLONS}".encode(), THREE, PLAIN),
    StrangeFolder("excel-unicode-text", WRITTEN.replace(",", "\t").encode("utf-16"), THREE, PLAIN),
    StrangeFolder("utf-16-without-mark", WRITTEN.encode("utf-16-le"), THREE, PLAIN),
    StrangeFolder("old-mac-lines", WRITTEN.replace("\n", "\r").encode(), THREE, PLAIN),
    StrangeFolder(
        "empty-columns", SEMICOLONS.replace("\n", ";;\n").encode(), THREE, PLAIN, notes=("(no name), (no name)",)
    ),
    StrangeFolder(
        "order-case-and-spaces",
        b' Sex , LABEL ,Image, AGE,Group\nFemale , Melanoma ,A.JPG ,62.5, p1\nM,REST,b.jpeg,"55",p1\n,Rest,c,,\n',
        ("a.jpg", "b.JPEG", "c.png"),
        PLAIN,
        notes=("labels.csv: spaces around 7 cells are left out (the first in line 1, ' Sex ')",),
    ),
    StrangeFolder(
        "words",
        b"image,label,group,age,sex\na,MEL,p1,60-65,w\nb,0,p1,55 years,m\nc,benign,NA,unknown,n/a\n",
        THREE,
        PLAIN,
        notes=(
            f"{LABELS_READ}'MEL' as melanoma (1 row), '0' as rest (1 row), 'benign' as rest (1 row)",
            "ages that are",
        ),
    ),
    StrangeFolder(
        "german-words",
        "image;label;age;sex\na;1;85+;weiblich\nb;0;55,0;Männlich\nc;0;k. A.;unbekannt\n".encode("cp1252"),
        THREE,
        (
            ("a", "melanoma", None, {"age": "85", "sex": "female"}),
            ("b", "rest", None, {"age": "55", "sex": "male"}),
            ("c", "rest", None, {}),
        ),
        notes=("is not UTF-8 and was read as Windows-1252", f"{LABELS_READ}'0' as rest (2 rows), '1'", "ages that are"),
    ),
    StrangeFolder(
        "isic-archive",
        b"isic_id,patient_id,age_approx,sex,target\na,p1,62.5,female,1\nb,p1,55.0,male,0\nc,,,,0\n",
        THREE,
        PLAIN,
        {"image": "isic_id", "label": "target", "group": "patient_id", "age": "age_approx"},
        (f"{LABELS_READ}'0' as rest (2 rows), '1' as melanoma (1 row)",),
    ),
    StrangeFolder(
        "one-hot",
        b"image,MEL,NV,BCC\na,1.0,0.0,0.0\nb,0,0,0\n",
        ("a.jpg", "b.jpg"),
        (("a", "melanoma", None, {}), ("b", "rest", None, {})),
        {"label": "MEL+BCC"},
        ("columns that are not read: NV", f"{LABELS_READ}'MEL' as melanoma (1 row)"),
    ),
    StrangeFolder(
        "pandas-index",
        b",image,label,patient_id\n0,a,melanoma,x\n1,b,rest,x\n",
        ("a.jpg", "b.jpg"),
        (("a", "melanoma", None, {}), ("b", "rest", None, {})),
        notes=("columns that are not read: (no name), patient_id; if patient_id says which images are of one patient",),
    ),
    StrangeFolder(
        "macos-disk",
        f"image,label\n{NFC}.jpg,melanoma\n".encode(),
        (f"{NFD}.JPG", f"._{NFD}.JPG", ".DS_Store"),
        ((NFC, "melanoma", None, {}),),
    ),
    StrangeFolder(
        "folders-by-class",
        b"image,label\nmelanoma\\1.jpg,melanoma\nnevus\\1.jpg,rest\n",
        ("melanoma/1.jpg", "nevus/1.jpg"),
        (("melanoma/1", "melanoma", None, {}), ("nevus/1", "rest", None, {})),
        notes=("the path in the folder is the image id",),
    ),
    StrangeFolder(
        "one-missing-one-more",
        b"image,label\na,melanoma\nb,rest\ngone,rest\n",
        THREE,
        (("a", "melanoma", None, {}), ("b", "rest", None, {})),
        notes=("whose image is not in the folder: 1 of 3 (line 4)", "without a row in labels.csv: 1 (c.jpg)"),
    ),
)

PROBABILITIES = {"ISIC_1": (0.25, 0.5), "ISIC_2": (0.75, 0.125)}
"""What every submission to ISIC 2017 says of melanoma and seborrheic keratosis."""
ROWS = "ISIC_1,0.25,0.5\nISIC_2,0.75,0.125\n"
HEADER = "image_id,melanoma,seborrheic_keratosis\n"
ENDINGS = "has the endings of files in its image ids, which are left out"

SUBMISSIONS = (
    StrangeSubmission("official", "isic2017", f"{HEADER}{ROWS}".encode(), ()),
    StrangeSubmission(
        "no-header",
        "isic2017",
        ROWS.encode(),
        ("has no header; its columns are read as image_id,melanoma,seborrheic_keratosis",),
    ),
    StrangeSubmission(
        "index-without-header",
        "isic2017",
        b"0,ISIC_1,0.25,0.5\n1,ISIC_2,0.75,0.125\n",
        (
            "has columns that are not read (1)",
            "has no header; its columns are read as image_id,melanoma,seborrheic_keratosis",
        ),
    ),
    StrangeSubmission(
        "unnamed-ids-with-endings-and-a-third-class",
        "isic2017",
        b",melanoma,nevus,seborrheic_keratosis\nISIC_1.jpg,0.25,0.25,0.5\nISIC_2.JPG,0.75,0.125,0.125\n",
        ("has columns that are not read (nevus)", ENDINGS),
    ),
    StrangeSubmission(
        "index-and-other-order",
        "isic2017",
        b",seborrheic keratosis,Melanoma,image\n0,0.5,0.25,ISIC_1\n1,0.125,0.75,ISIC_2\n",
        (
            "has columns that are not read (the index)",
            "has its columns in another order than image_id,melanoma,seborrheic_keratosis",
        ),
    ),
    StrangeSubmission(
        "other-names",
        "isic2017",
        b"case;p_sk;p_mel\nISIC_1;0,5;0,25\nISIC_2;0,125;0,75\n",
        (
            "has its columns in another order than image_id,melanoma,seborrheic_keratosis",
            "has cells separated by semicolons",
        ),
        {"image_id": "case", "melanoma": "p_mel", "seborrheic_keratosis": "p_sk"},
    ),
    StrangeSubmission(
        "places",
        "isic2017",
        b"0.5,ISIC_1,0.25\n0.125,ISIC_2,0.75\n",
        (
            "has no header; its columns are read as image_id,melanoma,seborrheic_keratosis",
            "has its columns in another order than image_id,melanoma,seborrheic_keratosis",
        ),
        {"image_id": "2", "melanoma": "3", "seborrheic_keratosis": "1"},
    ),
    StrangeSubmission(
        "excel-unicode-text",
        "isic2017",
        f"{HEADER}{ROWS}".replace(",", "\t").encode("utf-16"),
        ("has cells separated by tabs", "is text in UTF-16"),
    ),
    StrangeSubmission(
        "ours",
        "isic2017",
        b"# notice\n# licence\nimage,label,group,probability_melanoma,probability_seborrheic_keratosis\n"
        b"ISIC_1,,ISIC_1,0.25,0.5\nISIC_2,,ISIC_2,0.75,0.125\n",
        ("has columns that are not read (label, group)",),
    ),
)


def make_folders(place: Path) -> None:
    """Write every folder of `FOLDERS` into a place; the images are empty files."""
    for one in FOLDERS:
        folder = place / one.name
        for name in one.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        (folder / "labels.csv").write_bytes(one.table)


def make_submissions(place: Path) -> None:
    """Write every file of `SUBMISSIONS` into a place, as NAME.csv."""
    for one in SUBMISSIONS:
        (place / f"{one.name}.csv").write_bytes(one.table)
