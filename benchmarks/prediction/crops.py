"""What each crop costs: the pretrained model on the test images of ISIC 2017, and on 4:3 frames made of them.

    python benchmarks/prediction/crops.py [--home HOME] [--model pretrained] [--masks FOLDER]
                                          [--lesion-model MODEL.onnx] [--limit 600] [--target 0.89] [--json FILE]

The same network, trained on the whole central square, sees each image by: that square (of which its input is 7/8 a
side), the central square of 0.8 of the shorter side, the square around the lesion (true mask, margin 0.2), and five
whole squares whose probabilities are averaged. With `--masks`, also the square around the lesion in the masks of that
folder (`attnmel segment predict`); with `--lesion-model`, also a network that was trained on such squares. The images
at hand are squares; so a frame of 4:3 is made of each image with a mask: the image is continued by its mirror image on
the side away from the lesion, which then is nearer to the border.

AUC with DeLong's interval, the paired difference to the first row with DeLong's interval; sensitivity at the model's
stored threshold with Wilson's interval, and of the paired difference Newcombe's (1998, method 10); images a second of
processor time, decoding included.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attnmel import Predictor
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.data.image_files.reading import read_image
from attnmel.data.preprocess.images import lesion_mask
from attnmel.data.preprocess.lesion_crop import lesion_box
from attnmel.evaluation.statistics.delong import areas
from attnmel.evaluation.statistics.proportions import wilson_interval
from attnmel.files.folders import home_folder
from attnmel.records import Lesion

TASK = "melanoma"
CROPS: dict[str, dict[str, Any]] = {
    "1.0": {"crop": 1.0, "crops": 1},
    "0.8": {"crop": 0.8, "crops": 1},
    "lesion": {"crop": "lesion", "crops": 1},
    "five of 1.0": {"crop": 1.0, "crops": 5},
}
TRUE: dict[str, Lesion] = {}
"""The lesions with their true masks, by image id; they decide how frames are made, whichever masks a crop follows."""
Pictured = tuple[np.ndarray, np.ndarray | None]
"""Pixels of an image, and its lesion mask."""


def square_image(lesion: Lesion) -> Pictured:
    """Return an image as it is."""
    image = np.asarray(read_image(lesion.image).pixels)
    return image, own_mask(lesion, image)


def own_mask(lesion: Lesion, image: np.ndarray) -> np.ndarray | None:
    """Return the lesion's mask in its image's size; None where it has none."""
    return lesion.mask and lesion_mask(lesion.mask, image_size=(image.shape[1], image.shape[0]))


def frame_image(lesion: Lesion) -> Pictured:
    """Continue a square to 4:3 by its mirror image, on the side that is away from the lesion."""
    image, mask = square_image(lesion)
    true = own_mask(TRUE[lesion.image_id], image)
    assert true is not None
    box, side = lesion_box(true), len(image)
    wide = round(side * 4 / 3) - side
    on_the_left = box is None or (box[0] + box[2]) / 2 >= side / 2
    rim = (wide, 0) if on_the_left else (0, wide)
    return np.pad(image, ((0, 0), rim, (0, 0)), mode="symmetric"), None if mask is None else np.pad(mask, ((0, 0), rim))


def predicted(
    predictor: Predictor, lesions: Sequence[Lesion], pictured: Callable[[Lesion], Pictured]
) -> dict[str, Any]:
    """Predict images, and return the probabilities and what the network saw on average."""
    rows, spent = [], 0.0
    for lesion in lesions:
        image, mask = pictured(lesion)
        began = time.process_time()
        found = predictor.predict(image, mask)
        spent += time.process_time() - began
        rows.append(
            (found.probabilities[TASK], found.seen.share_of_image, found.seen.share_of_lesion, found.seen.warnings)
        )
    scores, of_image, of_lesion, warnings = zip(*rows, strict=True)
    return {
        "scores": np.array(scores),
        "share_of_image": float(np.mean(of_image)),
        "masks": sum(one is not None for one in of_lesion),
        "share_of_lesion": float(np.mean([one for one in of_lesion if one is not None])),
        "over_a_quarter_lost": float(np.mean([one < 0.75 for one in of_lesion if one is not None])),
        "outside": sum("outside the square" in one for one in warnings),
        "per_second": len(rows) / spent,
    }


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Return the difference of two shares of the same images, second minus first (Newcombe 1998, method 10)."""
    n = len(first)
    one, two = wilson_interval(float(first.mean()), n), wilson_interval(float(second.mean()), n)
    a, b = int((first & second).sum()), int((second & ~first).sum())
    c, d = int((first & ~second).sum()), int((~first & ~second).sum())
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    excess = a * d - b * c
    phi = 0.0 if not margins else (max(excess - n / 2, 0) if excess > 0 else excess) / margins**0.5
    low1, high1, low2, high2 = two.value - two.low, two.high - two.value, one.value - one.low, one.high - one.value
    value = two.value - one.value
    low = value - max(low1**2 - 2 * phi * low1 * high2 + high2**2, 0) ** 0.5
    high = value + max(high1**2 - 2 * phi * high1 * low2 + low2**2, 0) ** 0.5
    return value, low, high


