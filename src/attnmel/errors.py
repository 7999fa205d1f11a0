"""Every error that `attnmel` raises on purpose.

    AttnmelError
    ├── ConfigError        a recipe, a key or a value is not known or not possible
    ├── ArchiveError       a file of an archive or mirror is missing, damaged or unsafe
    │   ├── NotThereError  (download) the address holds no such file
    │   └── BadFileError   (data.unpacking) what came is no archive that can be unpacked
    ├── LabelError         images, masks and labels do not fit together
    ├── ImageError         one image or mask cannot be used
    ├── CheckpointError    weights cannot be used
    ├── ExportError        a model's file would not answer as the model does, or cost more than is allowed
    ├── PredictionsError   a predictions file cannot be used, or a measure is not defined on it
    ├── TrainingError      training cannot go on
    ├── BusyError          another command writes in the same place
    └── StalledError       a library gave no answer for too long

A message says what was found, what was expected and what to do. The command line prints it without a traceback and
exits with 1.
"""

from collections.abc import Iterable


class AttnmelError(Exception):
    """A problem that its message explains."""


class ConfigError(AttnmelError):
    """A recipe, a key or a value is not known or not possible."""


class ArchiveError(AttnmelError):
    """A file of an archive or mirror is missing, damaged or unsafe."""


class LabelError(AttnmelError):
    """Images, masks and labels do not fit together."""


class ImageError(AttnmelError):
    """One image or mask cannot be used."""


class CheckpointError(AttnmelError):
    """Weights cannot be used."""


class ExportError(AttnmelError):
    """A model's file would not answer as the model does, or cost more than is allowed."""


class PredictionsError(AttnmelError):
    """A predictions file cannot be used, or a measure is not defined on it."""


class TrainingError(AttnmelError):
    """Training cannot go on."""


class BusyError(AttnmelError):
    """Another command writes in the same place."""


class StalledError(AttnmelError):
    """A library gave no answer for too long."""


def require_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones.

    Raises:
        ConfigError: names what was asked for and lists what is known.
    """
    names = sorted(known)
    if name not in names:
        raise ConfigError(f"unknown {kind} '{name}'; known: {', '.join(names)}")


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return names for a message: all of a few, the first of many and how many more."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
