"""A day as people write it."""

import re
from contextlib import suppress
from datetime import date, datetime

from attnmel.errors import ConfigError

EXAMPLE = "2026-12-28"
DAY_FIRST = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", re.ASCII)


def parsed_day(given: date | str | None) -> date | None:
    """Return a day that is given as a text YYYY-MM-DD; a day, or None, as it is.

    Raises:
        ConfigError: another form; of a day written with dots the right form is named.
    """
    if isinstance(given, datetime):
        return given.date()
    if given is None or isinstance(given, date):
        return given
    text = str(given).strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(text)
        raise ConfigError(f"the last day '{text}' is in no calendar; expected YEAR-MONTH-DAY, such as {EXAMPLE}")
    raise ConfigError(f"the last day '{text}'; expected YEAR-MONTH-DAY, such as {_meant(text)}")


def _meant(text: str) -> str:
    found = DAY_FIRST.fullmatch(text)
    if found and "." in text:  # 3/4/2026 is another day in another country
        with suppress(ValueError):
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
    return EXAMPLE
