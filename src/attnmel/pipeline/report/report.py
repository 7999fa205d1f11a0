"""Runs -> one HTML file: everything is read from the run folders, nothing is predicted again."""

import dataclasses
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnmel.config.load import AnyRecipe, changes
from attnmel.config.recipe import Recipe
from attnmel.data.archives.fetch import ArchiveState
from attnmel.data.batches.ablate import NO_ABLATION, ablation_of
from attnmel.data.priors.corrupt import NOT_SPOILT
from attnmel.errors import PredictionsError, did_you_mean, require_known
from attnmel.evaluation.classification.curves import precision_recall_curve, roc_curve
from attnmel.evaluation.statistics.bootstrap import DEFAULT, RESAMPLES, ResamplingConfig
from attnmel.evaluation.thesis.published import FOOTNOTES, PUBLISHED, PublishedRow
from attnmel.files.locks import hold_file
from attnmel.number_formats import fixed
from attnmel.pipeline.evaluate.compare import compared_section
from attnmel.pipeline.report.examples import examples_of
from attnmel.pipeline.report.leakage import known_counts
from attnmel.pipeline.report.maps import side_by_side_section
from attnmel.pipeline.report.missing_images import missing_images
from attnmel.pipeline.report.section_order import topics
from attnmel.pipeline.run.images.known_list import read_leaks
from attnmel.pipeline.run.results.results import SplitResults
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.training.history import best_row
from attnmel.records import RECALIBRATION
from attnmel.report.html.page import Curves, FactGroup, History, RunSection, write_report
from attnmel.report.sections.ablations import ABLATION_WORDS


def report_runs(
    runs: Sequence[Run],
    *,
    split: str = "test",
    out: Path | None = None,
    submissions: Sequence[Path] = (),
    resampling: ResamplingConfig = DEFAULT,
) -> Path:
    """Write the report of one run, or of several side by side, and return its path.

    `submissions` of other teams are compared with the runs, as by `compare_runs`.

    `split` names the results that come first and that curves and examples are of. Ablations that lie next to a run, or
    are named with it, are compared with it. Maps that `attnmel explain --split` made are shown; those of several runs
    on the same images side by side, with a gallery next to the page.

    Raises:
        ConfigError: no run folder.
        PredictionsError: a run was not evaluated on the split.
        BusyError: another command writes the same page.
    """
    page = out or (runs[0].folder.report if len(runs) == 1 else Path("report.html"))
    with hold_file(page):
        sections = run_sections(runs, split=split, page=page, resamples=resampling.resamples)
        shared = []
        if len(runs) + len(submissions) > 1:
            shared.append(compared_section([*runs, *submissions], split, resampling, home=runs[0].home))
        if len(runs) > 1:
            named = {section.name: run for section, run in zip(sections, runs, strict=True)}
            maps = side_by_side_section(named, split, page=page)
            shared += [] if maps is None else [maps]
        write_report(page, sections, sections=shared)
    return page


def run_sections(runs: Sequence[Run], *, split: str, page: Path, resamples: int = RESAMPLES) -> list[RunSection]:
    """Return the part of each run of a page, which is to lie at `page`, under names that tell the runs apart.

    Raises:
        ConfigError: no run folder.
        PredictionsError: a run was not evaluated on the split.
    """
    sections = [_section(run, f"run-{number}", split, runs, page, resamples) for number, run in enumerate(runs, 1)]
    names = [section.name for section in sections]
    # Runs with other settings by --set share recipe and seed; their folders tell them apart.
    return [
        dataclasses.replace(section, name=f"{section.name}, {run.path}") if names.count(section.name) > 1 else section
        for section, run in zip(sections, runs, strict=True)
    ]


def _section(run: Run, anchor: str, split: str, others: Sequence[Run], page: Path, resamples: int) -> RunSection:
    recipe, provenance = run.recipe, run.provenance
    if split not in run.results:
        raise PredictionsError(_not_evaluated(run, split))
    results, predictions, leaks = run.results[split], run.predictions(split), read_leaks(run.folder)
    published, missing = _published(recipe), missing_images(run, results.on)
    if missing:
        run.progress.note(f"the report shows no examples of images: {missing}")
    curves = {
        name: Curves(roc_curve(predictions, name), precision_recall_curve(predictions, name))
        for name in recipe.data.positives
        if len(set(predictions.is_class(name).tolist())) > 1  # an external set may be of one class
    }
    return RunSection(
        title=f"{recipe.title}{_ablation_words(recipe)}",
        name=f"{recipe.name}{_ablation_words(recipe)}, seed {recipe.training.seed}",
        main=run.target_class,
        licence=provenance["licence"],
        judgements={one.title: one.judgement for one in ({split: results} | run.results).values()},
        known={run.results[name].title: count for name, count in known_counts(leaks, run.results).items()},
        curves=curves,
        history=_history(run) if run.history else None,
        published=published,
        overlaps=results.overlap,
        overlap_images=results.masks,
        examples=() if missing else examples_of(run, results, predictions),
        no_examples=missing,
        sections=topics(
            run,
            results,
            {name: one.roc for name, one in curves.items()},
            others,
            leaks=leaks,
            anchor=anchor,
            page=page,
            resamples=resamples,
        ),
        command=provenance["command"],
        circumstances=_circumstances(provenance, results),
        recipe=_recipe_facts(recipe),
        files=tuple(ArchiveState(**state) for state in provenance["data"].get("archives", ())),
        changes=changes(recipe),
        footnotes=FOOTNOTES[published.dataset] if published else (),
    )


