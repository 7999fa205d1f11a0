"""Splits of the lesions into training, validation and test: drawn at random, and checked. No torch."""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from attnmel.errors import LabelError, listed
from attnmel.files.checksums import text_sha256
from attnmel.records import Lesion, Split, class_index

Side = TypeVar("Side", bound=str)

POOLED: tuple[Split, ...] = ("train", "validation")
"""Splits whose lesions a cross-validation draws anew."""

UNKNOWN = ""
"""Stands for the diagnosis of a lesion that has none, which is stratified like the others."""


SHARES: Mapping[Split, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}
"""Of a folder without splits."""

SPLIT_SEED = 0
"""Random seed of the split of a folder without one, and of the folds of a cross-validation."""

SMALLEST_SHARE = min(SHARES.values())
"""A group that holds more of the images cannot be drawn into a split of the right size."""

USUAL = 4
"""Photographs of one lesion, however few images there are in all."""


def draw_splits(lesions: Sequence[Lesion], *, seed: int, shares: Mapping[Split, float] = SHARES) -> tuple[Lesion, ...]:
    """Return the lesions in their order, each with a split drawn anew, as `draw_sides` draws it."""
    groups = {lesion.image_id: lesion.group for lesion in lesions if lesion.group is not None}
    sides = draw_sides({one.image_id: one.diagnosis for one in lesions}, groups, seed=seed, shares=shares)
    return tuple(dataclasses.replace(lesion, split=sides[lesion.image_id]) for lesion in lesions)


def with_splits(lesions: Sequence[Lesion], fold: tuple[int, int] | None = None) -> tuple[Lesion, ...]:
    """Return the lesions with their splits; drawn where none has one, the same every time.

    With a `fold`, number and parts, those for training and validation are drawn anew by `draw_fold`.
    """
    has_none = all(lesion.split is None for lesion in lesions)
    split = draw_splits(lesions, seed=SPLIT_SEED) if has_none else tuple(lesions)
    return split if fold is None else draw_fold(split, *fold, seed=SPLIT_SEED)


def fold_sentence(fold: tuple[int, int], name: str) -> str:
    """Return what a fold does with the splits of a data set, for a note."""
    return f"fold {fold[0]}/{fold[1]} of the training and validation images of {name} validates"


def in_use(
    lesions: Sequence[Lesion], exclude: Collection[str], limit: int | None, name: str
) -> tuple[tuple[Lesion, ...], tuple[str, ...]]:
    """Return the lesions that a training uses, and a note for each reason why they are not all of the data set `name`.

    It leaves out those that it excludes, and trains on no more than the limit.
    """
    left = tuple(one for one in lesions if one.image_id not in exclude)
    out = len(lesions) - len(left)
    notes = (excluded_sentence(out, len(lesions), name),) if out else ()
    if limit is None:
        return left, notes
    training = {one.image_id: one.diagnosis for one in left if one.split == "train"}
    kept = draw_some(training, limit)
    used = tuple(one for one in left if one.split != "train" or one.image_id in kept)
    return used, (*notes, limit_sentence(len(kept), len(training), limit, name))


def excluded_sentence(excluded: int, images: int, name: str) -> str:
    """Return how many images of a data set a recipe leaves out, for a note."""
    return f"{excluded} of {images} images of {name} are left out by data.exclude"


def limit_sentence(kept: int, training: int, limit: int, name: str) -> str:
    """Return how many of the training images of a data set are trained on, for a note."""
    what = "" if kept == limit else f", which are fewer than data.limit = {limit}"
    return f"trained on {kept} of {training} training images of {name}{what}"


def draw_fold(lesions: Sequence[Lesion], number: int, parts: int, *, seed: int) -> tuple[Lesion, ...]:
    """Return the lesions with the splits of one fold of a cross-validation; those of other splits stay as they are.

    Training and validation lesions are drawn into equal parts as `draw_sides` draws them; part `number` (from 1)
    validates and the others train. The folds of one seed go together: each lesion validates in exactly one of them.
    """
    pooled = [one for one in lesions if one.split in POOLED]
    groups = {one.image_id: one.group for one in pooled if one.group is not None}
    shares = {str(part + 1): 1 / parts for part in range(parts)}
    part_of = draw_sides({one.image_id: one.diagnosis for one in pooled}, groups, seed=seed, shares=shares)
    sides: dict[str, Split] = {
        image_id: "validation" if part == str(number) else "train" for image_id, part in part_of.items()
    }
    return tuple(dataclasses.replace(one, split=sides.get(one.image_id, one.split)) for one in lesions)


