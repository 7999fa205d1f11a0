"""Draw the cases of a study from a data set or a folder with labels, by class and seed."""

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from attnmel.data.datasets.own.folder import AS_WRITTEN, TableReading
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.diagnoses import class_among, is_same_diagnosis
from attnmel.errors import ConfigError, counted, require_known
from attnmel.records import Lesion

MELANOMA = ("melanoma",)


def draw_cases(
    dataset: str,
    home: Path,
    counts: Mapping[str, int],
    *,
    split: str | None,
    training: int,
    seed: int,
    reading: TableReading = AS_WRITTEN,
    left_out: Set[str] = frozenset(),
) -> tuple[tuple[Lesion, ...], tuple[Lesion, ...]]:
    """Return the cases and those of the practice, each in an order that says nothing of its class.

    No two images are of one group (lesion or patient), where the data set says which belong together; of the groups of
    the images that are `left_out` there is none.

    Raises:
        ConfigError: an unknown class or split, or too few images of a class.
    """
    lesions = [
        one for one in read_dataset(dataset, home, reading=reading, disjoint=False).lesions if one.diagnosis is not None
    ]
    if split is not None and all(one.split is None for one in lesions):
        raise ConfigError(
            f"{dataset} has no column split, so none of its images is in the split '{split}'; leave it out"
        )
    if split is not None:
        require_known("split", split, {one.split for one in lesions if one.split is not None})
        lesions = [one for one in lesions if one.split == split]
    drawn = _without(left_out, _one_a_group(_shuffled(_named(lesions, tuple(counts)), seed)))
    new = " that no machine is known to have learnt from" if left_out else ""
    chosen: list[Lesion] = []
    for name, count in counts.items():
        own = [one for one in drawn if one.diagnosis == name]
        if len(own) < count:
            raise ConfigError(f"{counted(len(own), 'image')} of the class {name}{new}; expected {count}, so draw fewer")
        chosen += own[:count]
    names = {one.image_id for one in chosen}
    left = [one for one in drawn if one.image_id not in names and one.diagnosis in counts]
    if len(left) < training:
        raise ConfigError(
            f"{counted(len(left), 'image')}{new} left for practice; expected {training}: draw fewer cases"
        )
    return tuple(_shuffled(chosen, seed)), tuple(left[:training])


def parsed_counts(texts: Sequence[str]) -> dict[str, int]:
    """Return how many cases of each class texts such as "melanoma=20" ask for.

    Raises:
        ConfigError: another form.
    """
    found: dict[str, int] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if not name or not number.isdecimal() or int(number) < 1:
            raise ConfigError(f"--count {text}; expected a class and how many cases of it, such as melanoma=20")
        found[name] = int(number)
    return found


def _named(lesions: Sequence[Lesion], names: Sequence[str]) -> list[Lesion]:
    """Return the lesions with the names that a study gives their classes, however the data set spells them."""
    known = sorted({str(one.diagnosis) for one in lesions})
    for name in names:
        class_of_data(name, known)
    if any(is_same_diagnosis(*pair) for pair in itertools.combinations(names, 2)):
        raise ConfigError(f"two of the classes {', '.join(names)} are one class of the data set; name each once")
    new = {one: name for one in known for name in names if is_same_diagnosis(name, one)}
    return [dataclasses.replace(one, diagnosis=new.get(str(one.diagnosis), one.diagnosis)) for one in lesions]


def class_of_data(name: str, known: Sequence[str]) -> str:
    """Return the class of a data set that a name means, by its own name or another of that diagnosis.

    Raises:
        ConfigError: there is none; names those that there are.
    """
    found = name if name in known else next((one for one in known if is_same_diagnosis(name, one)), "")
    require_known("class", found or name, known)
    return found


def diseased_classes(named: Sequence[str], drawn: Sequence[str]) -> frozenset[str]:
    """Return which of the drawn classes are diseased: as named, else those that mean melanoma.

    Raises:
        ConfigError: none of the classes is, or all of them are.
    """
    meant = [class_of_data(name, drawn) for name in named]
    found = frozenset(meant) or frozenset(name for name in drawn if class_among(name, MELANOMA) is not None)
    if not found or found >= set(drawn):
        raise ConfigError(
            f"the drawn classes are {', '.join(drawn)}; expected at least one that is diseased (--diseased NAME) "
            "and one that is not"
        )
    return found


def _shuffled(lesions: Sequence[Lesion], seed: int) -> list[Lesion]:
    return sorted(lesions, key=lambda one: hashlib.sha256(f"{seed}|{one.image_id}".encode()).hexdigest())


def _without(left_out: Set[str], lesions: Sequence[Lesion]) -> list[Lesion]:
    """Leave out images after one of each group was chosen, so that none of their lesion takes their place."""
    return [one for one in lesions if one.image_id not in left_out]


def _one_a_group(lesions: Sequence[Lesion]) -> list[Lesion]:
    seen: set[str] = set()
    kept = []
    for one in lesions:
        if one.group is None or one.group not in seen:
            kept.append(one)
        seen.update([] if one.group is None else [one.group])
    return kept
