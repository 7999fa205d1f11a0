"""Synthetic dermoscopy, drawn from a seed, with masks, features and labels: for the demo and the tests.

traits -> outline -> pigment, structures --+
frame -> skin -----------------------------+-> artefacts -> phantom -> files -> mirror
"""

from attnmel.data.phantoms.mirror import write_mirror
from attnmel.data.phantoms.phantom import Phantom, draw_phantom
from attnmel.data.phantoms.structures import FEATURES, OFFICIAL_FEATURES
from attnmel.data.phantoms.traits import DIAGNOSES, Diagnosis

__all__ = ["DIAGNOSES", "FEATURES", "OFFICIAL_FEATURES", "Diagnosis", "Phantom", "draw_phantom", "write_mirror"]
