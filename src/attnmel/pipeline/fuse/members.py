"""The runs and files that a fusion takes, and their stored predictions. Nothing is predicted again."""

import dataclasses
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnmel.config.fusion import Rule
from attnmel.data.archives.catalog import source_of
from attnmel.data.tables.problems import refuse
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.calibration.temperature import uncalibrated_among
from attnmel.evaluation.challenge.rules import CHALLENGES
from attnmel.evaluation.challenge.submission import SUBMISSIONS
from attnmel.evaluation.challenge.submission_file import read_submission
from attnmel.evaluation.fusion.card import Kind, MemberFacts, located, located_validation
from attnmel.files.checksums import file_sha256
from attnmel.files.seeds import runs_below, runs_in
from attnmel.pipeline.evaluate.submissions import is_submission, named_submission, submission_predictions
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.run import Run
from attnmel.progress import SILENT, Progress
from attnmel.records import REST, Predictions

AT = "@"
"""Between a file and the file of its validation predictions."""


@dataclass(frozen=True)
class Member:
    """A run, or a file of predictions."""

    name: str
    """As it was given; of a seed in a folder of a recipe, its path."""
    path: Path
    run: Run | None = None
    kind: Kind = "run"
    dataset: str = ""
    """That a file was named with, or a run was evaluated on."""
    validation: Path | None = None
    """A file's validation predictions."""

    @property
    def file(self) -> Path:
        """The file whose hash identifies the member."""
        return self.path if self.run is None else self.run.folder.best

    def facts(self, weight: float, out: Path) -> MemberFacts:
        """Return what the card of a fusion in the folder `out` says of the member."""
        return MemberFacts(
            name=self.name,
            kind=self.kind,
            path=str(self.path.resolve()),
            from_fusion=_from(out, self.path),
            sha256=file_sha256(self.file),
            validation=str(self.validation.resolve()) if self.validation else "",
            validation_from_fusion=_from(out, self.validation) if self.validation else None,
            validation_sha256=file_sha256(self.validation) if self.validation else "",
            weight=weight,
        )

    def source(self) -> str:
        """Return the absolute path, with that of validation predictions, as the recipe of the fusion has it."""
        return f"{self.path.resolve()}{AT + str(self.validation.resolve()) if self.validation else ''}"


def open_members(given: Sequence[str], home: Path, progress: Progress = SILENT) -> list[Member]:
    """Return the members: a run folder, each seed of a recipe's folder, a file, or FILE@VALIDATION_FILE.

    Raises:
        ConfigError: nothing there, fewer than two, or one named twice.
    """
    members = [one for name in given for one in _opened(name, home, progress)]
    seen: set[Path] = set()
    for one in members:
        if one.file.resolve() in seen:
            raise ConfigError(f"{one.name} is named twice; name each member once")
        seen.add(one.file.resolve())
    if len(members) < 2:
        found = f"one member, {members[0].name}" if members else "no member"
        raise ConfigError(f"found {found}; a fusion needs two or more runs or files of predictions")
    return members


def recalibrated_on(members: Sequence[Member]) -> str:
    """Return the images that runs among the members were recalibrated on, in words; empty where none was."""
    cards = (one.run.card for one in members if one.run)
    return "; ".join(dict.fromkeys(card.recalibrated_on for card in cards if card and card.recalibrated_on))


def member_predictions(member: Member, name: str, dataset: str, home: Path, *, labelled: bool = False) -> Predictions:
    """Return the predictions of a split, or of an external data set by the name of its results.

    Those of a run are at its temperature. With `labelled` a submission takes its labels from the fetched data set.

    Raises:
        PredictionsError: the run was not evaluated on it, or a file that cannot be used.
        ConfigError: a submission without the name of its data set.
        ArchiveError: labels are needed, and the data set was not fetched.
    """
    if member.run is not None:
        return _of_run(member, member.run, name)
    path = member.validation if name == CHOOSES else member.path
    if path is None:
        raise PredictionsError(
            f"{member.name} has no {CHOOSES} predictions; give them as {member.name}{AT}VALIDATION_FILE, or fuse by "
            "mean, rank or extreme"
        )
    if not is_submission(path):
        return Predictions.read(path)
    if labelled:
        return submission_predictions(path, dataset, home, split=name)[0]
    return unlabelled(path, dataset)


