"""The files of the reader's page load nothing from elsewhere, hold no inline script, and never make HTML of a text."""

import re
from pathlib import Path

import pytest
from tests.web.test_page import Tags

from attnmel import web

PAGE = Path(web.__file__).parent / "study" / "page"


@pytest.fixture
def tags() -> Tags:
    found = Tags()
    found.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    return found


def test_nothing_is_loaded_from_elsewhere_and_no_script_or_style_is_inline(tags: Tags) -> None:
    for path in PAGE.iterdir():
        assert not re.search(r"https?:|//\w+\.\w+|@import|url\(", path.read_text(encoding="utf-8")), path.name
    for tag, attributes in tags.found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag


def test_no_text_becomes_html() -> None:
    for path in PAGE.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), (
            path.name
        )


def test_research_use_only_is_always_in_sight(tags: Tags) -> None:
    assert "Research use only." in tags.text


def test_every_control_has_a_name(tags: Tags) -> None:
    labelled = {value for tag, attributes in tags.found if tag == "label" and (value := attributes.get("for"))}
    fields = [one for tag, one in tags.found if tag in ("input", "textarea", "select")]
    assert {str(one["id"]) for one in fields} - {"map"} <= labelled
