"""attnmel: attention-based recognition of skin lesions in dermoscopy images.

Importing the package loads nothing heavy: what is named below is loaded when it is first used. `attnmel --help` lists
the commands; docs/how-to/python.md shows the package in Python, docs/glossary.md explains the terms. Types are in
`__init__.pyi`.
"""

from typing import Any

# pyright: reportUnsupportedDunderAll=false

__all__ = [
    "NOTICE",
    "Predictor",
    "Recipe",
    "Run",
    "__version__",
    "compare",
    "datasets",
    "errors",
    "evaluate",
    "explain",
    "explain_split",
    "export",
    "fuse",
    "predict",
    "pull",
    "push",
    "recalibrate",
    "register_network",
    "reproduce",
    "score",
    "segment",
    "statistics",
    "study",
    "train",
    "write_report",
]

__version__ = "0.1.0"

NOTICE = "Research use only. Not a medical device; not for diagnosis."
"""Notice in every report, prediction and checkpoint."""

_PLACES = {
    "Predictor": "attnmel.deploy.predictor",
    "Recipe": "attnmel.config.recipe",
    "Run": "attnmel.pipeline.run.run",
    "compare": "attnmel.api.results",
    "datasets": "attnmel.datasets",
    "errors": "attnmel.errors",
    "evaluate": "attnmel.api.results",
    "explain": "attnmel.api.maps",
    "explain_split": "attnmel.api.maps",
    "export": "attnmel.api.exporting",
    "fuse": "attnmel.api.results",
    "predict": "attnmel.api.prediction",
    "pull": "attnmel.api.exporting",
    "push": "attnmel.api.exporting",
    "recalibrate": "attnmel.api.results",
    "register_network": "attnmel.models.own_network",
    "reproduce": "attnmel.api.tables",
    "score": "attnmel.api.results",
    "segment": "attnmel.segment",
    "statistics": "attnmel.statistics",
    "study": "attnmel.study",
    "train": "attnmel.api.training",
    "write_report": "attnmel.api.results",
}
"""Module of each public name; of a module, itself."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is public
    """Load what is public when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module 'attnmel' has no attribute '{name}'")
    from importlib import import_module

    module = import_module(_PLACES[name])
    return module if module.__name__ == f"attnmel.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
