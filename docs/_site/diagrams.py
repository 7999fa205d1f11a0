"""Diagrams drawn beforehand, so that a page loads no script from elsewhere: docs/pictures/diagram-<hash>.svg.

A changed diagram is drawn by `mermaid` of npm (theme neutral, without HTML labels) and stored under its new name.
"""

import hashlib
import re
from pathlib import Path

BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def picture(diagram: str) -> str:
    """Return the name of a diagram's picture, below docs/."""
    return f"pictures/diagram-{hashlib.sha256(diagram.encode()).hexdigest()[:12]}.svg"


def drawn(markdown: str, docs: Path, up: str) -> str:
    """Return a page with pictures in place of its diagrams.

    Raises:
        FileNotFoundError: a diagram was changed and not drawn again.
    """

    def shown(found: re.Match[str]) -> str:
        name = picture(found[1])
        if not (docs / name).is_file():
            raise FileNotFoundError(f"docs/{name} is missing: draw the diagram again (docs/_site/diagrams.py says how)")
        return f"![diagram]({up}{name}){{ .diagram }}"

    return BLOCK.sub(shown, markdown)
