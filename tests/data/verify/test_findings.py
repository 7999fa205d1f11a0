import re
from pathlib import Path

from attnmel.data.verify import KINDS

PAGE = Path(__file__).parents[3] / "docs" / "training" / "data.md"


def test_the_documentation_has_every_kind_with_its_severity_in_order() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| (error|warning) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(kind.name, kind.severity) for kind in KINDS.values()]


def test_every_kind_says_what_to_do() -> None:
    for kind in KINDS.values():
        assert kind.hint.endswith(".")
        assert len(kind.hint) > 15
