from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from attnmel.data.phantoms import DIAGNOSES, FEATURES, Diagnosis, Phantom, draw_phantom
from attnmel.errors import ConfigError


def drawn(seed: int, index: int, diagnosis: Diagnosis | None = None) -> Phantom:
    return draw_phantom(seed, index, height=150, width=200, diagnosis=diagnosis)


@pytest.fixture(scope="module")
def lesions() -> list[Phantom]:
    """Twenty phantoms of each diagnosis."""
    return [drawn(5, index, DIAGNOSES[index % 3]) for index in range(60)]


def same(one: Phantom, other: Phantom) -> bool:
    return (
        one.diagnosis == other.diagnosis
        and all(np.array_equal(one.features[name], other.features[name]) for name in FEATURES)
        and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("image", "mask", "superpixels"))
    )


def test_the_same_numbers_give_the_same_phantom_whatever_was_drawn_before() -> None:
    forwards = [drawn(3, index) for index in range(4)]
    np.random.default_rng(0).normal()
    backwards = [drawn(3, index) for index in reversed(range(4))]
    assert all(same(one, other) for one, other in zip(forwards, reversed(backwards), strict=True))


@pytest.mark.parametrize("other", [(3, 1), (4, 0)])
def test_another_seed_or_index_gives_another_phantom(other: tuple[int, int]) -> None:
    assert not np.array_equal(drawn(3, 0).image, drawn(*other).image)


def test_a_diagnosis_that_is_named_changes_nothing_if_it_would_have_been_drawn() -> None:
    free = drawn(3, 1)
    assert same(free, drawn(3, 1, free.diagnosis))


def test_the_same_lesion_is_drawn_at_every_size() -> None:
    small, large = draw_phantom(8, 2, height=90, width=120), draw_phantom(8, 2, height=360, width=480)
    reduced = large.mask.reshape(90, 4, 120, 4).mean(axis=(1, 3)) > 0.5
    assert (reduced & small.mask).sum() / (reduced | small.mask).sum() > 0.95


@pytest.mark.parametrize(("height", "width"), [(48, 48), (97, 131), (200, 120), (60, 240)])
def test_every_part_has_the_size_that_was_asked_for(height: int, width: int) -> None:
    phantom = draw_phantom(1, 1, height=height, width=width)
    assert phantom.image.shape == (height, width, 3)
    parts = [phantom.mask, phantom.superpixels, *phantom.features.values()]
    assert {part.shape for part in parts} == {(height, width)}


@pytest.mark.slow
def test_a_large_phantom_shows_a_whole_lesion() -> None:
    phantom = draw_phantom(1, 1, height=2000, width=3000)
    assert phantom.image.shape == (2000, 3000, 3)
    assert 0.02 < phantom.mask.mean() < 0.5


def test_every_lesion_lies_within_its_frame_and_is_darker_than_the_skin_beside_it(lesions: list[Phantom]) -> None:
    contrasts = []
    for lesion in lesions:
        edges = (lesion.mask[0], lesion.mask[-1], lesion.mask[:, 0], lesion.mask[:, -1])
        assert not any(edge.any() for edge in edges)
        assert lesion.mask.mean() > 0.01
        grey, centre = lesion.image.mean(axis=2), np.s_[25:125, 40:160]
        skin = ~lesion.mask[centre]
        contrasts.append(np.median(grey[centre][skin]) - np.median(grey[lesion.mask]))
    assert min(contrasts) > 0


def test_features_lie_on_the_lesion_and_each_occurs(lesions: list[Phantom]) -> None:
    found: Counter[str] = Counter()
    for lesion in lesions:
        for name, area in lesion.features.items():
            found[name] += bool(area.any())
            if name != "streaks":  # they reach over the border
                assert not (area & ~lesion.mask).any(), name
    assert set(found) == set(FEATURES)
    assert all(5 <= count <= 110 for count in found.values()), found


def test_milia_like_cysts_are_the_keratosis_sign(lesions: list[Phantom]) -> None:
    with_cysts = Counter(lesion.diagnosis for lesion in lesions if lesion.features["milia_like_cyst"].any())
    assert with_cysts["seborrheic_keratosis"] > 2 * (with_cysts["nevus"] + with_cysts["melanoma"])


def asymmetry(phantom: Phantom) -> float:
    """Share of the lesion that does not fall on itself when turned by half around its centre of mass."""
    y, x = np.nonzero(phantom.mask)
    turned = np.stack([2 * y.mean() - y, 2 * x.mean() - x]).round().astype(int)
    inside = np.clip(turned, 0, np.array(phantom.mask.shape)[:, None] - 1)
    return 1 - float(phantom.mask[inside[0], inside[1]].mean())


def colours(phantom: Phantom) -> float:
    """Spread of the colours within the lesion, in grey levels."""
    return float(phantom.image[phantom.mask].std(axis=0).sum())


@pytest.mark.parametrize("sign", [asymmetry, colours])
def test_melanoma_differs_in_the_signs_that_dermatologists_name_but_not_always(
    sign: Callable[[Phantom], float], lesions: list[Phantom]
) -> None:
    melanoma = [lesion.diagnosis == "melanoma" for lesion in lesions]
    assert 0.65 < roc_auc_score(melanoma, [sign(lesion) for lesion in lesions]) < 0.97


def test_diagnoses_are_drawn_in_their_shares() -> None:
    found = Counter(draw_phantom(0, index, height=48, width=48).diagnosis for index in range(90))
    assert found["nevus"] > found["melanoma"] > found["seborrheic_keratosis"] > 0


@pytest.mark.parametrize(
    ("seed", "index", "height", "message"),
    [
        (-1, 0, 60, "seed and index start at 0, got -1 and 0"),
        (0, -2, 60, "seed and index start at 0, got 0 and -2"),
        (0, 0, 20, "at least 48 pixels high and wide, got 400x20"),
    ],
)
def test_what_cannot_be_drawn_is_refused(seed: int, index: int, height: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        draw_phantom(seed, index, height=height)
