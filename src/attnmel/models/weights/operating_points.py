"""The operating points that come with a model, and the decisions that they give on its probabilities. No torch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from attnmel.number_formats import TO, in_brackets
from attnmel.records import choosing_images


@dataclass(frozen=True, kw_only=True)
class Achieved:
    """What a threshold achieved on some images: value and ends of the 95 % interval."""

    split: str
    images: int
    positives: int
    sensitivity: tuple[float, float, float]
    specificity: tuple[float, float, float]

    def sentence(self, dataset: str, out_of_fold: str = "") -> str:
        """Return what was achieved, in words: on a split of `dataset`, which is empty where it is not known.

        `out_of_fold` says what the validation images stand for, if so.
        """
        of = f" of {dataset}" if dataset else ""
        rates = (("sensitivity", self.sensitivity), ("specificity", self.specificity))
        words = (f"{name} {in_brackets(numbers, to=TO)}" for name, numbers in rates)
        among = f"{self.positives:,} positive"
        if out_of_fold and self.split == "validation":
            return f"{', '.join(words)} on {choosing_images(self.images, out_of_fold, f' ({among})')}"
        return f"{', '.join(words)} on {self.images:,} images of the split {self.split}{of} ({among})"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A probability above which an image counts as positive: chosen on the validation images, or a user's own.

    It is of the same scale as the model's probabilities: calibrated where the model has a temperature.
    """

    task: str
    """The class that is evaluated against the rest."""
    threshold: float
    target: float = math.nan
    """Target sensitivity; NaN for a threshold of the user's own, as the next two."""
    sensitivity: float = math.nan
    """On the validation images, as the specificity."""
    specificity: float = math.nan
    images: int = 0
    positives: int = 0
    achieved: tuple[Achieved, ...] = ()
    """With intervals: first on the validation images, then on others; empty if an earlier version wrote the file."""

    @property
    def name(self) -> str:
        """The name in tables: "melanoma_sensitivity_0.89", of a user's threshold "melanoma_threshold_0.3"."""
        own = math.isnan(self.target)
        return f"{self.task}_threshold_{self.threshold!r}" if own else f"{self.task}_sensitivity_{self.target:g}"


USUAL_SENSITIVITY = 0.89
"""Target sensitivity of the operating point that is chosen where nobody names one."""


def usual_threshold(thresholds: Sequence[Threshold], task: str) -> Threshold | None:
    """Return the operating point of a class that is used where none is named; None where the model has none of it.

    It is that of target sensitivity 0.89, else the first.
    """
    own = [one for one in thresholds if one.task == task]
    return next((one for one in own if one.target == USUAL_SENSITIVITY), own[0] if own else None)


class Decision(NamedTuple):
    """One class against the rest, at one threshold."""

    threshold: Threshold
    positive: bool
    """Whether the probability is above the threshold."""


def decisions_of(probabilities: Mapping[str, float], thresholds: Iterable[Threshold]) -> tuple[Decision, ...]:
    """Return the decisions for one image, by its probability of each class: positive strictly above a threshold."""
    return tuple(Decision(one, probabilities[one.task] > one.threshold) for one in thresholds)
