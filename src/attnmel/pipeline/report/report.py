"""Run folders -> one HTML file: everything is read from what the runs wrote, nothing is predicted again."""

import dataclasses
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attnmel.config.load import changes
from attnmel.config.recipe import Recipe
from attnmel.data.batches.ablate import NO_CONTROL
from attnmel.data.priors.corrupt import NOT_SPOILT
from attnmel.errors import PredictionsError, require_known
from attnmel.evaluation.classification.curves import precision_recall_curve, roc_curve
from attnmel.evaluation.maps.attention_overlap import Overlap
from attnmel.evaluation.statistics.bootstrap import DEFAULT, RESAMPLES, ResamplingConfig
from attnmel.evaluation.thesis.published import FOOTNOTES, PUBLISHED, PublishedRow
from attnmel.folders import RunFolder
from attnmel.locks import hold_file
from attnmel.pipeline.evaluate.compare import compared_section
from attnmel.pipeline.report.maps import maps_beside_section
from attnmel.pipeline.report.topics import topics
from attnmel.pipeline.run.dataset import Prepared, prepare, shown_pixels
from attnmel.pipeline.run.history import best_row, read_history
from attnmel.pipeline.run.provenance import read_provenance, read_recipe
from attnmel.pipeline.run.results import SplitResults, read_measures
from attnmel.progress import SILENT, Progress
from attnmel.records import ATTENTION_MAPS, Predictions
from attnmel.report.galleries.examples import ExampleGroup, ShownMap, choose, chosen_rows, pictured
from attnmel.report.html.page import Curves, DataFile, FactGroup, History, RunSection, write_report
from attnmel.report.html.tables import map_words
from attnmel.report.sections.ablations import CONTROL_WORDS


def report_runs(
    runs: Sequence[RunFolder],
    *,
    home: Path,
    split: str = "test",
    out: Path | None = None,
    resampling: ResamplingConfig = DEFAULT,
    progress: Progress = SILENT,
) -> Path:
    """Write the report of one run, or of several side by side, and return its path.

    `split` names the judgement that comes first and that curves and examples are of. Controls that lie beside a run, or
    are named with it, are compared with it. Maps that `attnmel explain --split` made of it are shown; those of several
    runs on the same images side by side, with a gallery beside the page.

    Raises:
        ConfigError: no run folder.
        PredictionsError: a run was not judged on the split.
        BusyError: another command writes the same page.
    """
    page = out or (runs[0].report if len(runs) == 1 else Path("report.html"))
    with hold_file(page):
        _write(page, runs, home, split, resampling, progress)
    return page


def _write(
    page: Path,
    runs: Sequence[RunFolder],
    home: Path,
    split: str,
    resampling: ResamplingConfig,
    progress: Progress,
) -> None:
    sections = run_sections(runs, home=home, split=split, page=page, resamples=resampling.resamples, progress=progress)
    shared = []
    if len(runs) > 1:
        shared.append(compared_section(runs, split, resampling))
        named = {section.name: run for section, run in zip(sections, runs, strict=True)}
        maps = maps_beside_section(named, split, page=page, home=home, progress=progress)
        shared += [] if maps is None else [maps]
    write_report(page, sections, sections=shared)


