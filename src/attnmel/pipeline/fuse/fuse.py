"""Runs, fused results and files of predictions -> one file of predictions, or a folder that is a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from attnmel.config.fusion import FusionRecipe, Rule
from attnmel.data.archives.catalog import source_of
from attnmel.data.datasets.read_dataset import KNOWN, own_folder_path
from attnmel.errors import ConfigError, require_known
from attnmel.evaluation.challenge.rules import CHALLENGES
from attnmel.evaluation.challenge.submission import SUBMISSIONS, official_categories
from attnmel.evaluation.classification.ranking import Ranking, average_precision, roc_auc
from attnmel.evaluation.fusion.align import Aligned, common_names
from attnmel.evaluation.fusion.card import FusionCard, stack_facts
from attnmel.evaluation.fusion.rules import mean
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.files.folders import RunFolder, replacing
from attnmel.files.locks import hold_file
from attnmel.pipeline.evaluate.submissions import write_if_official
from attnmel.pipeline.fuse.evaluate import store_results
from attnmel.pipeline.fuse.fit import Fitted, fit_rule, gathered_predictions
from attnmel.pipeline.fuse.folder import members_licence, write_run
from attnmel.pipeline.fuse.members import Member, member_predictions, open_members, scale_note
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.run import Run
from attnmel.progress import SILENT, Progress
from attnmel.records import REST, Predictions

CSV = ".csv"

PLAIN, FUSED = "plain mean", "fused"
"""Rows of the measures next to those of the members."""


@dataclass(frozen=True)
class Fused:
    """What was written, and what the labelled images of the split say of members and fusion."""

    out: Path
    card: FusionCard
    measures: Mapping[str, Mapping[str, tuple[float, float]]]
    """AUC and AP by row (a member, "plain mean", or "fused") and class; empty without labels."""
    notes: tuple[str, ...]


def fuse(
    given: Sequence[str],
    out: Path,
    *,
    by: Rule = "mean",
    dataset: str = "",
    split: str = "test",
    positives: Sequence[str] = (),
    seed: int = 0,
    recipe: FusionRecipe | None = None,
    home: Path,
    command: str = "",
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> Fused:
    """Fuse members by a rule into `out`: a file of predictions where it ends in .csv, else a run folder.

    `recipe` is that of the fusion, where its members were trained for it; it gives the run its name and title.

    A file has the official format of the data set's challenge where there is one, and its card next to it in JSON; it
    needs no data set on disk unless a rule is fitted on files. A folder has the results of `split`, in which files are,
    of validation where all members have it, and of all else that all members were evaluated on if each is a run.

    Raises:
        ConfigError: fewer than two members, one twice, data sets that differ, or `out` is there already.
        PredictionsError: members of other images, classes or truths, or one without the predictions that are needed.
        LabelError: too few validation images for a stack.
        ArchiveError: labels of files are needed, and the data set was not fetched.
        BusyError: another command writes to `out`.
    """
    is_file = out.suffix.lower() == CSV
    for path in (out, *([out.with_suffix(".json")] if is_file else [])):
        if path.exists():
            raise ConfigError(f"{path} is there already; name a new file ending in .csv, or a new folder, by --out")
    members = open_members(given, home, progress)
    if split == CHOOSES:  # which a file is of, then
        members = [one if one.run or one.validation else replace(one, validation=one.path) for one in members]
    dataset = _dataset(members, dataset, split)
    if not dataset and not is_file:
        raise ConfigError(
            "a folder is a run of a data set, and these files do not say of which; name a known one, or the folder of "
            "the images, by --dataset, or a file ending in .csv by --out"
        )
    found = {one.name: member_predictions(one, split, dataset, home) for one in members}
    challenge = source_of(dataset)
    classes = common_names({name: one.classes for name, one in found.items()}, challenge, positives)
    aligned = gathered_predictions(members, split, classes, challenge, home, labelled=not is_file)
    fitted = fit_rule(by, members, classes, challenge, home, seed=seed, labelled=not is_file)
    card = _card(by, members, classes, positives, dataset, split, seed, fitted, out)
    if split == CHOOSES and fitted.validation is not None:
        fused = fitted.validation  # of a stack by models that were fitted without the image's lesion
    else:
        fused = aligned.with_probabilities(fitted.fusion(aligned.members))
    measures = _measures(aligned, members, fused, card.positives)
    with hold_file(out):
        if is_file:
            _write_file(out, fused, card)
        else:
            others = _other_results(members, split)
            _write_folder(
                out, card, members, recipe, {split: fused}, others, fitted, command, home, resamples, progress
            )
    notes = (fitted.note, scale_note(members, by))
    return Fused(out, card, measures, tuple(note for note in notes if note))


def _dataset(members: Sequence[Member], given: str, split: str) -> str:
    """Return the data set that the classes are named after: as given, as in a name of a file, or that of the runs."""
    named = {one.dataset: one.name for one in members if one.dataset}
    for one in members:
        if one.run is not None and split in one.run.results:
            named.setdefault(one.run.results[split].dataset, one.name)
    if given and given not in named and own_folder_path(given) is None:
        require_known("data set", given, KNOWN)
    sources = {source_of(name): member for name, member in named.items()}
    if given:
        sources = {source_of(given): "--dataset"} | sources
    if len(sources) > 1:
        said = "; ".join(f"{member}: {name}" for name, member in sources.items())
        raise ConfigError(f"members of several data sets ({said}); fuse predictions of the images of one")
    return given or next(iter(named), "")


def _card(
    by: Rule,
    members: Sequence[Member],
    classes: tuple[str, ...],
    positives: Sequence[str],
    dataset: str,
    split: str,
    seed: int,
    fitted: Fitted,
    out: Path,
) -> FusionCard:
    challenge = source_of(dataset)
    return FusionCard(
        licence=members_licence(members),
        by=by,
        seed=seed,
        dataset=dataset,
        split=split,
        classes=classes,
        positives=_positives(members, classes, positives, challenge),
        fitted_on=fitted.fitted_on,
        members=tuple(
            one.facts(weight, out) for one, weight in zip(members, fitted.fusion.weights.tolist(), strict=True)
        ),
        stacks=stack_facts(fitted.fusion),
    )


def _positives(
    members: Sequence[Member], classes: Sequence[str], positives: Sequence[str], dataset: str
) -> tuple[str, ...]:
    """Return the target classes: as given, those of the first run, or all that the challenge evaluated."""
    own = next((one.run.recipe.data.positives for one in members if one.run), ())
    wanted = tuple(dict.fromkeys(positives)) or own
    if dataset in SUBMISSIONS:
        named = {name: official for official, name in official_categories(wanted, dataset).items()}
        wanted = tuple(dict.fromkeys(named.get(name, name) for name in wanted)) or CHALLENGES[dataset].categories
    return tuple(name for name in wanted if name in classes) or tuple(name for name in classes if name != REST)


def _other_results(members: Sequence[Member], split: str) -> tuple[str, ...]:
    """Return what else all members were evaluated on; nothing where a file is among them."""
    names = [list(one.run.results) if one.run else [] for one in members]
    return tuple(one for one in names[0] if one not in (split, CHOOSES) and all(one in other for other in names))


def _write_file(out: Path, fused: Predictions, card: FusionCard) -> None:
    with replacing(out.with_suffix(".json")) as part:
        part.write_text(card.model_dump_json(indent=2), encoding="utf-8")
        if not write_if_official(fused, out, card.dataset):
            fused.write(out, None)


def _write_folder(
    out: Path,
    card: FusionCard,
    members: Sequence[Member],
    recipe: FusionRecipe | None,
    found: dict[str, Predictions],
    others: Sequence[str],
    fitted: Fitted,
    command: str,
    home: Path,
    resamples: int,
    progress: Progress,
) -> None:
    for name in others:
        aligned = gathered_predictions(members, name, card.classes, source_of(card.dataset), home)
        found[name] = aligned.with_probabilities(card.fusion(aligned.members))
    if fitted.validation is not None:
        found = {CHOOSES: fitted.validation, **found}  # first, as it chooses the temperature
    with replacing(out) as part:
        write_run(RunFolder(part), card, members, recipe, found, command)
        run = Run(part, home, progress)
        for name, predictions in found.items():
            store_results(run, name, predictions, members, card, resamples=resamples)


def _measures(
    aligned: Aligned, members: Sequence[Member], fused: Predictions, positives: Sequence[str]
) -> dict[str, dict[str, tuple[float, float]]]:
    if (aligned.truth.labels < 0).any():
        return {}
    own = (PLAIN, FUSED)
    names = [f"./{one.name}" if one.name in own else one.name for one in members]
    rows = dict(zip(names, aligned.members, strict=True)) | {PLAIN: mean(aligned.members), FUSED: fused.probabilities}
    return {
        name: {one: _auc_and_ap(replace(fused, probabilities=values), one) for one in positives}
        for name, values in rows.items()
    }


def _auc_and_ap(predictions: Predictions, name: str) -> tuple[float, float]:
    counts = Ranking.of(predictions.is_class(name), predictions.probability(name)).counts()
    return float(np.ravel(roc_auc(counts))[0]), float(np.ravel(average_precision(counts))[0])
