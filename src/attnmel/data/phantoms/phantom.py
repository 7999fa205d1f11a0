"""One synthetic dermoscopy image with all that is true of it, from two whole numbers."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Int, UInt8

from attnmel.data.phantoms.artefacts import add_artefacts, photograph
from attnmel.data.phantoms.frame import Frame
from attnmel.data.phantoms.outline import draw_outline
from attnmel.data.phantoms.pigment import add_pigment, draw_body
from attnmel.data.phantoms.skin import draw_light, draw_skin
from attnmel.data.phantoms.structures import add_structures
from attnmel.data.phantoms.superpixels import draw_superpixels
from attnmel.data.phantoms.traits import DIAGNOSES, Diagnosis, draw_traits
from attnmel.errors import ConfigError

MELANOMA_SHARE = 0.3
KERATOSIS_SHARE = 0.12
_SHARES = (MELANOMA_SHARE, KERATOSIS_SHARE, 1 - MELANOMA_SHARE - KERATOSIS_SHARE)  # in the order of DIAGNOSES
# Below this no structure can be seen.
_SMALLEST = 48


@dataclasses.dataclass(frozen=True)
class Phantom:
    """A synthetic image and its ground truth, all of one height and width."""

    image: UInt8[np.ndarray, "H W 3"]
    mask: Bool[np.ndarray, "H W"]
    features: dict[str, Bool[np.ndarray, "H W"]]
    """The area of each of `FEATURES`; all False where the lesion has none."""
    superpixels: Int[np.ndarray, "H W"]
    """Number of each pixel's superpixel, from 0 without a gap."""
    diagnosis: Diagnosis


def draw_phantom(
    seed: int, index: int, *, height: int = 300, width: int = 400, diagnosis: Diagnosis | None = None
) -> Phantom:
    """Draw phantom number `index` of a seed; a diagnosis that is not given is drawn too.

    The same numbers give the same bytes, whatever was drawn before; at another size of the same proportions, the same
    lesion.
    """
    check_phantom(seed, index, height, width)
    # A generator for each stage: a change in one stage leaves the random numbers of all others as they were.
    generators = np.random.default_rng([seed, index]).spawn(9)
    first, skin, light, form, colour, structure, patches, artefact, camera = generators
    frame = Frame(height, width)
    drawn = DIAGNOSES[int(first.choice(len(DIAGNOSES), p=_SHARES))]  # in any case, so that what follows is the same
    chosen = diagnosis or drawn
    traits = draw_traits(first, chosen)
    outline = draw_outline(form, frame, traits)
    pigments = draw_skin(skin, frame)
    body = draw_body(colour, outline, traits)
    melanin = add_pigment(colour, outline, traits, pigments, body)
    features = add_structures(structure, outline, traits, pigments, melanin)
    picture = add_artefacts(artefact, frame, pigments.picture(draw_light(light, frame)))
    image = photograph(camera, frame, picture)
    return Phantom(image, outline.mask, features, draw_superpixels(patches, image), chosen)


def check_phantom(seed: int, index: int, height: int, width: int) -> None:
    """Refuse what cannot be drawn."""
    if seed < 0 or index < 0:
        raise ConfigError(f"a phantom's seed and index start at 0, got {seed} and {index}")
    if min(height, width) < _SMALLEST:
        raise ConfigError(f"a phantom is at least {_SMALLEST} pixels high and wide, got {width}x{height}")
