"""A fitted system: features, encoders and SVMs, whose mean probability classifies prepared images. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from attnmel.features.card import SvmFacts, SystemCard
from attnmel.features.encoders.encoder import Arrays, encode
from attnmel.features.handcrafted import Pixels
from attnmel.features.sources import ONLY, FeatureSource
from attnmel.features.svm.classifier import FittedSvm


@dataclass(frozen=True)
class Place:
    """What one SVM sees: a tap of a feature, of a central share of the image."""

    feature: str
    tap: str
    context: float

    @property
    def name(self) -> str:
        """For people: "vgg16/pool5", with "@0.6" for a share that is not all."""
        share = "" if self.context == 1 else f"@{self.context:g}"
        return f"{self.feature}{'' if self.tap == ONLY else f'/{self.tap}'}{share}"


@dataclass(frozen=True)
class SystemMember:
    """A fitted SVM with its encoder."""

    place: Place
    encoder: Arrays
    svm: FittedSvm
    auc: float
    """Mean over the held-out folds."""

    @property
    def facts(self) -> SvmFacts:
        """Its entry in the card."""
        svm, place = self.svm, self.place
        return SvmFacts(
            name=place.name,
            feature=place.feature,
            tap=place.tap,
            context=place.context,
            numbers=svm.vectors.shape[1],
            kernel=svm.kernel,
            scaling=svm.scaling.kind,
            unit=svm.unit,
            gamma=svm.gamma,
            cost=svm.cost,
            auc=self.auc,
            logistics=tuple((one.slope, one.offset) for one in svm.logistics),
        )


@dataclass(frozen=True)
class FittedSystem:
    """All that predicts an image."""

    card: SystemCard
    sources: Mapping[str, FeatureSource]
    members: tuple[SystemMember, ...]

    def probabilities(self, pixels: Pixels) -> Float64[np.ndarray, "B K"]:
        """Return the class probabilities of prepared images, of the card's size."""
        found = []
        for context in self.card.contexts:
            for name, source in self.sources.items():
                described = source.describe(pixels, context)
                found += [self.member_probabilities(one, described[one.place.tap]) for one in self.at(name, context)]
        return self.joined(found)

    def at(self, feature: str, context: float) -> Sequence[SystemMember]:
        """Return the members of a feature and context."""
        return [one for one in self.members if (one.place.feature, one.place.context) == (feature, context)]

    def member_probabilities(self, member: SystemMember, described: np.ndarray) -> Float64[np.ndarray, "B S"]:
        """Return the probabilities of one member's SVMs, of described images."""
        return member.svm.probabilities(encode(self.card.features[member.place.feature], member.encoder, described))

    def joined(self, found: Sequence[Float64[np.ndarray, "B S"]]) -> Float64[np.ndarray, "B K"]:
        """Return the mean over the members, as probabilities of all classes that sum to 1.

        Of two classes the other has what the target leaves; of more, each class's share of their sum. The order of the
        members plays no part but for rounding.
        """
        mean = np.mean(found, axis=0)
        if len(self.card.classes) > 2:
            total = mean.sum(axis=1, keepdims=True)
            return np.divide(mean, total, out=np.full_like(mean, 1 / mean.shape[1]), where=total > 0)
        shares = [mean[:, 0], 1 - mean[:, 0]]
        return np.stack(shares if self.card.classes.index(self.card.target) == 0 else shares[::-1], axis=1)


def system_places(features: Mapping[str, FeatureSource], contexts: Sequence[float]) -> list[Place]:
    """Return what the SVMs of a system see."""
    return [Place(name, tap, context) for context in contexts for name, one in features.items() for tap in one.taps]
