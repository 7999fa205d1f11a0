"""The header of labels.csv -> which column holds what. No torch."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from attnmel.data.tables.problems import Problem
from attnmel.data.tables.words import folded
from attnmel.errors import ConfigError, require_known
from attnmel.records import ATTRIBUTES

TABLE = "labels.csv"
REQUIRED = ("image", "label")
OPTIONAL = ("mask", "group", "split", *ATTRIBUTES)
COLUMNS = f"{','.join(REQUIRED)}[,{'][,'.join(OPTIONAL)}]"

ONE_HOT = "+"
"""Between the names of columns of which one is 1 in each row."""

GUESSES: dict[str, tuple[str, ...]] = {
    "image": (
        *("isic_id", "image_id", "image_name", "img_id", "filename", "file_name", "file", "path", "name", "id"),
        *("bild", "bildname", "datei", "dateiname"),
    ),
    "label": (
        "target",
        "diagnosis",
        "benign_malignant",
        "dx",
        "class",
        "diagnosis_1",
        "diagnostic",
        "diagnose",
        "melanoma",
    ),
    "group": (
        *("patient_id", "patient", "patient_no", "patient_number", "pat_id", "pat_no", "subject", "subject_id"),
        *("patienten_id", "patienten_nr", "patientennummer", "patient_nr", "pat_nr", "patientin", "pid"),
        *("lesion_id", "lesion", "lesion_no", "läsion", "läsions_id", "läsion_nr", "läsions_nr", "läsionsnummer"),
        *("case", "case_id", "case_no", "fall", "fall_id", "fall_nr", "fallnummer"),
    ),
    "age": ("age_approx", "age_approximate", "age_years", "alter", "alter_jahre"),
    "sex": ("gender", "geschlecht"),
    "site": ("localization", "anatom_site_general", "anatom_site_1", "location", "body_site", "lokalisation"),
    "mask": ("segmentation", "mask_name", "maske"),
}
"""Names that columns have elsewhere: never read without being named, but suggested. Of groups patients come first,
whose images a split may not divide; a patient's name is not suggested, since groups are written into tables."""


@dataclass(frozen=True)
class FolderColumns:
    """Where the cells of labels.csv are."""

    places: Mapping[str, int]
    """Position in a row, by a name of `REQUIRED` and `OPTIONAL`; "label" is missing where it is one-hot."""
    one_hot: Mapping[str, int]
    """Position by class, where the label is the column that is 1; else empty."""
    width: int
    """Number of columns."""
    names: Mapping[str, str]
    """How the table calls each column of `places`."""
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def parsed_columns(text: str) -> dict[str, str]:
    """Return the columns that `image=isic_id,label=target` names; a label of several is written `label=MEL+NV`.

    Raises:
        ConfigError: another form, an unknown name, or one named twice.
    """
    named: dict[str, str] = {}
    for part in text.split(","):
        own, sign, theirs = (one.strip() for one in part.partition("="))
        if not sign or not theirs or own in named:
            raise ConfigError(f"columns '{text}'; expected NAME=COLUMN,... such as image=isic_id,label=target")
        named[own] = theirs
    return named


def find_columns(line: int, header: Sequence[str], named: Mapping[str, str], classes: Sequence[str]) -> FolderColumns:
    """Find the columns, in any order and case; `named` gives the names that differ, by the usual one.

    A label named as several columns, joined by `ONE_HOT`, or as one that is called like a class, is one-hot.
    """
    for name in named:
        require_known("column", name, (*REQUIRED, *OPTIONAL))
    wanted = {name: named.get(name, name) for name in (*REQUIRED, *OPTIONAL)}
    hot: list[str] = []
    if ONE_HOT in wanted["label"] or ("label" in named and folded(wanted["label"]) in map(folded, classes)):
        hot = [one.strip() for one in wanted.pop("label").split(ONE_HOT)]
    keys = [folded(cell) for cell in header]
    places = {name: keys.index(folded(theirs)) for name, theirs in wanted.items() if folded(theirs) in keys}
    one_hot = {name: keys.index(folded(name)) for name in hot if folded(name) in keys}
    missing = [wanted[name] for name in wanted if name not in places and (name in named or name in REQUIRED)]
    missing += [name for name in hot if name not in one_hot]
    used = {*places.values(), *one_hot.values()}
    doubled = [header[place] for place in sorted(used) if keys.count(keys[place]) > 1]
    extra = [name for place, name in enumerate(header) if place not in used]
    problems = [
        Problem(line, name, "no such column", _expected(missing, wanted, extra), kind="file") for name in missing
    ]
    problems += [Problem(line, name, "that column twice", "it once", kind="file") for name in doubled]
    names = {name: header[place] for name, place in places.items()}
    return FolderColumns(places, one_hot, len(header), names, _notes(extra, places), tuple(problems))


def _expected(missing: Sequence[str], wanted: Mapping[str, str], extra: Sequence[str]) -> str:
    """Return what the header should have, and how other columns are named where they are meant."""
    there = ", ".join(filter(None, extra)) or "none"
    guesses = {name: _guess(name, extra) or "COLUMN" for name in REQUIRED if wanted.get(name) in missing}
    others = {name: _guess(name, extra) for name in GUESSES if guesses and name not in guesses}
    guesses |= {name: guess for name, guess in others.items() if guess and wanted.get(name) == name}
    naming = ",".join(f"{name}={guess}" for name, guess in guesses.items())
    # Some commands, as `segment score`, have no such option.
    advice = f"; if others mean the same, rename them, or name them: --columns {shlex.quote(naming)}" if naming else ""
    return f"{COLUMNS} (other columns: {there}){advice}"


def _guess(name: str, header: Sequence[str]) -> str:
    known = {_letters(cell): cell for cell in header}
    return next((known[_letters(one)] for one in GUESSES[name] if _letters(one) in known), "")


def _letters(name: str) -> str:
    """Return the letters and digits of a name: "Pat.-Nr." and "pat_nr" are one."""
    return re.sub(r"[\W_]", "", normalize("NFC", name).casefold())


def _notes(extra: Sequence[str], places: Mapping[str, int]) -> tuple[str, ...]:
    unread = [name or "(no name)" for name in extra]
    group = "" if "group" in places else _guess("group", extra)
    option = shlex.quote(f"group={group}")
    advice = f"; if {group} says which images are of one patient, name it: --columns {option}" if group else ""
    return (f"{TABLE}: columns that are not read: {', '.join(unread)}{advice}",) if unread else ()
