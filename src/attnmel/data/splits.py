"""Which lesions train, which choose the epoch and which judge: drawn splits, and checks of any. No torch."""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from attnmel.errors import LabelError, listed
from attnmel.records import SPLITS, Lesion, Split, class_index

UNKNOWN = ""
"""Stands for the diagnosis of a lesion that has none, which is stratified like the others."""


def draw_splits(
    lesions: Sequence[Lesion], *, seed: int, shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
) -> tuple[Lesion, ...]:
    """Return the lesions in their order, each with a split drawn anew: stratified by diagnosis, groups kept together.

    `shares` are those of train, validation and test and add up to 1. The draw depends on the seed and the lesions, not
    on their order. Three or more groups of nothing but one diagnosis bring it into every split.

    Each group goes where most of its rarest diagnosis is still wanted, rarest diagnosis first: Sechidis, Tsoumakas and
    Vlahavas, "On the stratification of multi-label data" (2011), with groups in place of single examples.

    Raises:
        LabelError: shares that are not above 0, or do not add up to 1.
    """
    if min(shares) <= 0 or not math.isclose(sum(shares), 1):
        raise LabelError(f"shares of train, validation and test are {shares}; expected three above 0 that add up to 1")
    groups = _diagnoses_by_group(lesions)
    total = sum(groups.values(), Counter[str]())
    share_of: dict[Split, float] = dict(zip(SPLITS, shares, strict=True))
    held: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
    drawn: dict[str, Split] = {}
    for name, members in _by_rarest(groups, total, seed).items():
        wanted: dict[Split, float] = {split: share * total[name] for split, share in share_of.items()}
        for place, group in enumerate(members):
            has: dict[Split, int] = {split: held[split][name] for split in SPLITS}
            drawn[group] = _neediest(wanted, has, left=len(members) - place)
            held[drawn[group]] += groups[group]
    return tuple(dataclasses.replace(lesion, split=drawn[_group(lesion)]) for lesion in lesions)


def check_disjoint(lesions: Sequence[Lesion]) -> None:
    """Refuse splits that share an image or a group, since the same lesion would then train and judge.

    Raises:
        LabelError: names the images and the groups.
    """
    problems = [
        f"{kind} on two sides of the split: {listed(shared)}"
        for kind, shared in (
            ("images", _shared((lesion.image_id, lesion.split) for lesion in lesions)),
            ("groups", _shared((lesion.group, lesion.split) for lesion in lesions if lesion.group is not None)),
        )
        if shared
    ]
    if problems:
        raise LabelError(f"{'; '.join(problems)}. Put each on one side.")


def check_classes(lesions: Sequence[Lesion], classes: Sequence[str]) -> None:
    """Refuse a split that lacks a class: it cannot be learnt or judged there. Splits without any image are left out.

    Raises:
        LabelError: says which split lacks which class and what it holds, or names a lesion without a class.
    """
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for lesion in lesions:
        held[_side(lesion)][classes[class_index(lesion, classes)]] += 1
    problems = [
        f"{side} has no {' and no '.join(missing)} (it has {', '.join(f'{n} {name}' for name, n in counts.items())})"
        for side, counts in held.items()
        if (missing := [name for name in classes if not counts[name]])
    ]
    if problems:
        raise LabelError(f"{'; '.join(problems)}. Every split needs images of every class: {', '.join(classes)}.")


def _diagnoses_by_group(lesions: Sequence[Lesion]) -> dict[str, Counter[str]]:
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for lesion in lesions:
        groups[_group(lesion)][lesion.diagnosis or UNKNOWN] += 1
    return groups


def _by_rarest(groups: dict[str, Counter[str]], total: Counter[str], seed: int) -> dict[str, list[str]]:
    """Return groups under their rarest diagnosis, rarest first, large groups first, otherwise in a drawn order."""
    names = sorted(groups)
    shuffled = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    rarity = {name: (total[name], name) for name in total}
    members: dict[str, list[str]] = defaultdict(list)
    for group in sorted(shuffled, key=lambda group: -groups[group].total()):
        members[min(groups[group], key=lambda name: rarity[name])].append(group)
    return {name: members[name] for name in sorted(members, key=lambda name: rarity[name])}


def _neediest(wanted: dict[Split, float], has: dict[Split, int], *, left: int) -> Split:
    """Return the split that lacks most; one that has nothing yet when only as many groups as such splits are left."""
    bare: list[Split] = [split for split in SPLITS if not has[split]]
    choices: Sequence[Split] = bare if bare and left <= len(bare) else SPLITS
    return max(choices, key=lambda split: wanted[split] - has[split])


def _group(lesion: Lesion) -> str:
    # A group may be called like an image that is not of it.
    return f"group {lesion.group}" if lesion.group is not None else f"image {lesion.image_id}"


def _side(lesion: Lesion) -> str:
    return f"the split '{lesion.split}'" if lesion.split else "the data set"


def _shared(members: Iterable[tuple[str, Split | None]]) -> list[str]:
    sides: dict[str, set[Split | None]] = defaultdict(set)
    for name, split in members:
        sides[name].add(split)
    return sorted(name for name, on in sides.items() if len(on) > 1)
