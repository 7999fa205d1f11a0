"""The leaks listed in a run folder and its predictions file -> the part of the page with the figures without them."""

from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.report import ClassificationReport, evaluate_classification
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.folders import RunFolder
from attnmel.pipeline.evaluate.leakage import read_leaks
from attnmel.pipeline.run.provenance import read_recipe
from attnmel.pipeline.run.results import read_measures
from attnmel.records import Predictions
from attnmel.report.html.sections import Section
from attnmel.report.sections.leakage import leakage_section


def leakage_sections(run: RunFolder, split: str, *, resamples: int = RESAMPLES) -> tuple[Section, ...]:
    """Return what a judged split holds of the training; nothing where nothing is listed."""
    leaks = [one for one in read_leaks(run) if one.judged == split]
    if not leaks:
        return ()
    predictions = Predictions.read(run.predictions(split))
    known = {one.image: one.kind for one in reversed(leaks)}
    pairs = [(one.image, one.known_image, one.known_split) for one in leaks]
    whole = read_measures(run)[split].judgement
    without = judged_without(predictions, set(known), read_recipe(run).data.positives, resamples=resamples)
    return (leakage_section(split, known, pairs, whole, without),)


def judged_without(
    predictions: Predictions, known: set[str], positives: tuple[str, ...], *, resamples: int = RESAMPLES
) -> ClassificationReport | str:
    """Evaluate the images that are not known from training; where that is not possible, return why."""
    left = [row for row, image_id in enumerate(predictions.image_ids) if image_id not in known]
    try:
        return evaluate_classification(predictions.take(left), positives, resamples=resamples)
    except PredictionsError as error:
        return f"Without them nothing can be judged: {error}"
