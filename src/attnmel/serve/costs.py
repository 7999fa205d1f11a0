"""Predictions in float32 and in a lower precision on the same images -> what the lower precision costs. No torch."""

import math
from collections.abc import Sequence

import numpy as np

from attnmel.errors import ExportError
from attnmel.evaluation.delong import areas
from attnmel.records import Predictions
from attnmel.serve.onnx_file import Cost, Precision

BOUND = 0.02
"""AUC that a lower precision may cost, by the worse end of the interval: about what another seed of the same recipe
changes on ISIC 2017 (docs/results.md)."""


def costs_of(
    exact: Predictions, lower: Predictions, positives: Sequence[str], *, precision: Precision, engine: str, split: str
) -> tuple[Cost, ...]:
    """Return what a lower precision costs each positive class against the rest, by DeLong's paired interval.

    `lower` holds the images of `exact` in their order. A class of which all or none are is left out.
    """
    found = []
    apart = float(np.abs(exact.probabilities - lower.probabilities).max())
    for name in positives:
        positive = exact.is_class(name)
        if positive.all() or not positive.any():
            continue
        scores = np.stack([exact.probability(name), lower.probability(name)], axis=1)
        both = areas(positive, scores, exact.groups)
        difference, _ = both.difference(0, 1)
        found.append(
            Cost(
                precision=precision,
                engine=engine,
                split=split,
                task=name,
                images=len(positive),
                positives=int(positive.sum()),
                float32=float(both.auc[0]),
                auc=float(both.auc[1]),
                difference=difference.value,
                low=difference.low,
                high=difference.high,
                probability=apart,
            )
        )
    return tuple(found)


def refuse_costly(costs: Sequence[Cost], bound: float) -> None:
    """Refuse a precision that may cost more AUC than the bound, by the worse end of the interval.

    Where an interval has no ends, the difference itself counts.

    Raises:
        ExportError: names class, cost and bound, and says what to do.
    """
    for cost in costs:
        worst = cost.difference if math.isnan(cost.low) else cost.low
        if worst < -bound:
            raise ExportError(
                f"{cost.precision} may cost too much: {cost.task} has an AUC of {cost.auc:.4f} on {cost.images} images "
                f"of the split {cost.split}, in float32 {cost.float32:.4f}; the difference is {cost.difference:+.4f} "
                f"(95 % interval {cost.low:+.4f} to {cost.high:+.4f}), and at most {bound:g} may be lost. No file was "
                f"written. Export without --{cost.precision}, judge more images (--split, --limit), or allow more by "
                "--bound."
            )