def draw_sides(
    diagnoses: Mapping[str, str | None], groups: Mapping[str, str], *, seed: int, shares: Mapping[Side, float]
) -> dict[str, Side]:
    """Return a split for every image id: stratified by diagnosis, images of one group kept together.

    `shares` add up to 1. The draw depends on the seed and on which images there are, not on their order. As many groups
    of nothing but one diagnosis as there are splits bring it into every split.

    Each group goes where most of its rarest diagnosis is still wanted, rarest diagnosis first: Sechidis, Tsoumakas and
    Vlahavas, "On the stratification of multi-label data" (2011), with groups in place of single examples.

    Raises:
        LabelError: shares that are not above 0, or do not add up to 1.
    """
    if min(shares.values()) <= 0 or not math.isclose(sum(shares.values()), 1):
        listed_ = ", ".join(f"{share} {split}" for split, share in shares.items())
        raise LabelError(f"shares of the splits are {listed_}; expected numbers above 0 that add up to 1")
    # A group may be called like an image that is not of it.
    group_of = {one: f"group {groups[one]}" if one in groups else f"image {one}" for one in diagnoses}
    content = _diagnoses_by_group(diagnoses, group_of)
    total = sum(content.values(), Counter[str]())
    held: dict[Side, Counter[str]] = {split: Counter() for split in shares}
    drawn: dict[str, Side] = {}
    for name, members in _by_rarest(content, total, seed).items():
        wanted: dict[Side, float] = {split: share * total[name] for split, share in shares.items()}
        for place, group in enumerate(members):
            has: dict[Side, int] = {split: held[split][name] for split in shares}
            drawn[group] = _neediest(wanted, has, left=len(members) - place)
            held[drawn[group]] += content[group]
    return {image_id: drawn[group] for image_id, group in group_of.items()}


def draw_some(diagnoses: Mapping[str, str | None], count: int) -> frozenset[str]:
    """Return the ids of that many images, each diagnosis by its share and none left out; of fewer images all.

    The draw is the same every time, and a larger count holds the images of a smaller one. Where it is smaller than the
    number of diagnoses, the rarest are left out.
    """
    members: dict[str, list[str]] = defaultdict(list)
    # By their hash: as good as random, and independent of the other images.
    for image_id in sorted(diagnoses, key=text_sha256):
        members[diagnoses[image_id] or UNKNOWN].append(image_id)
    # The first of each diagnosis, common ones before rare ones; then each where its share of the draw is full.
    order = {
        image_id: (number + 0.5) / len(ids) if number else -len(ids)
        for ids in members.values()
        for number, image_id in enumerate(ids)
    }
    return frozenset(sorted(order, key=lambda image_id: (order[image_id], image_id))[:count])


def large_groups(lesions: Sequence[Lesion]) -> dict[str, int]:
    """Return the images of each group that holds more of them than `SMALLEST_SHARE` and `USUAL`, the largest first."""
    counts = Counter(lesion.group for lesion in lesions if lesion.group is not None)
    most = max(USUAL, SMALLEST_SHARE * len(lesions))
    return {name: count for name, count in counts.most_common() if count > most}


def check_disjoint(lesions: Sequence[Lesion]) -> None:
    """Refuse splits that share an image or a group, since the same lesion would then be trained on and evaluated.

    Raises:
        LabelError: names the images and the groups.
    """
    problems = [
        f"{kind} on two sides of the split: {listed(shared)}"
        for kind, shared in (
            ("images", shared_names((lesion.image_id, lesion.split) for lesion in lesions)),
            ("groups", shared_names((lesion.group, lesion.split) for lesion in lesions if lesion.group is not None)),
        )
        if shared
    ]
    if problems:
        raise LabelError(f"{'; '.join(problems)}. Put each on one side.")


def check_classes(lesions: Sequence[Lesion], classes: Sequence[str]) -> None:
    """Refuse a split that lacks a class: it cannot be learnt or evaluated there. Splits without any image are left out.

    Raises:
        LabelError: names the split, the class it lacks and those it has, or a lesion without a class.
    """
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for lesion in lesions:
        side = f"the split '{lesion.split}'" if lesion.split else "the data set"
        held[side][classes[class_index(lesion, classes)]] += 1
    problems = [
        f"{side} has no {' and no '.join(missing)} (it has {', '.join(f'{n} {name}' for name, n in counts.items())})"
        for side, counts in held.items()
        if (missing := [name for name in classes if not counts[name]])
    ]
    if problems:
        raise LabelError(f"{'; '.join(problems)}. Every split needs images of every class: {', '.join(classes)}.")


def _diagnoses_by_group(diagnoses: Mapping[str, str | None], group_of: Mapping[str, str]) -> dict[str, Counter[str]]:
    content: dict[str, Counter[str]] = defaultdict(Counter)
    for image_id, diagnosis in diagnoses.items():
        content[group_of[image_id]][diagnosis or UNKNOWN] += 1
    return content


def _by_rarest(groups: dict[str, Counter[str]], total: Counter[str], seed: int) -> dict[str, list[str]]:
    """Return groups under their rarest diagnosis, rarest first, in a drawn order.

    Not large groups first: the largest split, which lacks most in the beginning, would get all of those.
    """
    names = sorted(groups)
    shuffled = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    rarity = {name: (total[name], name) for name in total}
    members: dict[str, list[str]] = defaultdict(list)
    for group in shuffled:
        members[min(groups[group], key=lambda name: rarity[name])].append(group)
    return {name: members[name] for name in sorted(members, key=lambda name: rarity[name])}


def _neediest(wanted: Mapping[Side, float], has: Mapping[Side, int], *, left: int) -> Side:
    """Return the split that lacks most; one that has nothing yet when only as many groups as such splits are left."""
    bare: list[Side] = [split for split in has if not has[split]]
    choices: list[Side] = bare if bare and left <= len(bare) else [*has]
    return max(choices, key=lambda split: wanted[split] - has[split])


def shared_names(members: Iterable[tuple[str, Split | None]]) -> list[str]:
    """Return the names that are on more than one side, sorted."""
    sides: dict[str, set[Split | None]] = defaultdict(set)
    for name, split in members:
        sides[name].add(split)
    return sorted(name for name, on in sides.items() if len(on) > 1)
