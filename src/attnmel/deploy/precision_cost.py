"""Predictions in float32 and in a lower precision on the same images -> what the lower precision costs. No torch."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from attnmel.deploy.onnx_file import Cost, Precision
from attnmel.errors import ExportError
from attnmel.evaluation.statistics.delong import areas
from attnmel.records import Predictions


@dataclass(frozen=True)
class EngineOutput:
    """What one file, run by one engine, said of some images."""

    predictions: Predictions
    attention: tuple[Float32[np.ndarray, "N _ _"], ...]
    """Maps on pool-3, then on pool-4; empty for a network without gates."""

    @staticmethod
    def of(truth: Predictions, shares: Sequence[np.ndarray], maps: Sequence[tuple[np.ndarray, ...]]) -> "EngineOutput":
        """Join answers that came some images at a time; those beyond the images of `truth` are left out."""
        images = len(truth.image_ids)
        probabilities = np.concatenate(shares)[:images].astype(np.float64)
        attention = tuple(np.concatenate(one)[:images] for one in zip(*maps, strict=True))
        return EngineOutput(dataclasses.replace(truth, probabilities=probabilities), attention)


def costs_of(
    exact_said: EngineOutput,
    lower_said: EngineOutput,
    positives: Sequence[str],
    *,
    precision: Precision,
    engine: str,
    split: str,
) -> tuple[Cost, ...]:
    """Return what a lower precision costs each positive class against the rest, by DeLong's paired interval.

    Both are of the same images in the same order. A class of which all or none are is left out.
    """
    exact, lower = exact_said.predictions, lower_said.predictions
    pairs = zip(exact_said.attention, lower_said.attention, strict=True)
    maps = [np.abs(one - other).ravel() for one, other in pairs]
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
                attention=float(np.concatenate(maps).mean()) if maps else None,
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
        if cost.most > bound:
            raise ExportError(
                f"{cost.precision} may cost too much: {cost.sentence}, and at most {bound:g} may be lost. No file was "
                f"written. Export without --{cost.precision}, judge more images (--split, --limit), or allow more "
                "by --bound."
            )
