"""Predictions, images and maps to a choice of lesions: the most confident hits and misses, as pictures.

Two steps, so that only the chosen images are read from disk: `choose` names rows of the predictions, `pictured` takes
the arrays of exactly those rows.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.ranking import THRESHOLD
from attnmel.number_formats import TO, fixed, span
from attnmel.records import Predictions
from attnmel.saliency.overlays import overlay, stretched_map

SIDE = 384
"""Side of a picture in pixels: twice what the page shows, for fine screens."""

QUALITY = 80
"""Of WebP: a picture takes about 10 kB, 72 of them about 1 MB as base64."""


LARGEST = 16383
"""Pixels of a side that WebP has room for."""

OPACITY_QUALITY = 60
"""Of a layer that lies over a picture: smooth, and without loss larger than its colours."""


@dataclass(frozen=True)
class ExampleKind:
    """One of the four ways in which truth and call meet."""

    heading: str
    """With a place for the class."""
    truly: bool
    """Whether the lesion is of the class."""
    called: bool
    """Whether the network says so."""


KINDS = (
    ExampleKind("Missed {}", truly=True, called=False),
    ExampleKind("Recognised {}", truly=True, called=True),
    ExampleKind("False alarms: other lesions called {}", truly=False, called=True),
    ExampleKind("Correct rejections: other lesions, not called {}", truly=False, called=False),
)
"""In the order of the page: the harmful errors come first."""


@dataclass(frozen=True)
class Choice:
    """The rows of one kind to show, most confident first."""

    kind: ExampleKind
    rows: tuple[int, ...]
    """Rows of the predictions."""
    count: int
    """Images of this kind."""
    of: int
    """Images of the same truth."""


@dataclass(frozen=True)
class GalleryPicture:
    """One image inside the page."""

    title: str
    description: str
    """For those who do not see it."""
    address: str
    """`data:` address; the page loads nothing else."""
    note: str = ""


@dataclass(frozen=True)
class Example:
    """One lesion: the image with its border, then one picture an attention map."""

    image_id: str
    truth: str
    probability: float
    pictures: tuple[GalleryPicture, ...]


@dataclass(frozen=True)
class ExampleGroup:
    """All examples of one kind."""

    choice: Choice
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class ShownMap:
    """One attention map of each chosen image, in the order of the rows."""

    title: str
    """For example "pool-3"."""
    maps: Float[np.ndarray, "n h w"]
    overlaps: Float[np.ndarray, " n"] | None = None
    """Jaccard of each with the lesion mask; NaN where there is no mask."""


def choose(predictions: Predictions, positive: str, *, each: int = 6) -> tuple[Choice, ...]:
    """Choose the most confident rows of every kind; equal probabilities are ordered by image id.

    Images without a label are left out. A kind that does not occur has no rows.

    Raises:
        PredictionsError: the predictions have no such class.
    """
    if positive not in predictions.classes:
        raise PredictionsError(f"no class '{positive}' in the predictions; known: {', '.join(predictions.classes)}")
    probability = predictions.probability(positive)
    truly, known = predictions.is_class(positive), predictions.labels >= 0
    called = probability > THRESHOLD
    by_name = np.argsort(np.array(predictions.image_ids))
    choices = []
    for kind in KINDS:
        rows = by_name[((truly == kind.truly) & (called == kind.called) & known)[by_name]]
        confidence = probability[rows] if kind.called else -probability[rows]
        first = rows[np.argsort(-confidence, kind="stable")][:each]
        same_truth = int(((truly == kind.truly) & known).sum())
        choices.append(Choice(kind, tuple(first.tolist()), len(rows), same_truth))
    return tuple(choices)


def pictured(
    choices: Sequence[Choice],
    predictions: Predictions,
    positive: str,
    *,
    images: UInt8[np.ndarray, "n s s 3"],
    masks: UInt8[np.ndarray, "n s s"],
    has_mask: Bool[np.ndarray, " n"],
    maps: Sequence[ShownMap] = (),
    diagnoses: Mapping[str, str] | None = None,
) -> tuple[ExampleGroup, ...]:
    """Draw the chosen lesions.

    The arrays hold the rows of all choices one after another (`chosen_rows`), images and masks in the maps' geometry:
    the central crop that the network saw. `diagnoses` names the truth more finely than the classes, by image id.
    """
    place = iter(range(len(images)))
    groups = []
    for choice in choices:
        examples = []
        # One count over all choices: zip asks for a row first, so it takes no place beyond the last row.
        for row, at in zip(choice.rows, place, strict=False):
            image_id = predictions.image_ids[row]
            truth = (diagnoses or {}).get(image_id, predictions.classes[int(predictions.labels[row])])
            mask = masks[at] if has_mask[at] else None
            examples.append(
                Example(
                    image_id=image_id,
                    truth=truth.replace("_", " "),
                    probability=float(predictions.probability(positive)[row]),
                    pictures=_pictures(image_id, images[at], mask, [(one, at) for one in maps]),
                )
            )
        groups.append(ExampleGroup(choice, tuple(examples)))
    return tuple(groups)


def chosen_rows(choices: Sequence[Choice]) -> tuple[int, ...]:
    """Return the rows of all choices, one after another."""
    return tuple(row for choice in choices for row in choice.rows)


def _pictures(
    image_id: str,
    image: UInt8[np.ndarray, "s s 3"],
    mask: UInt8[np.ndarray, "s s"] | None,
    maps: Sequence[tuple[ShownMap, int]],
) -> tuple[GalleryPicture, ...]:
    large = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    edge = "; no lesion mask"
    if mask is not None:
        mask = np.asarray(Image.fromarray(mask).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        edge = " with the lesion's border"
    shown = [GalleryPicture("image", f"Dermoscopy image {image_id}{edge}", as_address(overlay(large, mask=mask)))]
    for one, at in maps:
        attention = one.maps[at]
        note = span((attention.min(), attention.max()), 2, to=TO)
        if one.overlaps is not None and np.isfinite(one.overlaps[at]):
            note = f"J {fixed(one.overlaps[at], 2)} · {note}"
        description = f"Attention of {one.title} over {image_id}"
        shown.append(
            GalleryPicture(one.title, description, as_address(overlay(large, stretched_map(attention), mask)), note)
        )
    return tuple(shown)


def as_address(picture: UInt8[np.ndarray, "H W C"]) -> str:
    """Return a picture, with or without opacity, as a `data:` address of WebP, lossy; one too large for it shrinks."""
    file, image = io.BytesIO(), Image.fromarray(picture)
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    image.save(file, format="WEBP", quality=QUALITY, alpha_quality=OPACITY_QUALITY, method=5)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
