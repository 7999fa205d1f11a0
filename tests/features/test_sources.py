"""What is kept of images is found again by all that its values depend on, and by nothing else."""

from dataclasses import dataclass

import pytest

from attnmel.config.system import TapSettings
from attnmel.features.card import TrunkFacts
from attnmel.features.handcrafted import Pixels
from attnmel.features.sources import Described, FeatureSource

FACTS = TrunkFacts(
    network="vgg16-gap",
    trunk="mobilenet_v2",
    width=1.0,
    padding="symmetric",
    attention="sigmoid",
    classes=2,
    mean=(0.5, 0.5, 0.5),
    std=(0.2, 0.2, 0.2),
    origin="published weights",
    licence=None,
    sha256="0" * 64,
)


@dataclass
class Trunk:
    """A network of some facts that describes nothing."""

    facts: TrunkFacts

    def means(self, pixels: Pixels, taps: object) -> Described:
        """Fail."""
        raise NotImplementedError

    def positions(self, pixels: Pixels, pools: object) -> Described:
        """Fail."""
        raise NotImplementedError


def key(**facts: object) -> str:
    settings = TapSettings(kind="taps", trunk="mobilenet_v2", weights="weights.safetensors")
    return FeatureSource(settings, 224, Trunk(FACTS.model_copy(update=facts))).key(1.0)


@pytest.mark.parametrize(
    "facts",
    [{"mean": (0.4, 0.5, 0.5)}, {"std": (0.3, 0.2, 0.2)}, {"padding": "tensorflow"}, {"sha256": "1" * 64}],
)
def test_other_weights_or_another_input_of_them_are_described_anew(facts: dict[str, object]) -> None:
    assert key(**facts) != key()


def test_where_weights_are_from_does_not_matter() -> None:
    assert key(origin="a copy", licence="CC-0") == key()
