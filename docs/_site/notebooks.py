"""The notebooks of docs/notebooks as pages of the site: text, code and stored outputs, by nbconvert. None runs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import MarkdownExporter

FOLDER = "notebooks"
LINK = re.compile(r"\((?P<place>(?:[\w./-]*/)?notebooks/[\w-]+)\.ipynb\)")


def pages(docs: Path) -> Iterator[tuple[str, str | bytes]]:
    """Give the path below docs/ and the content of the page of each notebook, and of each of its pictures."""
    for path in sorted((docs / FOLDER).glob("*.ipynb")):
        resources: dict[str, Any] = {"output_files_dir": f"{path.stem}_files", "unique_key": path.stem}
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata.language_info = {"name": "python"}
        text, made = MarkdownExporter().from_notebook_node(notebook, resources)
        title, _, rest = text.strip().partition("\n")
        yield f"{FOLDER}/{path.stem}.md", f"{title}\n\n[The notebook]({path.name}) to run it yourself.\n{rest}\n"
        for name, content in made["outputs"].items():
            yield f"{FOLDER}/{Path(name).as_posix()}", content


def names(docs: Path) -> set[str]:
    """Return the pages of the notebooks."""
    return {f"{FOLDER}/{path.stem}.md" for path in (docs / FOLDER).glob("*.ipynb")}


def linked(markdown: str) -> str:
    """Return a page whose links to notebooks lead to their pages."""
    return LINK.sub(r"(\g<place>.md)", markdown)
