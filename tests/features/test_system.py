import dataclasses

import numpy as np
import pytest

from attnmel.config.system import ColourSettings, SvmSettings
from attnmel.features.card import FittedOn, SystemCard
from attnmel.features.handcrafted import colour_histograms
from attnmel.features.sources import ONLY, FeatureSource
from attnmel.features.svm.classifier import fit_svm
from attnmel.features.system import FittedSystem, Place, SystemMember, system_places

NOTHING = FittedOn(dataset="none", split="train", content="", folds=2, images=())


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    rng = np.random.default_rng(0)
    bright = rng.integers(0, 120, (18, 1, 1, 1)) + np.arange(18)[:, None, None, None] % 3 * 40
    return (bright + rng.integers(0, 40, (18, 16, 16, 3))).astype(np.uint8)


def system_of(pixels: np.ndarray, classes: tuple[str, ...], bins: tuple[int, ...]) -> FittedSystem:
    labels = np.arange(18) % 3
    positive = (labels == 1)[:, None] if len(classes) == 2 else labels[:, None] == np.arange(3)
    settings = {f"colour{one}": ColourSettings(kind="colour", bins=one) for one in bins}
    svm = SvmSettings(folds=2, kernel="intersection", scaling="none", costs=(1.0,))
    members = []
    for name, one in settings.items():
        fit = fit_svm(colour_histograms(pixels, one.bins), positive, np.arange(18) // 3 % 2, svm)
        members.append(SystemMember(Place(name, ONLY, 1.0), {}, fit.svm, fit.auc))
    card = SystemCard(
        classes=classes,
        target=classes[1],
        size=32,
        contexts=(1.0,),
        features={**settings},
        svm=svm,
        trunks={},
        members=tuple(one.facts for one in members),
        fitted_on=NOTHING,
    )
    sources = {name: FeatureSource(one, 16) for name, one in settings.items()}
    return FittedSystem(card, sources, tuple(members))


def test_the_mean_of_one_member_is_that_member(pixels: np.ndarray) -> None:
    system = system_of(pixels, ("rest", "melanoma"), (4,))
    own = system.members[0].svm.probabilities(colour_histograms(pixels, 4))[:, 0]
    np.testing.assert_array_equal(system.probabilities(pixels), np.stack([1 - own, own], axis=1))


def test_the_target_may_be_the_first_class(pixels: np.ndarray) -> None:
    system = system_of(pixels, ("rest", "melanoma"), (4,))
    other = dataclasses.replace(system, card=system.card.model_copy(update={"classes": ("melanoma", "rest")}))
    np.testing.assert_array_equal(other.probabilities(pixels), system.probabilities(pixels)[:, ::-1])


@pytest.mark.parametrize("classes", [("rest", "melanoma"), ("nevus", "melanoma", "keratosis")])
def test_the_order_of_the_members_does_not_matter(pixels: np.ndarray, classes: tuple[str, ...]) -> None:
    one, other = (system_of(pixels, classes, bins).probabilities(pixels) for bins in ((2, 4, 6), (6, 2, 4)))
    np.testing.assert_allclose(one, other, atol=1e-12)
    np.testing.assert_allclose(one.sum(axis=1), 1)
    assert one.shape == (18, len(classes))


def test_places_are_every_tap_of_every_feature_in_every_context() -> None:
    sources = {name: FeatureSource(ColourSettings(kind="colour"), 16) for name in ("a", "b")}
    assert [one.name for one in system_places(sources, (1.0, 0.6))] == ["a", "b", "a@0.6", "b@0.6"]
    assert Place("vgg16", "pool5", 1.0).name == "vgg16/pool5"
