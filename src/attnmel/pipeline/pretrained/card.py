"""Make the card of a pretrained model from its files and results."""

from collections.abc import Mapping

from attnmel.deploy.onnx.export_facts import ExportFacts
from attnmel.errors import PredictionsError
from attnmel.evaluation.calibration.calibration import Reliability
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import Card, described
from attnmel.models.weights.operating_points import Threshold
from attnmel.pipeline.run.results.details import read_details
from attnmel.pipeline.run.results.results import CHOOSES, SplitResults
from attnmel.pretrained.card import CalibrationFact, FileFact, Measured, ModelCard, OperatingFact, Words

RATES = ("sensitivity", "specificity")

CALIBRATION = ("calibration_error", "intercept", "slope", "brier", "log_loss")


def model_card(
    made: RunFolder, words: Words, card: Card, results: SplitResults, facts: ExportFacts, parameters: int
) -> ModelCard:
    """Return the card of a model, once all its files are in its folder.

    Raises:
        PredictionsError: the details of the evaluation are missing.
    """
    counts = ", ".join(f"{count} {name}" for name, count in results.judgement.counts.items())
    return ModelCard(
        **words.model_dump(),
        network=described(card),
        size=card.size,
        transforms=card.transforms,
        classes=card.classes,
        parameters=parameters,
        judged_on=f"{results.dataset}, {results.split}: {results.judgement.images} images ({counts})",
        measures=tuple(
            Measured(task=one.task, measure=one.measure, value=one.value, low=one.low, high=one.high)
            for one in results.judgement.rows
        ),
        operating=tuple(_operating(one, results.name) for one in facts.thresholds),
        calibration=_calibration(made, card, results),
        licence=card.licence,
        versions=facts.versions,
        files=_files(made),
    )


def _operating(one: Threshold, split: str) -> OperatingFact:
    """Return a threshold of the ONNX file with what it achieves on the images that chose it, and on the evaluated."""
    achieved = {each.split: each for each in one.achieved}
    chosen, evaluated = (
        tuple(_measured(one.task, name, Interval(*getattr(achieved[each], name))) for name in RATES)
        for each in (CHOOSES, split)
    )
    return OperatingFact(
        task=one.task,
        target=one.target,
        threshold=one.threshold,
        chosen_sensitivity=one.sensitivity,
        chosen_specificity=one.specificity,
        chosen=chosen,
        chosen_images=one.images,
        chosen_positives=one.positives,
        sensitivity=evaluated[0],
        specificity=evaluated[1],
    )


def _calibration(made: RunFolder, card: Card, results: SplitResults) -> CalibrationFact:
    details = read_details(made, results)
    if details is None:
        raise PredictionsError(f"{made.details(results.name)} is missing; evaluate the run again")
    main, known = details.calibration.main, details.calibration
    return CalibrationFact(
        temperature=card.temperature,
        before=_reliability(main, known.before),
        after=() if known.after is None else _reliability(main, known.after),
    )


def _reliability(task: str, found: Reliability) -> tuple[Measured, ...]:
    measures: Mapping[str, Interval] = found.measures
    return tuple(_measured(task, name, measures[name]) for name in CALIBRATION if name in measures)


def _measured(task: str, measure: str, found: Interval) -> Measured:
    return Measured(task=task, measure=measure, value=found.value, low=found.low, high=found.high)


def _files(made: RunFolder) -> dict[str, FileFact]:
    paths = sorted(path for path in made.path.rglob("*") if path.is_file())
    return {
        path.relative_to(made.path).as_posix(): FileFact(size=path.stat().st_size, sha256=file_sha256(path))
        for path in paths
    }