def _not_evaluated(run: Run, split: str) -> str:
    """Say on which images a run was evaluated in place of a split, and how to get a report of these or of others."""
    known = [f"{name}{_own_images(one)}" for name, one in run.results.items()]
    names = f"{', '.join(known) or 'nothing'}{did_you_mean(split, run.results)}"
    these = [f"`attnmel report {shlex.quote(str(run.path))} --split {shlex.quote(name)}`" for name in run.results]
    reports = f"report on what it was evaluated on by {' or '.join(these)}, or " if these else ""
    first = f"{reports}run `attnmel evaluate {shlex.quote(str(run.path))}` first"
    return f"{run.path} was not evaluated on '{split}' (evaluated: {names}); {first}"


def _own_images(results: SplitResults) -> str:
    """Return which images a recalibrated copy has in place of the validation images of its training, as a clause."""
    if results.title != RECALIBRATION:
        return ""
    return f", the {results.judgement.images:,} images of {results.dataset} that recalibrated it"


def _ablation_words(recipe: AnyRecipe) -> str:
    return "" if recipe.data.ablation == NO_ABLATION else f", {ABLATION_WORDS[recipe.data.ablation]}"


def _published(recipe: AnyRecipe) -> PublishedRow | None:
    """Return the published row to compare with: of the same data set, network and prior; none for an ablation.

    A prior made of other masks, or of masks corrupted on purpose, is another prior; labels mixed with a teacher's
    probabilities are other labels.
    """
    if not isinstance(recipe, Recipe) or recipe.published is None:
        return None
    if recipe.data.ablation != NO_ABLATION or recipe.loss.spoil != NOT_SPOILT or recipe.loss.teacher:
        return None
    require_known("published row", recipe.published, PUBLISHED)
    row = PUBLISHED[recipe.published]
    ours = (recipe.data.dataset, recipe.model.network, recipe.loss.prior, recipe.loss.masks)
    return row if (row.dataset, row.network, row.prior, row.masks) == ours else None


def _history(run: Run) -> History:
    recipe, rows = run.network_recipe, run.history
    best = best_row(rows, recipe.training.select)
    losses = {"total": [row.loss for row in rows], "focal": [row.focal for row in rows]}
    if recipe.loss.prior != "none":
        losses |= {"Dice, pool-3": [row.dice_pool3 for row in rows], "Dice, pool-4": [row.dice_pool4 for row in rows]}
    return History(
        epochs=tuple(row.epoch for row in rows),
        losses={name: tuple(values) for name, values in losses.items()},
        validation=tuple(row.validation(recipe.training.select) for row in rows),
        measure=recipe.training.select,
        chosen=best.epoch if best else None,
    )


def _circumstances(provenance: dict[str, Any], results: SplitResults) -> tuple[FactGroup, ...]:
    data = provenance["data"]
    splits = [(split, _counts(counts)) for split, counts in data["splits"].items()]
    known = [one for one in ("seed", "start", "device", "processes", "precision") if one in provenance]
    training = [
        *((one, str(provenance[one])) for one in known),  # a model that was shared does not say where it was trained
        *([("epoch evaluated", str(results.epoch))] if results.epoch else []),  # a fitted system has none
    ]
    fingerprint = [
        ("data set", data["title"]),
        *splits,
        *_ablation_facts(data),
        *([("content", data["content"][:16])] if "content" in data else []),
        ("licence", data["licence"]),
    ]
    return (
        FactGroup("training", tuple(training)),
        FactGroup("data", tuple(fingerprint)),
        *_prior_facts(provenance.get("prior", {})),
        *_recalibration_facts(provenance.get("recalibrated", {})),
        FactGroup("versions", tuple(provenance["versions"].items())),
    )


def _recalibration_facts(recalibrated: dict[str, Any]) -> list[FactGroup]:
    """Return what `attnmel recalibrate` chose; nothing of a run that it did not write."""
    if not recalibrated:
        return []
    offsets = ", ".join(f"{name} {fixed(value)}" for name, value in recalibrated["offsets"].items())
    places = [*recalibrated.get("earlier", ()), recalibrated]
    facts = (
        ("images", ", then ".join(f"{one['images']:,} of {one['dataset']}, {one['split']}" for one in places)),
        ("offsets", offsets),
        ("temperature", fixed(recalibrated["temperature"])),
    )
    return [FactGroup("recalibrated", facts)]


def _ablation_facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    ablation = ablation_of(data)
    if ablation is None:
        return []
    left_out = ", ".join(f"{count} {split}" for split, count in data["left out"].items())
    return [("ablation", ablation), ("left out, no mask", left_out or "none")]


def _prior_facts(prior: dict[str, Any]) -> list[FactGroup]:
    """Return the sources of the prior; nothing without one, or of a run that an earlier version trained."""
    if not prior:
        return []
    facts = [("training images with it", str(prior["with"])), ("without it", str(prior["without"]))]
    facts += [(source, str(count)) for source, count in prior["sources"].items()]
    facts += [(f"masks found {flag}", str(count)) for flag, count in prior["flags"].items()]
    facts += (
        [("marking nothing", str(prior["empty"])), ("content", prior["content"][:16])] if "content" in prior else []
    )
    return [FactGroup("prior", (("corrupted", prior["spoil"]), *facts))]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())


def _recipe_facts(recipe: AnyRecipe) -> tuple[FactGroup, ...]:
    groups = recipe.model_dump(mode="json", exclude_none=True)
    return tuple(
        FactGroup(title, tuple((key, _text(value)) for key, value in group.items()))
        for title, group in groups.items()
        if isinstance(group, dict)
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
