"""ISIC 2017's splits and three classes of HAM10000 as one folder with labels.csv, for a network trained on both.

    python benchmarks/data/joined_folder.py HOME OUT

Training: ISIC 2017's 2,000 images, with all melanomas and benign keratoses of HAM10000 and 2,000 of its nevi (seed 0),
grouped by lesion. Validation and test are ISIC 2017's own. The images are copied, and so is a lesion mask of each to
OUT-masks: of HAM10000 the true one, of ISIC 2017 the predicted one (`attnmel segment predict`).
"""

import csv
import random
import shutil
import sys
from pathlib import Path

NEVI = 2000
SPLITS = {"train": "Training", "validation": "Validation", "test": "Test_v2"}


def rows_of(table: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def isic2017(data: Path) -> list[tuple[str, str, str, str, Path]]:
    """Return image, label, split, group and file of every image of ISIC 2017."""
    found: list[tuple[str, str, str, str, Path]] = []
    for split, word in SPLITS.items():
        for row in rows_of(data / f"ISIC-2017_{word}_Part3_GroundTruth.csv"):
            classes = [name for name in ("melanoma", "seborrheic_keratosis") if float(row[name])]
            name = row["image_id"]
            file = data / f"ISIC-2017_{word}_Data" / f"{name}.jpg"
            found.append((name, classes[0] if classes else "nevus", split, name, file))
    return found


def ham10000(data: Path) -> list[tuple[str, str, str, str, Path]]:
    """Return the same of melanomas, benign keratoses and some nevi of HAM10000, all for training."""
    lesions = {row["image"]: row["lesion_id"] for row in rows_of(data / "ISIC2018_Task3_Training_LesionGroupings.csv")}
    rows = rows_of(data / "ISIC2018_Task3_Training_GroundTruth.csv")
    nevi = random.Random(0).sample(sorted(row["image"] for row in rows if float(row["NV"])), NEVI)
    labels = {row["image"]: "melanoma" for row in rows if float(row["MEL"])}
    labels |= {row["image"]: "seborrheic_keratosis" for row in rows if float(row["BKL"])} | dict.fromkeys(nevi, "nevus")
    folder = data / "ISIC2018_Task3_Training_Input"
    return [
        (row["image"], labels[row["image"]], "train", lesions[row["image"]], folder / f"{row['image']}.jpg")
        for row in rows
        if row["image"] in labels
    ]


def main(home: Path, out: Path) -> None:
    """Copy the images, their masks where there are some, and write labels.csv."""
    masks = out.with_name(f"{out.name}-masks")
    for folder in (out, masks):
        folder.mkdir(parents=True)
    places = (home / "masks/isic2017", home / "data/isic2018/HAM10000_segmentations_lesion_tschandl")
    with (out / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "label", "split", "group"])
        for *cells, image in (*isic2017(home / "data/isic2017"), *ham10000(home / "data/isic2018")):
            table.writerow(cells)
            shutil.copyfile(image, out / image.name)
            mask = f"{image.stem}_segmentation.png"
            if found := next((place / mask for place in places if (place / mask).is_file()), None):
                shutil.copyfile(found, masks / mask)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
