"""Drawn splits keep shares and groups; checks name what is wrong."""

import dataclasses
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmel.data.datasets.splits import (
    check_classes,
    check_disjoint,
    draw_fold,
    draw_sides,
    draw_some,
    draw_splits,
    with_splits,
)
from attnmel.errors import LabelError
from attnmel.records import SPLITS, Lesion, Split

CLASSES = ("rest", "melanoma")


def lesion(
    image_id: str, diagnosis: str | None = "nevus", *, split: Split | None = None, group: str | None = None
) -> Lesion:
    return Lesion(image_id=image_id, image=Path(f"{image_id}.jpg"), diagnosis=diagnosis, split=split, group=group)


def counts(lesions: tuple[Lesion, ...]) -> Counter[tuple[str | None, str | None]]:
    return Counter((lesion.diagnosis, lesion.split) for lesion in lesions)


ANY_DIAGNOSES = st.lists(st.sampled_from(["nevus", "melanoma", "keratosis", None]), max_size=60).map(
    lambda names: {f"ISIC_{i}": name for i, name in enumerate(names)}
)


@given(diagnoses=ANY_DIAGNOSES, count=st.integers(1, 70), order=st.randoms(use_true_random=False))
def test_some_images_hold_each_diagnosis_by_its_share_and_are_nested(
    diagnoses: dict[str, str | None], count: int, order: Random
) -> None:
    some = draw_some(diagnoses, count)
    assert len(some) == min(count, len(diagnoses))
    assert some <= draw_some(diagnoses, count + 1)
    shuffled = order.sample(sorted(diagnoses), len(diagnoses))
    assert some == draw_some({image_id: diagnoses[image_id] for image_id in shuffled}, count)
    whole, drawn = Counter(diagnoses.values()), Counter(diagnoses[image_id] for image_id in some)
    if count >= len(whole):
        assert drawn.keys() == whole.keys()
    for name, total in whole.items():
        # One by rounding; the first of each diagnosis may take one more from every other.
        assert abs(drawn[name] - total * len(some) / len(diagnoses)) <= len(whole)


ANY_LESIONS = st.lists(
    st.tuples(st.sampled_from(["nevus", "melanoma", "keratosis", None]), st.sampled_from([None, *"abcdefgh"])),
    max_size=60,
).map(lambda rows: [lesion(f"ISIC_{i}", diagnosis, group=group) for i, (diagnosis, group) in enumerate(rows)])


@given(lesions=ANY_LESIONS, seed=st.integers(0, 9), order=st.randoms(use_true_random=False))
def test_a_draw_gives_everyone_a_side_keeps_groups_and_ignores_order(
    lesions: list[Lesion], seed: int, order: Random
) -> None:
    drawn = draw_splits(lesions, seed=seed)
    assert [dataclasses.replace(one, split=None) for one in drawn] == lesions
    assert all(one.split in SPLITS for one in drawn)
    check_disjoint(drawn)
    shuffled = lesions.copy()
    order.shuffle(shuffled)
    assert set(draw_splits(shuffled, seed=seed)) == set(drawn)


@given(nevi=st.integers(3, 60), melanomas=st.integers(3, 60), seed=st.integers(0, 5))
def test_every_diagnosis_keeps_its_shares_and_is_on_every_side(nevi: int, melanomas: int, seed: int) -> None:
    lesions = [lesion(f"n{i}", "nevus") for i in range(nevi)] + [lesion(f"m{i}", "melanoma") for i in range(melanomas)]
    found = counts(draw_splits(lesions, seed=seed))
    for diagnosis, total in (("nevus", nevi), ("melanoma", melanomas)):
        for split, share in zip(SPLITS, (0.7, 0.15, 0.15), strict=True):
            assert found[diagnosis, split] >= 1
            # One or two go from the large share to the small ones where those would have none.
            assert abs(found[diagnosis, split] - share * total) < (1 if total >= 10 else 2)


def test_groups_of_several_images_still_keep_the_shares() -> None:
    lesions = [
        lesion(f"{name}{g}-{i}", name, group=f"{name}{g}")
        for name, groups in (("nevus", 200), ("melanoma", 40))
        for g in range(groups)
        for i in range(1 + g % 4)
    ]
    found = counts(draw_splits(lesions, seed=1, shares={"train": 0.8, "validation": 0.1, "test": 0.1}))
    for diagnosis in ("nevus", "melanoma"):
        total = sum(found[diagnosis, split] for split in SPLITS)
        for split, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
            assert found[diagnosis, split] == pytest.approx(share * total, abs=2)


def test_a_seed_gives_its_own_draw_every_time() -> None:
    lesions = [lesion(f"ISIC_{i}") for i in range(50)]
    assert draw_splits(lesions, seed=1) == draw_splits(lesions, seed=1)
    assert draw_splits(lesions, seed=1) != draw_splits(lesions, seed=2)