def table(found: dict[str, dict[str, Any]], positive: np.ndarray, threshold: float) -> list[dict[str, Any]]:
    """Return the measures of each crop and its differences to the first."""
    names = list(found)
    area = areas(positive, np.stack([found[name]["scores"] for name in names], axis=1))
    called = {name: found[name]["scores"][positive] > threshold for name in names}
    rows = []
    for place, name in enumerate(names):
        row = {key: value for key, value in found[name].items() if key != "scores"}
        row |= {"crop": name, "auc": area.interval(place)._asdict()}
        row |= {"sensitivity": wilson_interval(float(called[name].mean()), int(positive.sum()))._asdict()}
        row |= {"specificity": float((found[name]["scores"][~positive] <= threshold).mean())}
        if place:
            difference, p = area.difference(0, place)
            row |= {"auc_difference": difference._asdict(), "p": p}
            row |= {"sensitivity_difference": paired_difference(called[names[0]], called[name])}
        rows.append(row)
    return rows


def of_folder(lesion: Lesion, masks: Path) -> Lesion:
    """Return an image with its mask of a folder, or without a mask where the folder has none."""
    return dataclasses.replace(lesion, mask=next(masks.glob(f"{lesion.image_id}*.png"), None))


def main() -> None:
    """Print a row for each crop of each set of images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--model", default="pretrained")
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--lesion-model")
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--target", type=float, default=0.89)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    every = [one for one in read_dataset("isic2017", home_folder(options.home)).lesions if one.split == "test"]
    lesions = every[: options.limit]
    TRUE.update({one.image_id: one for one in lesions})
    sets = {
        "squares": (lesions, square_image),
        "4:3 frames": ([one for one in lesions if one.mask is not None], frame_image),
    }
    predictor, results = Predictor(options.model, threads=1), {}
    on_lesions = Predictor(options.lesion_model, threads=1) if options.lesion_model else None
    threshold = next(one.threshold for one in predictor.card.thresholds if one.target == options.target)
    card = predictor.card
    for name, (some, pictured) in sets.items():
        found = {}
        for crop, settings in CROPS.items():
            predictor.card = dataclasses.replace(card, **settings)
            found[crop] = predicted(predictor, some, pictured)
        followed = {"true": some}
        if options.masks:
            followed["predicted"] = [of_folder(one, options.masks) for one in some]
            predictor.card = dataclasses.replace(card, **CROPS["lesion"])
            found["lesion, predicted"] = predicted(predictor, followed["predicted"], pictured)
        for masks, ones in followed.items() if on_lesions else ():
            assert on_lesions is not None
            found[f"trained on lesions, {masks}"] = predicted(on_lesions, ones, pictured)
        positive = np.array([one.diagnosis == TASK for one in some])
        results[name] = table(found, positive, threshold)
        print(f"{name}: {len(some)} images, {positive.sum()} {TASK}", flush=True)
        for row in results[name]:
            print(json.dumps(row))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
