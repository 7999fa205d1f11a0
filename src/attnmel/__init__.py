"""attnmel: attention-based recognition of skin lesions in dermoscopy images.

Importing the package loads nothing heavy. `attnmel --help` lists the commands; docs/glossary.md explains the terms.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attnmel.deploy.predictor import Predictor

__all__ = ["NOTICE", "Predictor", "__version__"]

__version__ = "0.1.0"

NOTICE = "Research use only. Not a medical device; not for diagnosis."
"""Notice in every report, prediction and checkpoint."""


def __getattr__(name: str) -> "type[Predictor]":
    """Load the predictor when it is first used."""
    if name == "Predictor":
        from attnmel.deploy.predictor import Predictor

        return Predictor
    raise AttributeError(f"module 'attnmel' has no attribute '{name}'")
