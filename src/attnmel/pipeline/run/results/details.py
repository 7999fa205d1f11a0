"""Everything beyond the measures of one evaluated split, computed from its predictions, and the file that holds it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from attnmel import NOTICE
from attnmel.data.archives.catalog import source_of
from attnmel.errors import PredictionsError
from attnmel.evaluation.calibration.calibration import Calibration, calibration_of
from attnmel.evaluation.challenge.entry import entry_of
from attnmel.evaluation.challenge.rules import OFFICIAL
from attnmel.evaluation.challenge.score import ChallengeReport, evaluate_challenge
from attnmel.evaluation.challenge.submission import SUBMISSIONS, official_categories
from attnmel.evaluation.classification.confusion_matrix import Confusion, confusion
from attnmel.evaluation.classification.decision_curve import DecisionCurve, decision_curve
from attnmel.evaluation.classification.operating_points import PREVALENCES, SENSITIVITIES, Operating, operating_points
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.evaluation.subgroup_metrics import RESAMPLES_OF_A_GROUP, WholeSetResults
from attnmel.evaluation.subgroups import Subgroups, subgroups
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import damage, nan_to_null, null_to_nan, read_json, write_json
from attnmel.number_formats import in_ascii, in_full, percent
from attnmel.pipeline.run.images.known_list import copies_among
from attnmel.pipeline.run.results.results import ANOTHER_VERSION, CHOOSES, EVALUATE_AGAIN, SplitResults
from attnmel.records import Predictions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Details:
    """The results on one split or external data set, beyond its measures."""

    notice: str
    licence: str
    """Of the data that the network was trained on."""
    name: str
    """Of the results that it belongs to."""
    epoch: int
    operating: tuple[Operating, ...]
    """One entry a class against the rest, in the order of the recipe's positives; so are the decision curves."""
    decision: tuple[DecisionCurve, ...]
    confusion: Confusion
    subgroups: Subgroups
    """Of the target class, with all of the above by group."""
    calibration: Calibration
    """Of the target class, uncalibrated and at the temperature of the validation split."""
    temperature: float | None = None
    """Of the probabilities that all but the calibration was computed from; None for uncalibrated ones."""
    official: ChallengeReport | None = None
    """The official measures, as by `attnmel score`; None where the data set was no challenge, or has other classes."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; what is not defined is null."""
        return nan_to_null(_DETAILS.dump_python(self, mode="json", exclude_none=True))


_DETAILS = TypeAdapter(Details)


def find_details(
    results: SplitResults,
    predictions: Predictions,
    validation: Predictions | None,
    positives: Sequence[str],
    *,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    resamples: int = RESAMPLES,
    out_of_fold: str = "",
    run: RunFolder | None = None,
) -> Details:
    """Compute the details of results from their predictions and those of the run's own validation split.

    Both are of one scale: at the run's temperature, if it has one. `out_of_fold` says what the validation
    predictions are where they are not the network's. By the list of known images in `run` those that are among them
    under another name are found: they chose the thresholds, too.

    Raises:
        PredictionsError: the predictions cannot be evaluated.
        ConfigError: a sensitivity or prevalence outside its range.
    """
    target_class = positives[0]
    aims, shares = (*SENSITIVITIES, *sensitivities), (*PREVALENCES, *prevalences)
    copies = copies_among(run, results.name, set(validation.image_ids)) if run and validation else frozenset()
    operating = tuple(
        operating_points(
            predictions,
            name,
            validation=validation,
            copies=copies,
            sensitivities=aims,
            prevalences=shares,
            resamples=resamples,
        )
        for name in positives
    )
    decision = tuple(decision_curve(predictions, name, resamples=resamples) for name in positives)
    # At a temperature that was fitted on the very images, calibration would look better than it is.
    others = None if results.name == CHOOSES else validation
    calibration = calibration_of(predictions, others, target_class, resamples=resamples)
    matrix = confusion(predictions, target_class)
    whole = WholeSetResults(operating[0], decision[0], calibration, matrix)
    return Details(
        notice=NOTICE,
        licence=results.licence,
        name=results.name,
        epoch=results.epoch,
        operating=tuple(dataclasses.replace(one, out_of_fold=out_of_fold) for one in operating),
        decision=decision,
        confusion=matrix,
        subgroups=subgroups(predictions, target_class, whole, resamples=min(resamples, RESAMPLES_OF_A_GROUP)),
        calibration=dataclasses.replace(calibration, out_of_fold=out_of_fold),
        temperature=predictions.temperature,
        official=_official(predictions, results.dataset, resamples),
    )


def write_details(run: RunFolder, details: Details) -> None:
    """Write the details next to the predictions that they were computed from."""
    write_json(run.details(details.name), details.as_dict(), indent=None)


def read_details(run: RunFolder, results: SplitResults) -> Details | None:
    """Return the details of results; None where there are none, or where they are of another epoch.

    Raises:
        PredictionsError: the file is damaged.
    """
    path = run.details(results.name)
    if not path.is_file():
        return None
    with damage(path, PredictionsError, EVALUATE_AGAIN, found=ANOTHER_VERSION):
        # What is None is left out of the file, so a null was NaN.
        details = _DETAILS.validate_python(null_to_nan(read_json(path)))
    return details if details.epoch == results.epoch else None


def operating_table(operating: Operating) -> tuple[list[str], list[list[str]]]:
    """Return the operating points of one class as text: a column a threshold, a row a rate with its interval."""
    points = operating.points
    header = [operating.task, "fixed", *(f"aim {point.target:g}" for point in points[1:])]
    rows = [["threshold", *(in_full(point.threshold, missing="-") for point in points)]]
    at_these = f" at these {percent(operating.positives / (operating.positives + operating.negatives))}"
    for name, among in (("sensitivity", ""), ("specificity", ""), ("ppv", at_these), ("npv", at_these)):
        rows.append([f"{name}{among}", *(in_ascii(getattr(point.reached, name)) for point in points)])
    for place, prevalence in enumerate(operating.prevalences):
        rows.append([f"ppv at {percent(prevalence)}", *(in_ascii(point.precision[place]) for point in points)])
    rows.append(["specificity, own ROC (optimistic)", *(in_ascii(point.read_off) for point in points)])
    return header, rows


def _official(predictions: Predictions, name: str, resamples: int) -> ChallengeReport | None:
    dataset = source_of(name)
    if dataset not in SUBMISSIONS or not official_categories(predictions.classes, dataset):
        return None
    rules = OFFICIAL[dataset]
    entry = entry_of(predictions, dataset, excluded=rules.excluded)
    return evaluate_challenge(dataset, entry, rules, resamples=resamples)
