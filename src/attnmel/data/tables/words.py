"""Words in the cells of tables: which mean "not known", ages, sexes, splits and classes. No torch."""

import re
from collections.abc import Sequence

from attnmel.diagnoses import REST, class_among, is_rest
from attnmel.records import Split

_UNKNOWN = """- -- --- . ? #n/a #na <na> n/a n.a. n.a na nan none null nil unk unknown unspecified undefined
    missing not_known not_available not_applicable not_specified not_recorded unbekannt nicht_bekannt keine_angabe
    k.a. k.a inconnu desconocido sconosciuto"""
UNKNOWN = frozenset(_UNKNOWN.split())
"""What means in every column that nothing is known, as `folded` gives it; an empty cell means the same."""

OLDEST = 120
"""Years; a larger number is a typing error."""

AGE = re.compile(
    r"(?:[<>~≤≥]|ca\.?)?\s*(?P<age>\d+([.,]\d+)?)\s*"
    r"(?:(?:[-\u2013\u2014]|to|bis)\s*(?P<end>\d+([.,]\d+)?)\s*)?"
    r"(?P<open>\+)?\s*(?:y|yr|yrs|years?|jahre?|j)?\.?(?:\s*old)?",
    re.ASCII | re.IGNORECASE,
)
"""An age as people write it: 55, 55.0, 55,5, 85+, 50-55, <20, 55 years."""

_FEMALE = "f w female woman women weiblich frau féminin feminin femme femenino mujer femminile"
_MALE = "m male man men männlich maennlich mann masculin homme masculino hombre maschile"
SEXES = {"female": frozenset(_FEMALE.split()), "male": frozenset(_MALE.split())}

SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "fit"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}

WHOLE_NUMBER = re.compile(r"(\d+)(?:\.0*)?", re.ASCII)
"""A number of a class; "1.0" is what pandas writes where a cell of the column is empty."""


def folded(text: str) -> str:
    """Return a name or word in small letters, with one underscore for spaces and hyphens between its words."""
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", "_", text.strip().casefold())


def is_unknown(text: str) -> bool:
    """Whether a cell means that nothing is known."""
    return not text.strip() or folded(text).replace(" ", "") in UNKNOWN


def word(text: str) -> str:
    """Return a known attribute in small letters; "" where it is unknown."""
    return "" if is_unknown(text) else text.lower()


def age_in_words(text: str) -> str | None:
    """Return an age in years as it is stored, "55" for "55.0"; "" where it is unknown, None where it is no age.

    A range is read as its middle, "85+" as 85.
    """
    if is_unknown(text):
        return ""
    if not (found := AGE.fullmatch(text.strip())):
        return None
    start, end = (float((found[part] or found["age"]).replace(",", ".")) for part in ("age", "end"))
    return f"{(start + end) / 2:g}" if start <= end <= OLDEST else None


def is_exact_age(text: str) -> bool:
    """Whether a cell is a number of years alone, neither a range nor a bound."""
    return bool(re.fullmatch(r"\d+([.,]\d+)?", text.strip()))


def sex_in_words(text: str) -> str:
    """Return "female" or "male" for the words and letters that mean them; another word in small letters."""
    return next((sex for sex, words in SEXES.items() if text.casefold() in words), word(text))


def split_of(text: str) -> Split | None:
    """Return the split that a word means, None where it means none."""
    return SPLIT_WORDS.get(text.casefold())


def class_of(label: str, classes: Sequence[str]) -> str | None:
    """Return the class that a label means: its name in any case, its number, or another name of the same diagnosis.

    Numbers are the places of the classes from 0 on. A known diagnosis without a class of its own is `REST` where that
    is a class; an unknown word, which may be a typing error, is not.
    """
    if found := class_among(label, classes):
        return found
    number = WHOLE_NUMBER.fullmatch(label)
    if number:
        return classes[int(number[1])] if len(number[1]) < 5 and int(number[1]) < len(classes) else None
    return REST if is_rest(label, classes) else None