def scale_note(members: Sequence[Member], by: Rule) -> str:
    """Return which runs enter uncalibrated next to calibrated ones, where the rule takes probabilities as they are."""
    if by not in ("mean", "weighted", "confidence", "extreme"):
        return ""
    cards = {one.name: one.run.card for one in members if one.run}
    note = uncalibrated_among({name: card.temperature for name, card in cards.items() if card is not None})
    return f"{note}: the fused probabilities are of two scales; rank does not depend on them" if note else ""


def unlabelled(path: Path, dataset: str) -> Predictions:
    """Return a submission as it is, which needs no data set on disk.

    Raises:
        ConfigError: no data set is named.
        PredictionsError: anything wrong in the file; lists all problems.
    """
    challenge = source_of(dataset)
    if challenge not in SUBMISSIONS:
        raise ConfigError(
            f"the columns of {path} are read by the format of a challenge; name it with --dataset "
            f"({', '.join(sorted(SUBMISSIONS))})"
        )
    table = read_submission(path, challenge)
    refuse({table.name: table.problems})
    values = table.values(tuple(SUBMISSIONS[challenge].columns))
    names = CHALLENGES[challenge].categories
    if not CHALLENGES[challenge].balanced_accuracy:  # others have a class for every diagnosis
        names, values = (*names, REST), np.hstack([values, np.clip(1 - values.sum(axis=1, keepdims=True), 0, 1)])
    return Predictions(table.ids, names, values, np.full(len(table.ids), -1), table.ids)


def reopened(facts: MemberFacts, folder: Path, home: Path) -> Member:
    """Return the member of a stored fusion, at its path from the fusion's folder or else at its absolute one.

    Raises:
        PredictionsError: it is no longer there, or has changed since.
    """
    path = located(facts, folder)
    run = Run(path, home) if facts.kind == "run" else None
    return Member(facts.name, path, run, facts.kind, validation=located_validation(facts, folder))


def _from(folder: Path, path: Path) -> str | None:
    """Return a path from a folder; None on another drive."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return None


def _opened(given: str, home: Path, progress: Progress) -> list[Member]:
    dataset, path = named_submission(given)
    validation = None
    if not path.exists() and AT in str(path):
        file, _, other = str(path).rpartition(AT)
        path, validation = Path(file), Path(other)
        if not validation.is_file() and path.exists():
            raise ConfigError(f"no file of validation predictions at {validation}")
    if path.is_file():
        return [Member(given, path, None, "submission" if is_submission(path) else "predictions", dataset, validation)]
    found = [Run(one, home, progress) for one in runs_in(path)]
    if not found:
        raise ConfigError(
            f"nothing to fuse at {given}; expected a run folder, a folder of seed-* runs, a fused result, a submission "
            f"or a predictions file{runs_below(path) if path.is_dir() else ''}"
        )
    for run in found:
        if not run.folder.best.is_file():
            raise ConfigError(f"{run.path} has no {run.folder.best.name}; train the run first")
    return [Member(given if len(found) == 1 else str(run.path), run.path, run) for run in found]


def _of_run(member: Member, run: Run, name: str) -> Predictions:
    results = run.results.get(name)
    option = "" if results and results.on is None else f" --split {shlex.quote(name)}"
    evaluate = f"`attnmel evaluate {shlex.quote(str(run.path))}{option}`"
    # A model that was fetched has measures, but no predictions.
    if results is None or not run.folder.predictions(name).is_file():
        others = "" if name != CHOOSES else ", or fuse by mean, rank or extreme"
        raise PredictionsError(f"{member.name} has no {name} predictions; evaluate it first: {evaluate}{others}")
    if run.card is not None and results.epoch != run.card.epoch:
        raise PredictionsError(
            f"{member.name} was evaluated on {name} at epoch {results.epoch}, but its checkpoint is of epoch "
            f"{run.card.epoch}; evaluate it again: {evaluate}"
        )
    return dataclasses.replace(run.predictions(name), temperature=None)
