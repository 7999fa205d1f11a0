"""The traits of a lesion, drawn at random from its diagnosis: the signs that dermatologists go by, as numbers.

Every lesion has a hidden malignancy, higher on average in melanoma, and shows it through signs that each follow it
only loosely: asymmetry, an irregular border, several colours, blue-grey veil, regression, an atypical network, streaks
(the ABCD rule of Stolz 1994 and the seven-point list of Argenziano 1998). So the classes overlap: dysplastic-looking
naevi and quiet melanomas exist, and no reader of the images can be perfect.
"""

import dataclasses
from typing import Literal, get_args

import numpy as np

Diagnosis = Literal["melanoma", "seborrheic_keratosis", "nevus"]
DIAGNOSES: tuple[Diagnosis, ...] = get_args(Diagnosis)

# Mean and spread of the hidden malignancy in [0, 1]. Chosen so that a small network's test AUC is between .75 and .95.
MALIGNANCY: dict[Diagnosis, tuple[float, float]] = {
    "melanoma": (0.72, 0.17),
    "seborrheic_keratosis": (0.36, 0.15),
    "nevus": (0.28, 0.16),
}
# How loosely one sign follows the malignancy.
_SIGN_SPREAD = 0.17


@dataclasses.dataclass(frozen=True, kw_only=True)
class Traits:
    """Everything that decides a lesion's look; strengths are 0 for none, about 1 for strong."""

    radius: float
    """Mean radius as a share of the frame's shorter side."""
    elongation: float
    """Longer axis over shorter axis."""
    asymmetry: float
    """Strength of the coarse bulges of the outline, and of the pigment's drift to one side."""
    raggedness: float
    """Strength of the notches of the border."""
    edge: float
    """Width of the fading at the border as a share of the local radius; small is sharp."""
    darkness: float
    """Optical density of the melanin."""
    redness: float
    """Optical density of the blood, on top of the skin's."""
    tones: float
    """Unevenness of the pigment."""
    centre: float
    """Darker (above 0) or paler (below 0) towards the middle."""
    blotch: float
    """Strength of an off-centre, almost black patch."""
    veil: float
    """Share of the lesion under a blue-grey, whitish veil."""
    regression: float
    """Share of the lesion turned into a pale scar."""
    network: float
    """Strength of the pigment network."""
    mesh: float
    """Distance between the network's holes as a share of the frame's shorter side."""
    atypia: float
    """Unevenness of structures: network lines of all widths, globules of all sizes, gaps."""
    negative_network: float
    """Strength of light lines around dark islands."""
    globules: float
    """Density of dark dots."""
    streaks: float
    """Share of the border with radial projections."""
    cysts: int
    """Number of milia-like cysts."""
    waxy: float
    """Strength of a seborrheic keratosis's dull yellow-grey surface with fissures and pits."""


def draw_traits(rng: np.random.Generator, diagnosis: Diagnosis) -> Traits:
    """Draw a lesion of the diagnosis."""
    malignancy = rng.normal(*MALIGNANCY[diagnosis])
    traits = _melanocytic(rng, malignancy)
    return _keratosis(rng, traits) if diagnosis == "seborrheic_keratosis" else traits


def _melanocytic(rng: np.random.Generator, malignancy: float) -> Traits:
    def sign() -> float:
        return float(np.clip(malignancy + rng.normal(0, _SIGN_SPREAD), 0, 1))

    def present(probability: float) -> bool:
        return bool(rng.random() < probability)

    worst = max(0.0, sign() - 0.35) / 0.65  # signs that a harmless lesion hardly ever shows
    return Traits(
        radius=float(np.clip(rng.normal(0.21 + 0.10 * sign(), 0.06), 0.11, 0.38)),
        elongation=float(1 + abs(rng.normal(0.15, 0.18))),
        asymmetry=sign() ** 1.3,
        raggedness=sign() ** 1.2,
        edge=float(rng.uniform(0.22, 0.6) * (1 - 0.55 * sign())),
        darkness=float(np.clip(rng.normal(0.7 + 0.6 * sign(), 0.28), 0.2, 1.9)),
        redness=float(rng.gamma(1.1, 0.05 + 0.09 * sign())),
        tones=0.10 + 0.38 * sign(),
        centre=float(rng.normal(0.15, 0.4)),
        blotch=float(sign() * rng.uniform(0.5, 1.4)) if present(0.15 + 0.6 * worst) else 0.0,
        veil=float(rng.uniform(0.12, 0.5)) if present(1.15 * worst) else 0.0,
        regression=float(rng.uniform(0.05, 0.28)) if present(0.9 * worst) else 0.0,
        network=float(rng.uniform(0.3, 0.9)) if present(0.65) else 0.0,
        mesh=float(rng.uniform(0.021, 0.032)),
        atypia=sign(),
        negative_network=float(rng.uniform(0.4, 1.0)) if present(0.04 + 0.4 * worst) else 0.0,
        globules=float(rng.uniform(0.25, 1.0)) if present(0.4) else 0.0,
        streaks=_streaks(rng, sign()),
        cysts=int(rng.integers(1, 4)) if present(0.06) else 0,
        waxy=0.0,
    )


def _streaks(rng: np.random.Generator, sign: float) -> float:
    """Share of the border: all around in a rare harmless (Reed) naevus, a part of it in melanoma."""
    if rng.random() < 0.03:
        return 1.0
    return float(rng.uniform(0.15, 0.6)) if rng.random() < 0.75 * sign**1.5 else 0.0


def _keratosis(rng: np.random.Generator, traits: Traits) -> Traits:
    """Make it stuck-on: a sharp border, a waxy surface, milia-like cysts, no network; some keep a naevus's look."""
    return dataclasses.replace(
        traits,
        edge=float(rng.uniform(0.05, 0.16)),
        asymmetry=0.6 * traits.asymmetry,
        network=0.0 if rng.random() < 0.85 else traits.network,
        globules=0.0 if rng.random() < 0.7 else traits.globules,
        streaks=0.0,
        negative_network=0.0,
        veil=0.3 * traits.veil,
        cysts=int(rng.integers(3, 14)) if rng.random() < 0.85 else 0,
        waxy=float(rng.uniform(0.35, 1.0)),
    )
