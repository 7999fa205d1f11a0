"""A run and its ablations, found next to it or named with it -> the section of the report that compares them."""

from collections.abc import Iterator, Sequence

from attnmel.config.load import differing_settings
from attnmel.data.batches.ablate import ABLATIONS, BACKGROUND_ONLY, NO_ABLATION, painted_shares
from attnmel.evaluation.comparison.ablations import AblationFinding, find_ablation
from attnmel.pipeline.report.missing_images import missing_images
from attnmel.pipeline.run.run import Run
from attnmel.report.html.sections import Section
from attnmel.report.sections.ablations import controls_section

ROWS = 256
"""Images read at once."""

MAY_DIFFER = ("data.ablation", "data.statistics", "training.device", "training.precision")
"""Settings in which an ablation may differ from its run."""


def ablation_sections(run: Run, split: str, others: Sequence[Run] = ()) -> tuple[Section, ...]:
    """Return the section that compares a run with its ablations; nothing without any, or of a run that is one itself.

    Ablations are looked for next to the run and among `others`: of the same recipe and seed, evaluated on the same
    split. One that lies next to the run but is of another recipe is noted and left out.
    """
    if run.recipe.data.ablation != NO_ABLATION:
        return ()
    found = [_finding(name, ablation, run, split) for name, ablation in _ablations(run, split, others)]
    return (controls_section(found, run.target_class),) if found else ()


def _ablations(run: Run, split: str, others: Sequence[Run]) -> Iterator[tuple[str, Run]]:
    for name in ABLATIONS:
        named = [one for one in others if one.recipe.data.ablation == name]
        for ablation in [*named, run.ablation(name)]:
            if not ablation.folder.recipe.is_file() or split not in ablation.results:
                continue
            differing = [
                key for key in differing_settings(run.recipe, ablation.recipe) if not key.startswith(MAY_DIFFER)
            ]
            if not differing:
                yield name, ablation
                break
            run.progress.note(f"{ablation.path} is no ablation of {run.path}: it differs in {', '.join(differing)}")


def _finding(name: str, ablation: Run, run: Run, split: str) -> AblationFinding:
    predictions = ablation.predictions(split)
    painted = None
    on = ablation.results[split].on
    if name == BACKGROUND_ONLY and not missing_images(run, on):
        painted = _painted(run, on, predictions.image_ids)
    return find_ablation(name, predictions, run.predictions(split), run.target_class, painted)


def _painted(run: Run, on: str | None, image_ids: Sequence[str]) -> dict[str, float]:
    """Return the share of each image that was painted over; the run's own images are those of its ablation."""
    cache = run.dataset_on(on).cache
    shares: list[float] = []
    for start in range(0, len(image_ids), ROWS):
        shares += painted_shares(cache.gather(cache.rows(image_ids[start : start + ROWS]))).tolist()
    return dict(zip(image_ids, shares, strict=True))
