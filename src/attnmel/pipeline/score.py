"""Anyone's predictions in an official format -> the official measures with intervals."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.data.archives import ARCHIVES
from attnmel.data.labels import read_dataset
from attnmel.errors import ArchiveError, ConfigError, LabelError, require_known
from attnmel.evaluation.entry import read_entry
from attnmel.evaluation.intervals import RESAMPLES
from attnmel.evaluation.official import OfficialJudgement, judge_official
from attnmel.evaluation.official_masks import TASK1, judge_masks, masks_in, read_masks
from attnmel.evaluation.official_rules import CHALLENGES, OFFICIAL, changed_rules
from attnmel.records import Lesion

SPLIT = "test"
"""The split whose truth a submission is scored against."""


def score(
    dataset: str,
    predictions: Path,
    *,
    home: Path,
    truth: Path | None = None,
    rules: Sequence[str] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> OfficialJudgement:
    """Score a table, or for ISIC 2018 task 1 a folder of masks, by the data set's official rules.

    Without `truth` the test split of the fetched data set is the truth. `rules` are changes such as "ties=first". Where
    the fetched data set knows the lesion of an image, lesions are resampled.

    Raises:
        ConfigError: no such challenge or rule, or no truth to be had.
        PredictionsError: anything wrong in one of the files; tells all of it at once.
        ArchiveError: the data set was not fetched, and no truth is named.
    """
    require_known("challenge", dataset, CHALLENGES)
    chosen = changed_rules(OFFICIAL[dataset], rules)
    lesions = _lesions(dataset, home, needed=truth is None)
    groups = {one.image_id: one.group for one in lesions if one.group is not None}
    if dataset == TASK1:
        true = masks_in(truth) if truth is not None else _masks(lesions)
        masks = read_masks(predictions, true, excluded=chosen.excluded, groups=groups)
        return judge_masks(masks, chosen, resamples=resamples, seed=seed)
    table = truth if truth is not None else _fetched_truth(dataset, home)
    entry = read_entry(dataset, predictions, table, excluded=chosen.excluded, groups=groups)
    return judge_official(dataset, entry, chosen, resamples=resamples, seed=seed)


def as_dict(judged: OfficialJudgement) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {"notice": NOTICE, **dataclasses.asdict(judged)}


def sentence(judged: OfficialJudgement) -> str:
    """Return what was scored and by which rules, one thing a line."""
    held = ", ".join(f"{count} {name}" for name, count in judged.counts.items())
    units = f", resampled as {judged.units} lesions" if judged.units < judged.images else ""
    rules = [f"{name}={_written(value)}" for name, value in dataclasses.asdict(judged.rules).items()]
    ranked = " ".join(judged.ranked_by).replace("_", " ")
    lines = [
        f"{judged.title}: {judged.images} images{f' ({held})' if held else ''}{units}; ranked by: {ranked}",
        f"rules: {', '.join(rules)}",
        f"left out: {', '.join(judged.left_out) or 'no image'}",
    ]
    return "\n".join([*lines, *(f"note: {note}" for note in judged.notes)])


def table(judged: OfficialJudgement) -> list[list[str]]:
    """Return the measures as text: task, measure, value, interval; a dash where a measure is not defined."""
    return [[row.task, row.measure, _fixed(row.value), _span(row.low, row.high)] for row in judged.rows]


def _lesions(dataset: str, home: Path, *, needed: bool) -> Sequence[Lesion]:
    """Return the data set's lesions; none where it was not fetched and can be done without."""
    try:
        return read_dataset(dataset, home).lesions
    except (ArchiveError, LabelError, ConfigError):
        if needed:
            raise
        return ()


def _fetched_truth(dataset: str, home: Path) -> Path:
    """Return the official table itself: a mirror may lack images that a submission has a row for."""
    tables = [one for one in ARCHIVES[dataset] if (one.role, one.split) == ("labels", SPLIT)]
    for one in tables:
        location = one.location(home)
        found = sorted(location.rglob("*.csv")) if location.is_dir() else [location] * location.is_file()
        if found:
            return found[0]
    raise ArchiveError(f"{dataset} was fetched without the truth of its test images; name one with --truth")


def _masks(lesions: Sequence[Lesion]) -> dict[str, Path]:
    masks = {one.image_id: one.mask for one in lesions if one.mask is not None and one.split == SPLIT}
    if not masks:
        raise ConfigError(f"{TASK1} was fetched without masks of test images; name a folder of them with --truth")
    return masks


def _written(value: object) -> str:
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)


def _fixed(value: float) -> str:
    return "-" if value != value else f"{value:.4f}"


def _span(low: float, high: float) -> str:
    return "" if low != low else f"{low:.3f} - {high:.3f}"
