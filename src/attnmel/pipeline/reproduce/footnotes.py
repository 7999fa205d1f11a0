"""What a reader of a table must know beyond its numbers: footnotes, and where and at what cost it was made."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attnmel
from attnmel.config.recipe import Recipe
from attnmel.data.datasets.missing import read_files
from attnmel.data.priors.sources import PREDICTED
from attnmel.errors import counted
from attnmel.evaluation.thesis.published import FOOTNOTES
from attnmel.evaluation.thesis.reproduced import TableBlock, count_tests
from attnmel.files.folders import predicted_masks
from attnmel.number_formats import fixed
from attnmel.pipeline.reproduce.jobs import Job, TableOptions
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.run.results.notes import notes_by_name
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.training.history import read_history

INTERVALS = (
    "Below each value is its 95 % interval: of one seed over images alone, so that another seed may lie outside; "
    "of several seeds over seeds and images."
)


def footnotes(options: TableOptions, done: Sequence[Run], blocks: Sequence[TableBlock]) -> tuple[str, ...]:
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
        *_segmenter_saw(done),
    )


def block_notes(split: str, evaluated: Mapping[str, Sequence[Run]], titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return the notes of the results on a split, each with the rows that it is of."""
    return notes_by_name(
        {
            titles[row]: [note for run in runs for note in run.results[split].judgement.notes]
            for row, runs in evaluated.items()
            if runs
        }
    )


def facts(options: TableOptions, done: Sequence[Run]) -> tuple[tuple[str, str], ...]:
    """Return where the table comes from: command, data, cost, devices, versions, commit."""
    known = [run.provenance for run in done]
    rows = [row for run in done for row in run.history]
    hours = sum(row.seconds for row in rows) / 3600
    named = {
        "command": options.command,
        "data": _each(f"{one['data']['title']}, content {one['data']['content'][:16]}" for one in known),
        "licence": _each(one["licence"] for one in known),
        "start": _each(one["start"] for one in known),
        "cost": f"{counted(len(done), 'run')}, {counted(len(rows), 'epoch')}, {fixed(hours, 2)} hours of training"
        if done
        else "",
        "devices": _each(one["device"] for one in known),
        "precision": _each(one["precision"] for one in known),
        "versions": _each(_versions(one) for one in known),
        "program": f"table written by attnmel {attnmel.__version__}{_commit()}",
    }
    return tuple((name, value) for name, value in named.items() if value)


def run_lines(jobs: Sequence[Job], done: Sequence[Run], failures: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return a line a run: row or part, seed, state, epoch evaluated, epochs, hours, device."""
    finished = {run.path: run for run in done}
    return tuple(_run_line(job, finished.get(job.run.path), failures) for job in jobs)


def _run_line(job: Job, done: Run | None, failures: Mapping[str, str]) -> tuple[str, ...]:
    history = done.history if done else read_history(job.run.history)
    hours = fixed(sum(row.seconds for row in history) / 3600, 2)
    if done is None:
        state = "failed" if job.name in failures else "not finished"
        return (job.row, str(job.seed), state, "", str(len(history)), hours, "")
    epoch = str(next(iter(done.results.values())).epoch) if history else ""  # a fitted system has no epochs
    return (job.row, str(job.seed), "finished", epoch, str(len(history) or ""), hours, done.provenance["device"])


def _short_data(done: Sequence[Run]) -> tuple[str, ...]:
    """Return the footnote on the official files that were incomplete, for all runs together."""
    short = {
        f"{one['name']}: {'absent' if one['status'] == 'absent' else _of(one)}"
        for run in done
        for one in run.provenance["data"]["archives"]
        if one["status"] != "complete" and one["name"] in read_files(run.recipe.data.dataset)
    }
    files = "; ".join(sorted(short))
    return (f"The data set is incomplete: {files}. The published values are of the whole set.",) if short else ()


def _other_trunk(done: Sequence[Run]) -> tuple[str, ...]:
    """Return the footnote on rows that keep the slides' names although their trunk is another."""
    trunks = {run.recipe.model.trunk for run in done if isinstance(run.recipe, Recipe)}
    other = ", ".join(sorted(trunk for trunk in trunks if not trunk.startswith("vgg16")))
    return (f"Rows keep the slides' names, but their trunk is {other} in place of VGG-16.",) if other else ()


def _of(state: Mapping[str, Any]) -> str:
    return f"{state['found']} of {state['expected']}" if state["expected"] else str(state["found"])


def _segmenter_saw(done: Sequence[Run]) -> tuple[str, ...]:
    """Return the footnotes on how many evaluated images the segmenter of the predicted masks learnt from."""
    notes: dict[str, None] = {}
    for run in done:
        if not isinstance(run.recipe, Recipe) or run.recipe.loss.masks != PREDICTED:
            continue
        learnt = {one.image_id for one in read_images(predicted_masks(run.home, run.recipe.data.dataset))}
        for split in run.results if learnt else ():
            evaluated = run.predictions(split).image_ids
            count = len(learnt & {*evaluated})
            notes[
                f"{run.recipe.title}: of the {len(evaluated)} {split} images, the segmenter whose masks are its prior "
                f"had learnt from {f'{count} of them' if count else 'none of them'}."
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
