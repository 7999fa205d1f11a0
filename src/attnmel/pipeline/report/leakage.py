"""The leaks listed in a run folder -> the section of the report with the results without them."""

from collections.abc import Iterable, Sequence

import numpy as np

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.report import ClassificationReport, evaluate_classification
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.pipeline.run.images.seen_images import Leak
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions
from attnmel.report.html.sections import Section
from attnmel.report.sections.leakage import leakage_section


def known_counts(leaks: Sequence[Leak], results: Iterable[str]) -> dict[str, int]:
    """Return by the name of the results how many of their images are known from training, where there are any."""
    images = {name: {one.image for one in leaks if one.judged == name} for name in results}
    return {name: len(found) for name, found in images.items() if found}


def leakage_sections(run: Run, split: str, leaks: Sequence[Leak], *, resamples: int = RESAMPLES) -> tuple[Section, ...]:
    """Return the results of a split without the images that are known from training; nothing where none are listed."""
    leaks = [one for one in leaks if one.judged == split]
    if not leaks:
        return ()
    known = {one.image: one.kind for one in reversed(leaks)}
    pairs = [(one.image, one.known_image, one.known_split) for one in leaks]
    without = evaluated_without(run.predictions(split), set(known), run.recipe.data.positives, resamples=resamples)
    results = run.results[split]
    return (leakage_section(results.title, known, pairs, results.judgement, without),)


def evaluated_without(
    predictions: Predictions, known: set[str], positives: tuple[str, ...], *, resamples: int = RESAMPLES
) -> ClassificationReport | str:
    """Evaluate the images that are not known from training; where that is not possible, return why."""
    unknown = np.array([image_id not in known for image_id in predictions.image_ids], dtype=bool)
    try:
        return evaluate_classification(predictions.among(unknown), positives, resamples=resamples)
    except PredictionsError as error:
        return f"Without them nothing can be evaluated: {error}"
