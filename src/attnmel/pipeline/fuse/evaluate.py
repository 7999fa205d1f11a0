"""The predictions of a fusion -> its results; a stored fusion and a split -> the same from its members' predictions."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from attnmel.config.fusion import FusionRecipe
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.classification.operating_points import check_points
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.fusion.card import KEY, FusionCard, read_fusion_card
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_folder
from attnmel.models.weights.safetensors_io import read_metadata
from attnmel.pipeline.evaluate.calibrate import store_at_temperature, store_calibration
from attnmel.pipeline.evaluate.submissions import write_if_official
from attnmel.pipeline.fuse.fit import fit_rule, gathered_predictions
from attnmel.pipeline.fuse.members import Member, reopened, scale_note
from attnmel.pipeline.run.results.notes import notes_by_name
from attnmel.pipeline.run.results.results import CHOOSES, SplitResults, external_set, is_same_set, results_name
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

EPOCH = 0
"""A fusion has no epochs."""


def is_fused(run: Run) -> bool:
    """Whether a run folder is that of a fusion."""
    return isinstance(run.recipe, FusionRecipe)


def refuse_predicting(options: Mapping[str, object], run: Run) -> None:
    """Refuse options of `attnmel evaluate`, by name, that say how images are read and predicted.

    Raises:
        ConfigError: names those that are given.
    """
    if given := [name for name, value in options.items() if value]:
        raise ConfigError(
            f"{run.path} is a fusion of stored predictions, which takes no {' or '.join(given)}; evaluate its members "
            "with that, and fuse what they are then evaluated on by `attnmel fuse --split`"
        )


def evaluate_fusion(
    run: Run,
    *,
    on: str | None = None,
    split: str | None = None,
    exclude: Path | None = None,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    resamples: int = RESAMPLES,
) -> SplitResults:
    """Evaluate a fusion on what its members were evaluated on; their stored predictions are fused again.

    Raises:
        PredictionsError: a member was not evaluated on it, or has changed since the fusion.
        ConfigError: no such split, a sensitivity or prevalence outside its range.
        BusyError: another command writes into the folder.
    """
    check_points(sensitivities, prevalences)
    with hold_folder(run.path):
        card = stored_card(run.path)
        members = [reopened(one, run.path, run.home) for one in card.members]
        place = external_set(on, run.recipe.data.dataset)
        _, name = results_name(place, split, exclude)
        _refuse_files(members, name, card.split)
        if place is not None:
            _refuse_other_set(members, name, place)
        if name == CHOOSES:
            found = fit_rule(card.by, members, card.classes, card.dataset, run.home, seed=card.seed, labelled=True)
            if found.validation is None:
                raise PredictionsError(found.note)
            predictions = found.validation
        else:
            aligned = gathered_predictions(members, name, card.classes, card.dataset, run.home, labelled=True)
            predictions = aligned.with_probabilities(card.fusion(aligned.members))
        return store_results(run, name, predictions, members, card, sensitivities, prevalences, resamples)


def stored_card(folder: Path) -> FusionCard:
    """Read the card of a fusion's folder.

    Raises:
        CheckpointError: its file is damaged or of another version.
    """
    path = RunFolder(folder).best
    return read_fusion_card(read_metadata(path).get(KEY, ""), path)


def store_results(
    run: Run,
    name: str,
    predictions: Predictions,
    members: Sequence[Member],
    card: FusionCard,
    sensitivities: Sequence[float] = (),
    prevalences: Sequence[float] = (),
    resamples: int = RESAMPLES,
) -> SplitResults:
    """Write fused predictions into the folder, with all that `attnmel evaluate` writes of a run's.

    Those of validation choose temperature and operating points.

    Raises:
        PredictionsError: a measure is not defined.
    """
    recalibrated = name == CHOOSES and store_calibration(run, predictions)
    run.write_predictions(name, predictions, card.licence)
    scaled = run.predictions(name)
    known = next((one.run.results[name] for one in members if one.run and name in one.run.results), None)
    report = evaluate_classification(
        scaled, card.positives, resamples=resamples, one_sided=known is not None and known.on is not None
    )
    results = SplitResults(
        name=name,
        dataset=known.dataset if known else card.dataset,
        on=known.on if known else None,
        split=known.split if known else name,
        epoch=EPOCH,
        licence=card.licence,
        judgement=dataclasses.replace(report, notes=(*report.notes, *_notes(name, members, card))),
        overlap={},
        masks=0,
        submission=write_if_official(scaled, run.folder.submission(name), card.dataset),
        temperature=scaled.temperature,
        columns=known.columns if known else {},
    )
    details = run.find_details(results, sensitivities=sensitivities, prevalences=prevalences, resamples=resamples)
    run.write_results(results, details)
    if recalibrated:
        store_at_temperature(run, [one for one in run.results.values() if one.name != CHOOSES])
    return results


def _refuse_files(members: Sequence[Member], name: str, split: str) -> None:
    """Refuse results by a name that files among the members are not of; a file does not say of what it is.

    Raises:
        PredictionsError: names the file, and the split that it was fused as.
    """
    file = next((one for one in members if one.run is None), None)
    if file is not None and name not in (split, CHOOSES):
        raise PredictionsError(
            f"{file.name} is a file of predictions of '{split}', which has none of '{name}'; fuse files of these images"
        )


def _refuse_other_set(members: Sequence[Member], name: str, on: str) -> None:
    """Refuse a folder that members were not evaluated on, but on another one of the same name.

    Raises:
        PredictionsError: names the member, and what it was evaluated on.
    """
    for one in members:
        known = one.run.results.get(name) if one.run else None
        if known is not None and not is_same_set(known.on, on):
            raise PredictionsError(
                f"{one.name} was evaluated on another folder as '{name}' ({known.on}), not on {on}; rename one of the "
                "two folders, and evaluate the members on it"
            )


def _notes(name: str, members: Sequence[Member], card: FusionCard) -> tuple[str, ...]:
    """Return how the predictions were fused, and the notes on the members' own results."""
    how = f"fused by {card.by} from the stored predictions of {len(members)} members, fitted on {card.fitted_on}"
    ranks = ("ranks among these images, not probabilities",) if card.by == "rank" else ()
    known = {one.name: one.run.results.get(name) if one.run else None for one in members}
    own = {member: found.judgement.notes if found else () for member, found in known.items()}
    scales = [note] if (note := scale_note(members, card.by)) else []
    return (how, *ranks, *scales, *notes_by_name(own, of_all="every member: "))
