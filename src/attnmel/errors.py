"""Every error that `attnmel` raises on purpose.

    AttnmelError
    ├── ConfigError        a recipe, a key or a value is unknown or not possible
    ├── ArchiveError       a file of an archive or mirror is missing, damaged or unsafe
    │   ├── NotThereError  (http_answers) the address holds no such file
    │   └── BadFileError   (data.archives.unpack) a file is no archive that can be unpacked
    ├── LabelError         images, masks and labels do not fit together
    ├── ImageError         one image or mask cannot be used
    ├── CheckpointError    weights cannot be used
    ├── ExportError        an exported file would differ from the model, or lose more AUC than is accepted
    ├── PredictionsError   a predictions file cannot be used, or a measure is not defined on it
    ├── ReadingsError      readings of a study cannot be used, or a measure is not defined on them
    ├── TrainingError      training cannot go on
    ├── BusyError          another command writes in the same place
    └── StalledError       a library returned nothing for too long

A message says what was found, what was expected and what to do. The command line prints it without a traceback and
exits with 1.
"""

import difflib
import re
from collections.abc import Iterable


class AttnmelError(Exception):
    """Base class; the message explains the problem."""


class ConfigError(AttnmelError):
    """A recipe, a key or a value is unknown or not possible."""


class ArchiveError(AttnmelError):
    """A file of an archive or mirror is missing, damaged or unsafe."""


class LabelError(AttnmelError):
    """Images, masks and labels do not fit together."""


class ImageError(AttnmelError):
    """One image or mask cannot be used."""


class CheckpointError(AttnmelError):
    """Weights cannot be used."""


class ExportError(AttnmelError):
    """An exported file would differ from the model, or lose more AUC than is accepted."""


class PredictionsError(AttnmelError):
    """A predictions file cannot be used, or a measure is not defined on it."""


class ReadingsError(AttnmelError):
    """Readings of a study cannot be used, or a measure is not defined on them."""


class TrainingError(AttnmelError):
    """Training cannot go on."""


class BusyError(AttnmelError):
    """Another command writes in the same place."""


class StalledError(AttnmelError):
    """A library returned nothing for too long."""


SIMILAR = 0.75
"""Least share of letters in common, by difflib's ratio, of a name that is proposed for an unknown one."""


def require_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones.

    Raises:
        ConfigError: lists the known names, and repeats the most similar one.
    """
    names = sorted(known)
    if name not in names:
        raise ConfigError(f"unknown {kind} '{name}'{did_you_mean(str(name), names)}; known: {', '.join(names)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'NAME'?)" with the known name that is most similar; nothing where none is similar.

    Upper and lower case, and "_" or a space in place of "-", make no difference.
    """
    form, by_form = _plain_form(name), {_plain_form(one): one for one in known}
    similar = difflib.get_close_matches(form, by_form, n=len(by_form) or 1, cutoff=SIMILAR)
    # Of equally similar ones that of the same letters: 2017 for 2071, not 2018.
    likeness = {one: difflib.SequenceMatcher(None, one, form).ratio() for one in similar}
    nearest = max(similar, key=lambda one: (likeness[one], sorted(one) == sorted(form)), default=None)
    return f" (did you mean '{by_form[nearest]}'?)" if nearest is not None else ""


def _plain_form(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return names for a message: the first `most`, and the number of the others."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, which is in the plural (by default with an "s") unless the number is 1."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Of a terminal: they move the cursor, change colours, or more."""


def printable(text: str) -> str:
    """Return a text that UTF-8 can hold: bytes of a file's name that are no UTF-8 are escaped, 0xff as U+DCFF."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def visible(text: str) -> str:
    """Return a text without control characters but tab and line feed; others are escaped, so that none acts."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