def run_sections(
    runs: Sequence[RunFolder],
    *,
    home: Path,
    split: str,
    page: Path,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> list[RunSection]:
    """Return the part that each run has of a page, which is to lie at `page`, under names that tell them apart.

    Raises:
        ConfigError: no run folder.
        PredictionsError: a run was not judged on the split.
    """
    sections = [
        _section(run, f"run-{number}", split, runs, page, home, resamples, progress)
        for number, run in enumerate(runs, 1)
    ]
    return _told_apart(sections, runs)


def _told_apart(sections: Sequence[RunSection], runs: Sequence[RunFolder]) -> list[RunSection]:
    """Add the folder to the name of runs that share recipe and seed, as runs with other settings by --set do."""
    names = [section.name for section in sections]
    return [
        dataclasses.replace(section, name=f"{section.name}, {run.path}") if names.count(section.name) > 1 else section
        for section, run in zip(sections, runs, strict=True)
    ]


def _section(
    run: RunFolder,
    anchor: str,
    split: str,
    others: Sequence[RunFolder],
    page: Path,
    home: Path,
    resamples: int,
    progress: Progress,
) -> RunSection:
    recipe, provenance, measures = read_recipe(run), read_provenance(run), read_measures(run)
    if split not in measures:
        known = ", ".join(measures) or "nothing"
        raise PredictionsError(
            f"{run.path} was not judged on '{split}' (judged: {known}); run `attnmel evaluate` first"
        )
    predictions = Predictions.read(run.predictions(split))
    judged = measures[split]
    ordered = {split: judged.judgement, **{name: one.judgement for name, one in measures.items() if name != split}}
    published = _published(recipe)
    curves = {
        name: Curves(roc_curve(predictions, name), precision_recall_curve(predictions, name))
        for name in recipe.data.positives
    }
    return RunSection(
        title=f"{recipe.title}{_control_words(recipe)}",
        name=f"{recipe.name}{_control_words(recipe)}, seed {recipe.training.seed}",
        main=recipe.data.positives[0],
        licence=provenance["licence"],
        judgements=ordered,
        curves=curves,
        history=_history(run, recipe),
        published=published,
        overlaps=judged.overlap,
        overlap_images=judged.masks,
        examples=_examples(run, recipe, judged, predictions, home, progress),
        sections=topics(
            run,
            judged,
            {name: one.roc for name, one in curves.items()},
            others,
            anchor=anchor,
            page=page,
            home=home,
            resamples=resamples,
            progress=progress,
        ),
        command=provenance["command"],
        circumstances=_circumstances(provenance, judged),
        recipe=_recipe_facts(recipe),
        files=tuple(_data_file(state) for state in provenance["data"]["archives"]),
        changes=changes(recipe),
        footnotes=FOOTNOTES[published.dataset] if published else (),
    )


def _control_words(recipe: Recipe) -> str:
    return "" if recipe.data.control == NO_CONTROL else f", {CONTROL_WORDS[recipe.data.control]}"


def _published(recipe: Recipe) -> PublishedRow | None:
    """Return the row that the measures may stand beside: of the same data set, network and prior, and no control.

    A prior made of other masks, or of masks spoilt on purpose, is another prior.
    """
    if recipe.published is None or recipe.data.control != NO_CONTROL or recipe.loss.spoil != NOT_SPOILT:
        return None
    require_known("published row", recipe.published, PUBLISHED)
    row = PUBLISHED[recipe.published]
    ours = (recipe.data.dataset, recipe.model.network, recipe.loss.prior, recipe.loss.masks)
    return row if (row.dataset, row.network, row.prior, row.masks) == ours else None


def _history(run: RunFolder, recipe: Recipe) -> History:
    rows = read_history(run.history)
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


def _examples(
    run: RunFolder, recipe: Recipe, judged: SplitResults, predictions: Predictions, home: Path, progress: Progress
) -> tuple[ExampleGroup, ...]:
    """Draw the most confident hits and misses; images and masks come from the cache, maps from the run folder."""
    prepared = prepare(recipe.data, home=home, name=judged.on, progress=progress)
    main = recipe.data.positives[0]
    choices = choose(predictions, main)
    rows = list(chosen_rows(choices))
    ids = [predictions.image_ids[row] for row in rows]
    cached = prepared.cache.rows(ids)
    pixels = shown_pixels(recipe.data, prepared, cached)
    return pictured(
        choices,
        predictions,
        main,
        images=np.ascontiguousarray(pixels[..., :3]),
        masks=np.ascontiguousarray(pixels[..., 3]),
        has_mask=prepared.cache.has_mask[cached],
        maps=_shown_maps(run, judged, ids),
        diagnoses=_diagnoses(prepared, ids),
    )


def _shown_maps(run: RunFolder, judged: SplitResults, ids: Sequence[str]) -> list[ShownMap]:
    if not run.attention(judged.name).is_file():
        return []
    overlap = Overlap.read(run.overlap(judged.name)) if judged.overlap else None
    try:
        with np.load(run.attention(judged.name)) as arrays:
            place = {image_id: row for row, image_id in enumerate(arrays["image"].tolist())}
            rows = [place[image_id] for image_id in ids]
            maps = {name: arrays[name][rows] for name in ATTENTION_MAPS}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise PredictionsError(
            f"{run.attention(judged.name)} is damaged or of other images; run `attnmel evaluate` again"
        ) from None
    return [
        ShownMap(map_words(name), one, overlap.jaccard[name][rows] if overlap else None) for name, one in maps.items()
    ]


def _diagnoses(prepared: Prepared, ids: Sequence[str]) -> dict[str, str]:
    return {
        lesion.image_id: lesion.diagnosis
        for lesion in prepared.lesions
        if lesion.image_id in set(ids) and lesion.diagnosis is not None
    }


def _circumstances(provenance: dict[str, Any], judged: SplitResults) -> tuple[FactGroup, ...]:
    data = provenance["data"]
    splits = [(split, _counts(counts)) for split, counts in data["splits"].items()]
    training = [
        ("seed", str(provenance["seed"])),
        ("start", provenance["start"]),
        ("device", provenance["device"]),
        ("processes", str(provenance["processes"])),
        ("precision", provenance["precision"]),
        ("epoch judged", str(judged.epoch)),
    ]
    fingerprint = [
        ("data set", data["title"]),
        *splits,
        *_control_facts(data),
        ("content", data["content"][:16]),
        ("licence", data["licence"]),
    ]
    return (
        FactGroup("training", tuple(training)),
        FactGroup("data", tuple(fingerprint)),
        *_prior_facts(provenance.get("prior", {})),
        FactGroup("versions", tuple(provenance["versions"].items())),
    )


def _control_facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    if "control" not in data:
        return []
    left_out = ", ".join(f"{count} {split}" for split, count in data["left out"].items())
    return [("control", data["control"]), ("left out, no mask", left_out or "none")]


def _prior_facts(prior: dict[str, Any]) -> list[FactGroup]:
    """Return what the prior was made of; nothing without one, or of a run that an earlier version trained."""
    if not prior:
        return []
    facts = [("training images with it", str(prior["with"])), ("without it", str(prior["without"]))]
    facts += [(source, str(count)) for source, count in prior["sources"].items()]
    facts += [(f"masks found {flag}", str(count)) for flag, count in prior["flags"].items()]
    facts += (
        [("marking nothing", str(prior["empty"])), ("content", prior["content"][:16])] if "content" in prior else []
    )
    return [FactGroup("prior", (("spoilt", prior["spoil"]), *facts))]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())


def _recipe_facts(recipe: Recipe) -> tuple[FactGroup, ...]:
    groups = recipe.model_dump(mode="json", exclude_none=True)
    return tuple(
        FactGroup(title, tuple((key, _text(value)) for key, value in group.items()))
        for title, group in groups.items()
        if isinstance(group, dict)
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _data_file(state: dict[str, Any]) -> DataFile:
    return DataFile(state["name"], state["status"], state["found"], state["expected"], state["sha256"][:12])
