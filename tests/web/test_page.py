"""The files of the page load nothing from elsewhere, hold no inline script, and never make HTML of a text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from attnmel import NOTICE, web

PAGE = Path(web.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))


class Tags(HTMLParser):
    """Collects every tag with its attributes, and the text of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


@pytest.fixture
def tags() -> Tags:
    found = Tags()
    found.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    return found


def test_every_file_that_the_page_names_is_served_with_its_type(client: TestClient, tags: Tags) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = {value for _, attributes in tags.found for name in ("src", "href") if (value := attributes.get(name))}
    named |= {f"page/{name}" for path in SCRIPTS for name in re.findall(r'from "\./(\w+\.js)"', path.read_text())}
    assert named == {f"page/{path.name}" for path in PAGE.iterdir() if path.name != "index.html"}
    kinds = {f"/{name}": client.get(f"/{name}").headers["content-type"].partition(";")[0] for name in named}
    assert kinds["/page/main.js"] == "text/javascript"
    assert kinds["/page/style.css"] == "text/css"
    assert kinds["/page/icon.svg"] == "image/svg+xml"


@pytest.mark.parametrize("folder", ["page", "study/page"])
def test_every_address_is_relative_so_that_a_proxy_may_serve_the_page_below_a_path(folder: str) -> None:
    for path in (PAGE.parent / folder).iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"""["'`]/(?:(?:page|api)/[^"'`]*)?["'`]""", text), path.name


def test_nothing_is_loaded_from_elsewhere_and_no_script_or_style_is_inline(tags: Tags) -> None:
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//\w+\.\w+|@import|url\(", text), path.name
    for tag, attributes in tags.found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag


def test_no_script_parses_html_or_code() -> None:
    unsafe = r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|DOMParser"
    for path in SCRIPTS:
        assert not re.search(unsafe, path.read_text(encoding="utf-8")), path.name


def test_the_page_says_that_it_does_not_check_what_an_image_shows(tags: Tags) -> None:
    assert (
        "The page does not check whether an image shows a skin lesion: a picture of anything gets a probability, which "
        "then means nothing."
    ) in " ".join(tags.text.split())


def test_the_notice_is_at_the_top(tags: Tags) -> None:
    assert NOTICE in " ".join(tags.text.split())
