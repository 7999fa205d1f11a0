"""The README.md of a model on a hub: metadata that the hub reads (`model-index`), and the card that people read.

Made and checked by the hub's own library: https://huggingface.co/docs/hub/model-cards
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attnmel import NOTICE, __version__
from attnmel.files.hub import PREFIX, HubName
from attnmel.models.weights.card import Card, chosen_for, described
from attnmel.number_formats import fixed, two_cells
from attnmel.pipeline.run.results.results import CHOOSES, SplitResults
from attnmel.records import scale_in_words

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

TASK = "image-classification"
LICENCES = {"CC-0": "cc0-1.0", "CC BY-NC 4.0": "cc-by-nc-4.0", "Apache-2.0": "apache-2.0"}
"""Names of licences here, and at the hub; any other one is "other" with its own words."""

METRICS = {"auc": "roc_auc", "ap": "average_precision"}
"""Names of measures here, and at the hub, where they differ."""

LIMITS = (
    NOTICE,
    "It returns a probability for any picture, even one that shows no skin; it knows only the classes above.",
    "On other skin, other devices and clinical photographs it may be much worse than on the images below.",
    "The measures hold for the share of each class among the evaluated images; where a class is rarer, the same "
    "threshold gives more false alarms for each image of it.",
    "Attention maps show where the network weighs its features; they do not prove that a part is malignant.",
)


def model_readme(
    repository: str,
    card: Card,
    results: Mapping[str, SplitResults],
    files: Mapping[str, int],
    *,
    start: str,
    base: HubName | None = None,
) -> str:
    """Return the README.md of a model.

    `results` are the evaluations of its run, `files` are the sizes of the other files in bytes, `start` says which
    weights it began with, and `base` is the model of the hub that they came from. The metadata are those that
    `huggingface_hub.ModelCard` reads and checks.
    """
    from huggingface_hub import ModelCard, ModelCardData

    licence, words = _licence(card.licence)
    # What chose epoch and thresholds is on the card alone: other programs list what the metadata say as results.
    # By their name, as a copy that was recalibrated has images of any split in place of the validation split.
    independent = [one for one in results.values() if one.name != CHOOSES] or list(results.values())
    data = ModelCardData(
        license=licence,
        license_name=words,
        library_name="attnmel",
        pipeline_tag=TASK,
        base_model=base and base.repository,
        tags=["dermoscopy", "skin-lesion", "melanoma", "attention"],
        model_name=repository.partition("/")[2],
        eval_results=[one for found in independent for one in _measured(found)],
    )
    text = "\n".join(_lines(repository, card, results, files, start))
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}\n"))


def _licence(licence: str) -> tuple[str, str | None]:
    known = LICENCES.get(licence)
    return ("other", licence) if known is None else (known, None)


def _measured(results: SplitResults) -> "Iterator[EvalResult]":
    from huggingface_hub import EvalResult

    for row in results.judgement.rows:
        if not math.isfinite(row.value):  # not defined on these images; neither YAML nor the hub has a word for it
            continue
        value, interval = two_cells(row.interval)
        ends = {name: end for name, end in (("low", row.low), ("high", row.high)) if math.isfinite(end)}
        yield EvalResult(
            task_type=TASK,
            dataset_type=results.dataset,
            dataset_name=results.dataset,
            dataset_split=results.split,
            metric_type=METRICS.get(row.measure, row.measure),
            metric_name=f"{row.task}: {row.measure} {value} (95 % interval {interval})",
            metric_value=float(row.value),
            metric_args={"task": row.task, **ends, "confidence": 0.95},
        )


def _lines(
    repository: str, card: Card, results: Mapping[str, SplitResults], files: Mapping[str, int], start: str
) -> Iterator[str]:
    yield f"# {repository.partition('/')[2]}\n\n**{NOTICE}**\n"
    why = f": {card.why_uncalibrated}" if card.not_calibrated else ""
    yield f"{described(card)}; input of {card.size} x {card.size} pixels; {scale_in_words(card.temperature)}{why}."
    if mean := chosen_for(card):
        yield f"{mean.capitalize()}."
    yield f"Made by attnmel {__version__} with the recipe `{card.recipe}`, seed {card.seed}, epoch {card.epoch}.\n"
    yield "```sh\npip install 'attnmel[hub]'"
    yield f"attnmel predict {PREFIX}{repository} lesion.jpg --maps maps\n```\n"
    yield "## Data and start weights\n"
    yield f"* training: {card.data.get('title', card.data.get('dataset', 'not stated'))}{_counts(card)}"
    yield f"* start: {start}\n* licence of data and start weights: {card.licence}\n"
    for found in results.values():
        yield f"## {found.dataset}, {found.split}\n\n{found.sentence}.\n"
        yield "| task | measure | value | 95 % interval |\n| --- | --- | ---: | --- |"
        yield from (
            f"| {task} | {measure} | {value} | {interval} |" for task, measure, value, interval in found.table()
        )
        yield ""
    yield from _thresholds(card)
    yield "## Limits\n"
    yield from (f"* {one}" for one in LIMITS)
    yield "\n## Files\n"
    yield from (f"* `{name}`: {size:,} bytes" for name, size in files.items())


def _counts(card: Card) -> str:
    splits = card.data.get("splits", {})
    counts = [f"{name} {splits[name]['images']:,} images" for name in ("train", CHOOSES) if name in splits]
    return f" ({', '.join(counts)})" if counts else ""


def _thresholds(card: Card) -> Iterator[str]:
    if not card.thresholds:
        return
    yield f"## Operating points\n\nChosen on {card.chosen_in_words}; positive strictly above the threshold.\n"
    yield "| class | threshold | target sensitivity | sensitivity | specificity |\n| --- | ---: | ---: | ---: | ---: |"
    for one in card.thresholds:
        rates = f"{fixed(one.sensitivity)} | {fixed(one.specificity)}"
        yield f"| {one.task} | {one.threshold!r} | {one.target:g} | {rates} |"
    yield ""
