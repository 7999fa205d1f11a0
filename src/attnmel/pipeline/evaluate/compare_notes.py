"""Runs that are compared -> notes on how their training, recalibration and probabilities differ."""

from collections.abc import Mapping, Sequence

from attnmel.evaluation.calibration.temperature import uncalibrated_among
from attnmel.models.weights.card import FUSED
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.run.results.results import TTA
from attnmel.pipeline.run.run import Run


def run_notes(recipes: Mapping[str, Sequence[Run]], split: str, *, at_half: bool) -> tuple[str, ...]:
    """Return in what the runs of each recipe, its seeds, differ, a sentence each.

    `at_half` says that classes are called at 0.5, not at a threshold of each run.
    """
    runs = [run for of_recipe in recipes.values() for run in of_recipe]
    scales = _scale_notes(runs, split) if at_half else ()
    return (*_differing_notes(recipes, split), *_recalibration_notes(runs, split), *scales)


def recalibrated_on(run: Run) -> str:
    """Return the images that `attnmel recalibrate` fitted a run to, in words; "nothing" of any other run."""
    facts = run.provenance.get("recalibrated")
    return f"{facts['images']:,} images of {facts['dataset']} ({facts['split']})" if facts else "nothing"


def _differing_notes(recipes: Mapping[str, Sequence[Run]], split: str) -> tuple[str, ...]:
    """Return in what the data of the training, or of a recalibration, and the test transforms differed."""
    facts = {
        (name, str(run.path)): _training(run) | {"test transforms (--tta)": _transforms(run, split)}
        for name, runs in recipes.items()
        for run in runs
    }
    notes = []
    for key in next(iter(facts.values()), ()):
        names_of: dict[str, list[str]] = {}
        for (name, path), known in facts.items():
            if known[key]:  # what a model that was shared does not say cannot be compared
                names_of.setdefault(known[key], []).append(name if len(recipes[name]) == 1 else path)
        if len(names_of) > 1:
            values = "; ".join(f"{', '.join(dict.fromkeys(names))}: {value}" for value, names in names_of.items())
            notes.append(f"the runs differ in their {key}: {values}")
    return tuple(notes)


def _training(run: Run) -> dict[str, str]:
    recipe, fingerprint = run.recipe, run.provenance.get("data", {})
    return {
        "training data set": recipe.data.dataset,
        "training ablation": recipe.data.ablation,
        "training exclusions": f"{len(recipe.data.exclude)} images left out",
        "training images": str(fingerprint.get("content", ""))[:16],
        "training labels and split": str(fingerprint.get("labels", ""))[:16],
        "recalibration": recalibrated_on(run),
    }


def _transforms(run: Run, split: str) -> str:
    """Return the transforms whose mean a run's predictions are; "" where its members, or the split's name, say them."""
    card = run.card
    return "" if card is None or card.network == FUSED or TTA in split else card.transforms


def _recalibration_notes(runs: Sequence[Run], split: str) -> tuple[str, ...]:
    """Return which runs were recalibrated on compared images, whose thresholds are then optimistic."""
    notes = []
    for run in runs:
        chose = {image.image_id for image in read_images(run.folder.recalibration)}
        if shared := chose & set(run.predictions(split).image_ids if chose else ()):
            notes.append(
                f"{run.path} was recalibrated on {len(shared):,} of these images, so that its sensitivity, specificity "
                "and balanced accuracy are optimistic"
            )
    return tuple(notes)


def _scale_notes(runs: Sequence[Run], split: str) -> tuple[str, ...]:
    """Return which runs have no temperature where others have one: 0.5 is another threshold on the two scales."""
    note = uncalibrated_among({str(run.path): run.predictions(split).temperature for run in runs})
    if not note:
        return ()
    return (
        f"{note}, so that sensitivity, specificity and balanced accuracy of a class at 0.5 are of two scales; "
        "--operating-point chooses a threshold for each run",
    )
