"""All that is known beyond the measures of one judged split, computed from predictions files, and its own file."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

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
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Interval
from attnmel.evaluation.statistics.format import fixed, in_brackets, percent
from attnmel.evaluation.subgroup_metrics import RESAMPLES_OF_A_GROUP, WholeSetResults
from attnmel.evaluation.subgroups import Subgroups, subgroups
from attnmel.folders import RunFolder, replacing
from attnmel.pipeline.run.results import CHOOSES, SplitResults, choosing_predictions
from attnmel.records import Predictions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Details:
    """What `evaluate` found on one split or external set, beyond its measures."""

    notice: str
    licence: str
    """Of the data that the network was trained on."""
    name: str
    """As the judgement it belongs to."""
    epoch: int
    operating: tuple[Operating, ...]
    """A class against the rest each, in the order of the recipe's positives, as the decision curves."""
    decision: tuple[DecisionCurve, ...]
    confusion: Confusion
    subgroups: Subgroups
    """Of the main class, with all of the above by group."""
    calibration: Calibration
    """Of the main class, as predicted and at the temperature of the validation split."""
    official: ChallengeReport | None = None
    """What `attnmel score` says of the submission; None where the data set was no challenge, or of other classes."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; what is not defined is null."""
        return json.loads(_DETAILS.dump_json(self, exclude_none=True))


_DETAILS = TypeAdapter(Details)


def find_details(
    run: RunFolder,
    judged: SplitResults,
    positives: Sequence[str],
    *,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    resamples: int = RESAMPLES,
) -> Details:
    """Compute the details of a judgement from its predictions file and that of the run's own validation split.

    Raises:
        PredictionsError: a predictions file is missing or damaged, or holds what cannot be judged.
        ConfigError: a sensitivity or prevalence that is none.
    """
    predictions = Predictions.read(run.predictions(judged.name))
    chose = predictions if judged.name == CHOOSES else choosing_predictions(run, judged.epoch)
    aims, shares = (*SENSITIVITIES, *sensitivities), (*PREVALENCES, *prevalences)
    operating = tuple(
        operating_points(
            predictions, name, validation=chose, sensitivities=aims, prevalences=shares, resamples=resamples
        )
        for name in positives
    )
    decision = tuple(decision_curve(predictions, name, resamples=resamples) for name in positives)
    # At a temperature that was fitted on the very images, calibration would look better than it is.
    others = None if judged.name == CHOOSES else chose
    calibration = calibration_of(predictions, others, positives[0], resamples=resamples)
    matrix = confusion(predictions, positives[0])
    whole = WholeSetResults(operating[0], decision[0], calibration, matrix)
    return Details(
        notice=NOTICE,
        licence=judged.licence,
        name=judged.name,
        epoch=judged.epoch,
        operating=operating,
        decision=decision,
        confusion=matrix,
        subgroups=subgroups(predictions, positives[0], whole, resamples=min(resamples, RESAMPLES_OF_A_GROUP)),
        calibration=calibration,
        official=_official(predictions, judged.dataset, resamples),
    )


def write_details(run: RunFolder, details: Details) -> None:
    """Write the details beside the predictions they were computed from."""
    with replacing(run.details(details.name)) as part:
        part.write_text(json.dumps(details.as_dict(), allow_nan=False), encoding="utf-8")


def read_details(run: RunFolder, judged: SplitResults) -> Details | None:
    """Return the details of a judgement; None where there are none, or where they are of another epoch.

    Raises:
        PredictionsError: the file is damaged.
    """
    path = run.details(judged.name)
    if not path.is_file():
        return None
    try:
        details = _DETAILS.validate_python(_with_nan(json.loads(path.read_text(encoding="utf-8"))))
    except (ValidationError, ValueError):
        raise PredictionsError(
            f"{path} is damaged or of another version; delete it and run `attnmel evaluate` again"
        ) from None
    return details if details.epoch == judged.epoch else None


def operating_table(operating: Operating) -> tuple[list[str], list[list[str]]]:
    """Return the operating points of one class as text: a column a threshold, a row a figure with its interval."""
    points = operating.points
    header = [operating.task, "fixed", *(f"aim {point.target:g}" for point in points[1:])]
    rows = [["threshold", *(fixed(point.threshold, missing="-") for point in points)]]
    held = f" at these {percent(operating.positives / (operating.positives + operating.negatives))}"
    for name, among in (("sensitivity", ""), ("specificity", ""), ("ppv", held), ("npv", held)):
        rows.append([f"{name}{among}", *(_text(getattr(point.reached, name)) for point in points)])
    for place, prevalence in enumerate(operating.prevalences):
        rows.append([f"ppv at {percent(prevalence, 'g')}", *(_text(point.precision[place]) for point in points)])
    rows.append(["specificity, own ROC (optimistic)", *(_text(point.read_off) for point in points)])
    return header, rows


def _official(predictions: Predictions, name: str, resamples: int) -> ChallengeReport | None:
    dataset = source_of(name)
    if dataset not in SUBMISSIONS or not official_categories(predictions.classes, dataset):
        return None
    rules = OFFICIAL[dataset]
    entry = entry_of(predictions, dataset, excluded=rules.excluded)
    return evaluate_challenge(dataset, entry, rules, resamples=resamples)


def _with_nan(plain: Any) -> Any:  # noqa: ANN401 - walks JSON
    """Turn null back into NaN: what is None is left out of the file, so a null was a number."""
    if isinstance(plain, dict):
        return {key: _with_nan(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_with_nan(value) for value in plain]
    return float("nan") if plain is None else plain


def _text(interval: Interval) -> str:
    return in_brackets(interval, to=" - ", missing="-")
