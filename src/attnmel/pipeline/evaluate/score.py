"""Anyone's predictions in an official format -> the official measures with intervals."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ConfigError, require_known
from attnmel.evaluation.challenge.entry import read_entry
from attnmel.evaluation.challenge.masks import TASK1, evaluate_masks, masks_in, read_masks
from attnmel.evaluation.challenge.rules import CHALLENGES, changed_rules
from attnmel.evaluation.challenge.score import ChallengeReport, evaluate_challenge
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.number_formats import two_cells
from attnmel.pipeline.evaluate.submissions import SPLIT, fetched_truth, incomplete, lesion_groups


def score(
    dataset: str,
    predictions: Path,
    *,
    home: Path,
    truth: Path | None = None,
    columns: Mapping[str, str] | None = None,
    rules: Sequence[str] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ChallengeReport:
    """Score a table, or for ISIC 2018 task 1 a folder of masks, by the data set's official rules.

    Without `truth` the test split of the fetched data set is the truth; for ISIC 2018 task 1, whose test masks were not
    published with the others, its training masks. `columns` are those of `read_submission`. `rules` are changes such as
    "ties=first". Where the fetched data set records the lesion of an image, lesions are resampled.

    Raises:
        ConfigError: no such challenge or rule, or no truth to be had.
        PredictionsError: everything that is wrong in one of the files, all at once.
        ArchiveError: the data set was not fetched, and no truth is named.
    """
    require_known("challenge", dataset, CHALLENGES)
    chosen = changed_rules(dataset, rules)
    groups = lesion_groups(dataset, home)
    if dataset == TASK1:
        if columns:
            raise ConfigError(f"{TASK1} is scored by masks, which have no columns; leave out --columns")
        true = masks_in(truth) if truth is not None else _fetched_masks(home)
        masks = read_masks(predictions, true, excluded=chosen.excluded, groups=groups)
        return evaluate_masks(masks, chosen, resamples=resamples, seed=seed)
    table = truth if truth is not None else fetched_truth(dataset, home)
    entry = read_entry(dataset, predictions, table, excluded=chosen.excluded, groups=groups, columns=columns)
    return evaluate_challenge(dataset, entry, chosen, resamples=resamples, seed=seed)


def score_dict(scored: ChallengeReport) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {"notice": NOTICE, **dataclasses.asdict(scored)}


def score_sentences(scored: ChallengeReport) -> str:
    """Return what was scored and by which rules, one fact a line."""
    counts = ", ".join(f"{count} {name}" for name, count in scored.counts.items())
    units = f", resampled as {scored.units} lesions" if scored.units < scored.images else ""
    rules = [f"{name}={_written(getattr(scored.rules, name))}" for name in CHALLENGES[scored.dataset].switches]
    task, measure = scored.ranked_by
    ranked = any((row.task, row.measure) == scored.ranked_by for row in scored.rows)
    missing = "" if ranked else ", which these classes do not give"
    lines = [
        f"{scored.title}: {scored.images} images{f' ({counts})' if counts else ''}{units}; ranked by {measure} ({task})"
        f"{missing}",
        f"rules: {', '.join(rules)}",
        f"left out: {', '.join(scored.left_out) or 'no image'}",
    ]
    part = incomplete(scored.dataset, scored.images + len(scored.left_out))
    notes = [*([f"{part}: measures of the whole set may differ"] if part else []), *scored.notes]
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])


def score_table(scored: ChallengeReport) -> list[list[str]]:
    """Return the measures as text: task, measure, value, interval; a dash where a measure is not defined."""
    return [[row.task, row.measure, *two_cells(row.interval)] for row in scored.rows]


def _fetched_masks(home: Path) -> dict[str, Path]:
    """Return the masks of the test split; where none were published, all there are."""
    lesions = read_dataset(TASK1, home).lesions
    masks = {one.image_id: one.mask for one in lesions if one.mask is not None}
    test = {one.image_id for one in lesions if one.split == SPLIT}
    if not masks:
        raise ConfigError(f"{TASK1} was fetched without masks; name a folder of them with --truth")
    return {image_id: mask for image_id, mask in masks.items() if image_id in test} or masks


def _written(value: object) -> str:
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value)
