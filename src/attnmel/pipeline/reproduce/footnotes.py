"""What a reader of a table must know beyond its figures: footnotes, and where and at what cost it was made."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attnmel
from attnmel.data.datasets.missing import read_files
from attnmel.data.priors.sources import PREDICTED
from attnmel.evaluation.thesis.published import FOOTNOTES
from attnmel.evaluation.thesis.reproduced import TableBlock, count_tests
from attnmel.folders import RunFolder, home_folder, predicted_masks
from attnmel.pipeline.reproduce.jobs import Job, TableOptions
from attnmel.pipeline.run.history import read_history
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.results import read_measures
from attnmel.pipeline.run.seen_images import read_images
from attnmel.records import Predictions

INTERVALS = (
    "Below each figure stands its 95 % interval: of one seed over images alone, so that another seed may lie outside; "
    "of several seeds over seeds and images."
)


def footnotes(options: TableOptions, done: Sequence[Job], blocks: Sequence[TableBlock]) -> tuple[str, ...]:
    """Return the footnotes of a table."""
    count = count_tests(blocks)
    tests = (
        f"Tests are paired by image; p is corrected by Holm over all {count} of this table, and a difference is shown "
        "only where the corrected p is below 0.05 and the interval leaves out 0."
    )
    return (
        *FOOTNOTES.get(options.plan.name, ()),
        INTERVALS,
        *((tests,) if count else ()),
        *_other_trunk(done),
        *_short_data(done),
        *_segmenter_saw(options, done),
    )


def block_notes(split: str, judged: Mapping[str, Sequence[RunFolder]], titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the judgements of a split note, each with the rows that it is of."""
    of: dict[str, dict[str, None]] = {}
    for row, runs in judged.items():
        for run in runs:
            for note in read_measures(run)[split].judgement.notes:
                of.setdefault(note, {})[titles[row]] = None
    every = sum(bool(runs) for runs in judged.values())
    return tuple(note if len(rows) == every else f"{', '.join(rows)}: {note}" for note, rows in of.items())


def facts(options: TableOptions, done: Sequence[Job]) -> tuple[tuple[str, str], ...]:
    """Return where the table comes from: command, data, cost, devices, versions, commit."""
    known = [read_provenance(job.run) for job in done]
    rows = [row for job in done for row in read_history(job.run.history)]
    hours = sum(row.seconds for row in rows) / 3600
    named = {
        "command": options.command,
        "data": _each(f"{one['data']['title']}, content {one['data']['content'][:16]}" for one in known),
        "licence": _each(one["licence"] for one in known),
        "start": _each(one["start"] for one in known),
        "cost": f"{len(done)} runs, {len(rows)} epochs, {hours:.2f} hours of training" if done else "",
        "devices": _each(one["device"] for one in known),
        "precision": _each(one["precision"] for one in known),
        "versions": _each(_versions(one) for one in known),
        "program": f"table written by attnmel {attnmel.__version__}{_commit()}",
    }
    return tuple((name, value) for name, value in named.items() if value)


def run_lines(
    jobs: Mapping[str, Sequence[Job]], done: Sequence[Job], failures: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Return a line a run: row, seed, state, epoch judged, epochs, hours, device."""
    return tuple(_run_line(job, job in done, failures) for of_row in jobs.values() for job in of_row)


def _run_line(job: Job, done: bool, failures: Mapping[str, str]) -> tuple[str, ...]:
    history = read_history(job.run.history)
    hours = f"{sum(row.seconds for row in history) / 3600:.2f}"
    if not done:
        state = "failed" if job.name in failures else "not finished"
        return (job.row, str(job.seed), state, "", str(len(history)), hours, "")
    judged = next(iter(read_measures(job.run).values()))
    device = read_provenance(job.run)["device"]
    return (job.row, str(job.seed), "finished", str(judged.epoch), str(len(history)), hours, device)


def _short_data(done: Sequence[Job]) -> tuple[str, ...]:
    """Say which of the official files that are read were not whole, for all runs together."""
    short = {
        f"{one['name']}: {'absent' if one['status'] == 'absent' else _of(one)}"
        for job in done
        if job.recipe is not None
        for one in read_provenance(job.run)["data"]["archives"]
        if one["status"] != "complete" and one["name"] in read_files(job.recipe.data.dataset)
    }
    told = f"The data were not whole: {'; '.join(sorted(short))}. The published figures are of the whole set."
    return (told,) if short else ()


def _other_trunk(done: Sequence[Job]) -> tuple[str, ...]:
    """Say that rows keep the slides' names where their trunk is another."""
    trunks = {job.recipe.model.trunk for job in done if job.recipe is not None}
    other = sorted(trunk for trunk in trunks if not trunk.startswith("vgg16"))
    told = f"Rows keep the slides' names, but their trunk is {', '.join(other)} in place of VGG-16."
    return (told,) if other else ()


def _of(state: Mapping[str, Any]) -> str:
    return f"{state['found']} of {state['expected']}" if state["expected"] else str(state["found"])


def _segmenter_saw(options: TableOptions, done: Sequence[Job]) -> tuple[str, ...]:
    """Say whether the segmenter of the predicted masks learnt from images that a row was judged on."""
    notes: dict[str, None] = {}
    for job in done:
        if job.recipe is None or job.recipe.loss.masks != PREDICTED:
            continue
        masks = predicted_masks(home_folder(options.home), job.recipe.data.dataset)
        known = {one.image_id for one in read_images(masks)}
        for split in read_measures(job.run):
            judged = Predictions.read(job.run.predictions(split)).image_ids
            seen = len(known & {*judged})
            told = f"{seen} of them" if seen else "none of them"
            if known:
                notes[
                    f"{job.recipe.title}: of the {len(judged)} {split} images, the segmenter whose masks it was drawn "
                    f"toward had learnt from {told}."
                ] = None
    return tuple(notes)


def _versions(provenance: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())


def _each(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))


def _commit() -> str:
    """Return the last commit of the program's own files; empty where it is installed without its history."""
    try:
        found = subprocess.run(
            ["git", "log", "-1", "--format=%h", "--", "."],
            cwd=Path(attnmel.__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return f", commit {found.stdout.strip()}" if found.stdout.strip() else ""