def test_a_group_called_like_an_image_is_another_thing() -> None:
    lesions = [lesion("a"), *(lesion(f"b{i}", group="a") for i in range(5))]
    sides = defaultdict(set)
    for one in draw_splits(lesions, seed=0):
        sides[one.group].add(one.split)
    assert sides["a"].isdisjoint(sides[None])


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.2), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(LabelError, match="expected numbers above 0 that add up to 1"):
        draw_splits([], seed=0, shares=dict(zip(SPLITS, shares, strict=True)))


def test_images_and_groups_on_two_sides_are_named() -> None:
    lesions = [
        lesion("a", split="train"),
        lesion("a", split="test"),
        lesion("b", split="train", group="one"),
        lesion("c", split="test", group="one"),
        lesion("d", split="test", group="two"),
        lesion("e", split="test", group="two"),
    ]
    with pytest.raises(LabelError) as caught:
        check_disjoint(lesions)
    assert str(caught.value).startswith("images on two sides of the split: a; groups on two sides of the split: one.")
    check_disjoint(lesions[1:3] + lesions[4:])


def test_a_split_of_one_class_is_told_with_the_class_that_is_missing() -> None:
    lesions = [
        *(lesion(name, diagnosis, split="train") for name, diagnosis in (("a", "melanoma"), ("b", "nevus"))),
        *(lesion(name, "nevus", split="validation") for name in "cd"),
    ]
    check_classes(lesions[:2], CLASSES)
    with pytest.raises(LabelError, match=r"^the split 'validation' has no melanoma \(it has 2 rest\)\. Every split"):
        check_classes(lesions, CLASSES)
    with pytest.raises(LabelError, match=r"^the data set has no rest \(it has 1 melanoma\)"):
        check_classes([lesion("a", "melanoma")], CLASSES)


def test_two_sides_are_drawn_as_four_are() -> None:
    names = ["nevus"] * 100 + ["MEL"] * 20
    diagnoses = {f"i{place}": name for place, name in enumerate(names)}
    two: dict[Split, float] = {"train": 0.85, "validation": 0.15}
    four: dict[Split, float] = {"train": 0.7, "validation": 0.1, "internal": 0.1, "test": 0.1}
    for shares in (two, four):
        found = Counter((diagnoses[i], split) for i, split in draw_sides(diagnoses, {}, seed=0, shares=shares).items())
        assert found == {
            (name, split): round(share * total)
            for name, total in (("nevus", 100), ("MEL", 20))
            for split, share in shares.items()
        }


def test_images_of_one_group_get_one_side_even_of_two_diagnoses() -> None:
    diagnoses = {f"i{n}": "NV" if n % 3 else "MEL" for n in range(60)}
    groups = {image_id: f"g{int(image_id[1:]) // 4}" for image_id in diagnoses}
    drawn = draw_sides(diagnoses, groups, seed=3, shares={"train": 0.8, "validation": 0.1, "internal": 0.1})
    sides = defaultdict(set)
    for image_id, group in groups.items():
        sides[group].add(drawn[image_id])
    assert {len(on) for on in sides.values()} == {1}
    assert set(drawn.values()) == {"train", "validation", "internal"}


@pytest.mark.parametrize("seed", range(3))
def test_lesions_of_many_images_come_into_every_split(seed: int) -> None:
    lesions = [
        lesion(f"i{number}", group=f"g{number}" if number < 600 else f"many{number // 3}") for number in range(1200)
    ]
    times = Counter(one.group for one in lesions)
    for split in SPLITS:
        within = [one for one in draw_splits(lesions, seed=seed) if one.split == split]
        assert sum(times[one.group] > 1 for one in within) / len(within) == pytest.approx(0.5, abs=0.1)


def test_each_lesion_validates_in_one_fold_and_test_images_in_none() -> None:
    counts: dict[Split, int] = {"train": 80, "validation": 20, "test": 30}
    lesions = tuple(
        lesion(f"{split}{i}", "melanoma" if i % 5 == 0 else "nevus", split=split, group=f"{split}{i // 2}")
        for split, count in counts.items()
        for i in range(count)
    )
    folds = [draw_fold(lesions, number, 5, seed=0) for number in range(1, 6)]
    validating = [{one.image_id for one in fold if one.split == "validation"} for fold in folds]
    assert sorted(image_id for fold in validating for image_id in fold) == sorted(
        one.image_id for one in lesions if one.split != "test"
    )
    for fold in folds:
        check_disjoint(fold)
        assert [one.image_id for one in fold] == [one.image_id for one in lesions]
        assert [one for one in fold if one.split == "test"] == [one for one in lesions if one.split == "test"]
        assert sum(one.split == "validation" for one in fold) in range(18, 23)
        melanomas = sum(one.split == "validation" and one.diagnosis == "melanoma" for one in fold)
        assert melanomas in range(3, 6)


def test_splits_that_are_given_stay_though_some_lesions_have_none() -> None:
    given = [lesion(f"a{n}", split="train" if n % 2 else "test") for n in range(20)] + [lesion("b")]
    assert with_splits(given) == tuple(given)
    bare = [lesion(f"a{n}") for n in range(20)]
    assert with_splits(bare) == draw_splits(bare, seed=0)
