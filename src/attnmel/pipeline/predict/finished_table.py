"""How a finished table was made, as it says itself: in the notice next to a CSV file, or in the JSON. No torch."""

from collections.abc import Mapping
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.files.table_files import notice_path, parsed_json, read_json
from attnmel.pipeline.predict.partial_results import MadeWith, changes
from attnmel.pipeline.predict.table import KEY, MADE_WITH


def refuse_other_settings(out: Path, now: MadeWith) -> None:
    """Refuse to continue where the finished table at `out`, which would be replaced, was made with other settings.

    Raises:
        ConfigError: names what differs, or that the table does not say how it was made.
    """
    if not out.exists():
        return
    remedy = "choose another --out, or leave out --resume to replace it"
    before = _made_with(out)
    if before is None:
        raise ConfigError(f"{out} is there already, and nothing says how it was made; {remedy}")
    if before != now:
        raise ConfigError(
            f"{out} is a finished table, which was made with other settings: {changes(before, now)}. Use the same to "
            f"predict it again, {remedy}"
        )


def _made_with(out: Path) -> Mapping[str, str] | None:
    """Return the settings; None where there are none, as in tables of earlier versions and other files."""
    try:
        lines = notice_path(out).read_text(encoding="utf-8").splitlines() if notice_path(out).is_file() else []
        stored = [line.removeprefix(MADE_WITH) for line in lines if line.startswith(MADE_WITH)]
        return dict(parsed_json(stored[0]) if stored else read_json(out)[KEY])
    except (OSError, ValueError, TypeError, KeyError):
        return None
