"""The loss of AUC by a lower precision, from outputs in both precisions for the same images. No torch."""

from collections.abc import Sequence

import numpy as np

from attnmel.deploy.engines import EngineOutput
from attnmel.deploy.onnx.export_facts import Cost, Precision
from attnmel.errors import ExportError
from attnmel.evaluation.statistics.delong import areas
from attnmel.records import Predictions


def costs_of(
    truth: Predictions,
    float32: EngineOutput,
    lower: EngineOutput,
    target_classes: Sequence[str],
    *,
    precision: Precision,
    engine: str,
    split: str,
) -> tuple[Cost, ...]:
    """Return the cost of a lower precision for each target class against the rest, by DeLong's paired interval.

    Both outputs are for the images of `truth`, in its order. A class of all images, or of none, is left out.
    """
    exact, rounded = float32.predictions(truth), lower.predictions(truth)
    pairs = zip(float32.attention, lower.attention, strict=True)
    maps = [np.abs(one - other).ravel() for one, other in pairs]
    found = []
    largest = float(np.abs(exact.probabilities - rounded.probabilities).max())
    for name in target_classes:
        positive = exact.is_class(name)
        if positive.all() or not positive.any():
            continue
        scores = np.stack([exact.probability(name), rounded.probability(name)], axis=1)
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
                probability=largest,
                attention=float(np.concatenate(maps).mean()) if maps else None,
            )
        )
    return tuple(found)


def refuse_costly(costs: Sequence[Cost], bound: float, dataset: str = "") -> None:
    """Refuse a precision that may cost more AUC than the bound, by the lower end of the interval.

    `dataset` is what the data set is called that it was measured on, empty if not known.

    If an interval has no ends, the difference itself counts.

    Raises:
        ExportError: names class, cost and bound, and says what to do.
    """
    for cost in costs:
        if cost.most > bound:
            raise ExportError(
                f"{cost.precision} may cost too much: {cost.sentence(dataset)}, and the largest accepted loss is "
                f"{bound:g}. No file was written. Export without --{cost.precision}, use more images (--split, "
                "--limit), or accept more by --bound."
            )
