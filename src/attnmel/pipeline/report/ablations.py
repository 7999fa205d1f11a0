"""A run and its controls, found beside it or named with it -> the part of the page that compares them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attnmel.config.load import flat
from attnmel.config.recipe import Recipe
from attnmel.data.batches.ablate import BACKGROUND_ONLY, CONTROLS, NO_CONTROL, painted_shares
from attnmel.evaluation.comparison.ablations import ControlFinding, find_control
from attnmel.folders import RunFolder
from attnmel.pipeline.run.dataset import prepare
from attnmel.pipeline.run.provenance import read_recipe
from attnmel.pipeline.run.results import read_measures
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions
from attnmel.report.html.sections import Section
from attnmel.report.sections.ablations import controls_section

ROWS = 256
"""Images read at once."""

MAY_DIFFER = ("data.control", "data.statistics", "training.device", "training.precision")
"""What a control may have otherwise than its run."""


def control_sections(
    run: RunFolder,
    split: str,
    others: Sequence[RunFolder] = (),
    *,
    home: Path,
    progress: Progress = SILENT,
) -> tuple[Section, ...]:
    """Return what the controls of a run say of it; nothing where there is none, or the run is itself a control.

    Controls are looked for beside the run and among `others`: of the same recipe and seed, judged on the same split.
    One that lies beside but is of another recipe is said and left out.
    """
    recipe = read_recipe(run)
    if recipe.data.control != NO_CONTROL:
        return ()
    found = [
        _finding(control, place, run, split, recipe, home, progress)
        for control, place in _controls(run, recipe, split, others, progress)
    ]
    return (controls_section(found, recipe.data.positives[0]),) if found else ()


def _controls(
    run: RunFolder, recipe: Recipe, split: str, others: Sequence[RunFolder], progress: Progress
) -> Iterator[tuple[str, RunFolder]]:
    for control in CONTROLS:
        named = [one for one in others if read_recipe(one).data.control == control]
        for place in [*named, run.control(control)]:
            if not place.recipe.is_file() or split not in read_measures(place):
                continue
            differing = _differing(recipe, read_recipe(place))
            if not differing:
                yield control, place
                break
            progress.note(f"{place.path} is no control of {run.path}: it differs in {', '.join(differing)}")


def _differing(recipe: Recipe, other: Recipe) -> list[str]:
    own, its = flat(recipe.model_dump()), flat(other.model_dump())
    return sorted(key for key in own | its if own.get(key) != its.get(key) and not key.startswith(MAY_DIFFER))


def _finding(
    control: str, place: RunFolder, run: RunFolder, split: str, recipe: Recipe, home: Path, progress: Progress
) -> ControlFinding:
    judged, beside = Predictions.read(place.predictions(split)), Predictions.read(run.predictions(split))
    painted = None
    if control == BACKGROUND_ONLY:
        on = read_measures(place)[split].on
        painted = _painted(read_recipe(place), judged.image_ids, on, home, progress)
    return find_control(control, judged, beside, recipe.data.positives[0], painted)


def _painted(
    recipe: Recipe, image_ids: Sequence[str], on: str | None, home: Path, progress: Progress
) -> dict[str, float]:
    cache = prepare(recipe.data, home=home, name=on, progress=progress).cache
    shares: list[float] = []
    for start in range(0, len(image_ids), ROWS):
        shares += painted_shares(cache.gather(cache.rows(image_ids[start : start + ROWS]))).tolist()
    return dict(zip(image_ids, shares, strict=True))
