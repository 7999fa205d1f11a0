"""Numbers as text: their digits, signs, dashes and units; and that no other module formats a float by itself."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import attnmel
from attnmel.number_formats import (
    duration,
    fixed,
    in_ascii,
    in_brackets,
    minus,
    percent,
    plus,
    plus_in_brackets,
    plus_span,
    significant,
    size_in_words,
    span,
)

PACKAGE = Path(attnmel.__file__).parent
OWN_FORM = re.compile(r"\{[^{}]*:[+ ]?,?\.\d*[fFgG%]\}")
ELSEWHERE = {
    "config/expected.py": "a template that pydantic fills",
    "evaluation/maps/localisation.py": "the name of a column",
    "report/html/tables.py": "CSS",
    "saliency/overlays.py": "CSS",
    "web/uploads.py": "limits in powers of two",
}
"""Files with a form of their own, and what it is for."""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (150, "2 min"), (3599, "1 h 0 min"), (7260, "2 h 1 min"), (100_000, "1 d 3 h")],
)
def test_a_duration_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (5_800_000_000, "5.8 GB"), (None, "unknown size")],
)
def test_sizes_are_said_in_steps_of_a_thousand(count: int | None, words: str) -> None:
    assert size_in_words(count) == words


def test_a_value_stands_before_its_interval_and_what_is_not_defined_is_a_dash() -> None:
    assert in_brackets((0.5, 0.25, 0.75)) == "0.500 (0.250\N{EN DASH}0.750)"
    assert in_ascii((0.5, 0.25, 0.75)) == "0.500 (0.250 - 0.750)"
    assert in_ascii((math.nan, math.nan, math.nan)) == "-"
    assert span((math.nan, 1.0)) == plus_span((math.nan, 1.0)) == ""
    assert plus_span((-0.5, 0.25), 2) == "-0.50 to +0.25"
    assert plus_in_brackets((0.125, -0.5, 0.25)) == "+0.125 (-0.500 to +0.250)"
    assert plus_in_brackets((0.125, math.nan, math.nan)) == "+0.125"
    assert fixed(None) == fixed(math.nan) == "\N{EN DASH}"


def test_any_kind_of_float_is_formatted() -> None:
    assert fixed(np.float32(0.5), 1) == "0.5"
    assert significant(np.float32(1234.5)) == "1.23e+03"
    assert (percent(np.float32(0.123456)), percent(0.5), percent(0.123456, 0)) == ("12.3 %", "50 %", "12 %")
    assert minus(plus(-0.25, 2)) == "\N{MINUS SIGN}0.25"


def test_no_other_file_has_a_form_of_its_own() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for kind in ("*.py", "*.html")
        for path in PACKAGE.rglob(kind)
        if path.name != "number_formats.py" and OWN_FORM.search(path.read_text(encoding="utf-8"))
    }
    assert found == {*ELSEWHERE}
