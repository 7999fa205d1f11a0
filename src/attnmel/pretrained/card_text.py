"""The card of a pretrained model as text for a terminal. No torch."""

import textwrap
from collections.abc import Iterator

from attnmel.config.settings.tta import transforms_note
from attnmel.number_formats import TO, fixed, in_brackets
from attnmel.pretrained.card import CalibrationFact, Measured, ModelCard, OperatingFact

WIDTH = 100

AT_HALF = ("sensitivity", "specificity", "balanced_accuracy")
"""Measures of decisions at a probability of 0.5, which is no operating point."""


def card_text(card: ModelCard) -> str:
    """Return the whole card, except the checksums of the files."""
    return "\n".join(_lines(card))


def _lines(card: ModelCard) -> Iterator[str]:
    yield f"{card.name}: {card.title}"
    yield card.notice
    yield f"\nnetwork: {card.network}; input {card.size} pixels; {card.parameters:,} parameters"
    if mean := transforms_note(card.transforms, card.transforms):
        yield mean
    yield "\nmade of"
    for one in card.data:
        yield from _item(f"{one.use}: {one.name}, {one.licence} ({one.source})")
    yield "\nmade by"
    yield from (f"  {one}" for one in card.made)
    yield f"\nevaluated on {card.judged_on}; measures with 95 % intervals"
    yield from (f"  {one.task}, {one.measure}{_where(one)}: {_measure(one)}" for one in card.measures)
    yield from _operating(card)
    yield from _calibration(card.calibration)
    yield "\nlimits"
    for one in card.limits:
        yield from _item(one)
    yield f"\nlicence: {card.licence}"
    yield "files"
    yield from (f"  {name}: {fact.size:,} bytes" for name, fact in card.files.items())


def _where(one: Measured) -> str:
    return " above a probability of 0.5" if one.measure in AT_HALF else ""


def _operating(card: ModelCard) -> Iterator[str]:
    if not card.operating:
        return
    scale = "uncalibrated" if card.calibration.temperature is None else "calibrated"
    yield from textwrap.wrap(
        f"operating points: thresholds of {scale} probabilities, chosen on out-of-fold {card.chosen_on}; an image "
        "counts as positive strictly above a threshold",
        WIDTH,
        break_on_hyphens=False,
    )
    for one in card.operating:
        yield f"  {one.task} above {one.threshold!r}, target sensitivity {one.target:g}"
        yield f"    where chosen: {_chosen(one)}"
        yield f"    on the test images: {_rates(one.sensitivity, one.specificity)}"


def _chosen(one: OperatingFact) -> str:
    if not one.chosen:
        return f"sensitivity {fixed(one.chosen_sensitivity)}, specificity {fixed(one.chosen_specificity)}"
    return f"{_rates(*one.chosen)}, on {one.chosen_images:,} images ({one.chosen_positives:,} {one.task})"


def _rates(*rates: Measured) -> str:
    return ", ".join(f"{one.measure} {_measure(one)}" for one in rates)


def _calibration(found: CalibrationFact) -> Iterator[str]:
    if found.temperature is None:
        yield "\nnot calibrated: no temperature could be fitted; on the test images"
    else:
        yield f"\ncalibrated: temperature {found.temperature:g}; on the test images, without and with the temperature"
    after = {one.measure: one for one in found.after}
    for one in found.before:
        then = f", {_measure(after[one.measure])}" if one.measure in after else ""
        yield f"  {one.measure}: {_measure(one)}{then}"
    if sentence := on_the_whole(found):
        yield from textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")


def on_the_whole(found: CalibrationFact) -> str:
    """Return on which side of the observed frequencies the probabilities lie; empty where no intercept shows it."""
    for one in found.after or found.before:
        if one.measure == "intercept" and (one.low > 0 or one.high < 0):
            side, than = ("low", "more") if one.low > 0 else ("high", "fewer")
            words = f"{than} images are {one.task} than they add up to"
            return f"on the test images the probabilities are too {side} on the whole: {words}"
    return ""


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _measure(one: Measured) -> str:
    return in_brackets((one.value, one.low, one.high), to=TO)
