"""Commands that messages show are as a shell takes them, also with a path that has spaces."""

import re
from pathlib import Path

import attnmel

SHOWN = re.compile(r"attnmel (?:[a-z-]+ )+\{(?P<value>[^{}]*)\}")
WITHOUT_SPACES = {"dataset", "source", "name", "PREFIX", "__version__"}
"""Names of known data sets, what begins a hub's model, and the version."""


def test_paths_in_commands_are_quoted() -> None:
    sources = sorted(Path(attnmel.__file__).parent.rglob("*.py"))
    shown = [(path.name, found["value"]) for path in sources for found in SHOWN.finditer(path.read_text("utf-8"))]
    assert len(shown) > 10
    assert [one for one in shown if "shlex.quote" not in one[1] and one[1] not in WITHOUT_SPACES] == []
