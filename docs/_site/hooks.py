"""What mkdocs adds to the pages of docs/: the reference, made from the code, and two pages of the repository's root."""

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parent))
import diagrams
import notebooks
import reference

ROOT_PAGES = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
OF_ROOT = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}
LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([\w./-]+)(#[\w-]+)?\)")


def on_config(config: Any) -> Any:  # noqa: ANN401 - as mkdocs calls it
    """Leave pages out of the navigation that are not there."""
    made = {*ROOT_PAGES, *reference.PAGES, *notebooks.names(Path(config.docs_dir))}
    config.nav = [part for part in (_there(one, Path(config.docs_dir), made) for one in config.nav) if part]
    return config


def _there(entry: dict[str, Any], docs: Path, made: set[str]) -> dict[str, Any] | None:
    ((title, value),) = entry.items()
    if isinstance(value, str):
        return entry if value in made or (docs / value).is_file() else None
    inner = [one for one in (_there(one, docs, made) for one in value) if one]
    return {title: inner} if inner else None


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401
    """Add the generated pages."""
    root = Path(config.config_file_path).parent
    for name, source in ROOT_PAGES.items():
        text = (root / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=_rooted(text)))
    made = [*((name, make()) for name, make in reference.PAGES.items()), *notebooks.pages(Path(config.docs_dir))]
    for name, content in made:
        files.append(File.generated(config, name, content=content))
    return files


def _rooted(text: str) -> str:
    """Return a text of the root whose links to other files of the root are names alone."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#|[\w/-]+\.md|pictures)([^)]+)\)", r"\1", text)


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ANN401
    """Turn links out of docs/ into links to pages or names; put diagrams in; indent inner lists as mkdocs needs it."""
    up = "../" * page.file.src_uri.count("/")

    def link(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if target in OF_ROOT:
            return f"[{text}]({up}{OF_ROOT[target]}{anchor if target != 'README.md' else ''})"
        place = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), _way(found)))
        if place.startswith(".."):
            return text
        there = files.get_file_from_path(place) or (Path(config.docs_dir) / place).exists()
        return found[0] if there else text

    markdown = notebooks.linked(LINK.sub(link, markdown))
    markdown = re.sub(r"^  \* ", "    * ", markdown, flags=re.MULTILINE)
    return diagrams.drawn(markdown, Path(config.docs_dir), up)


NAMED_PAGE = re.compile(r"(?<![\w/])docs/([\w/-]+\.md)(#[\w-]+)?")
KEPT = re.compile(r"(<pre.*?</pre>|<a .*?</a>|<[^>]*>)", re.DOTALL)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:  # noqa: ANN401
    """Make links of the pages that the reference names as texts, since docstrings have no links."""
    if not page.file.src_uri.startswith("reference/"):
        return html

    def link(found: re.Match[str]) -> str:
        target = files.get_file_from_path(found[1])
        return f'<a href="{target.url_relative_to(page.file)}{found[2] or ""}">{found[0]}</a>' if target else found[0]

    parts = KEPT.split(html)
    return "".join(part if place % 2 else NAMED_PAGE.sub(link, part) for place, part in enumerate(parts))


def _way(found: re.Match[str]) -> str:
    return found[0].rpartition("](")[2].rstrip(")").partition("#")[0]
