"""The page in an installed Chromium: tables on a phone and on paper, no empty pages; axe-core finds no violation."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.chromium import needs_chromium
from tests.report.html.test_page import named, report_page, whole_run

from attnmel.report.html.page import write_report
from attnmel.report.html.sections import Section, Table

pytestmark = needs_chromium

INTERVAL = "0.917\n0.819\N{EN DASH}0.964"
OPERATING = Table(
    "What each threshold reaches",
    ("Aim", "Threshold", "Found", "False alarms", "Sensitivity", "Specificity", "PPV", "NPV", "Specificity, own curve"),
    (("0.82", "0.69012345", "47 of 60", "16 of 140", *[f"{INTERVAL}\nredrawn 0.767\N{EN DASH}1.000"] * 4, INTERVAL),),
)
CHANGES = Table(
    "Changes from 'alone' to 'with machine'",
    ("change", "answers", "share, mean of readers"),
    (("wrong answers that became right, where the machine is right", "22 of 36", INTERVAL),),
)
CALIBRATION = Table(
    "Calibration",
    ("Measure", "uncalibrated", "at temperature 0.48", "change"),
    (("+ uncertainty of the images", *["\N{MINUS SIGN}1.251\n\N{MINUS SIGN}1.722 to \N{MINUS SIGN}0.862"] * 3),),
)
METHODS = Table(
    "Differences",
    ("measure", "first", "second", "difference", "p"),
    (("AUC", "0.900", "0.910", "+0.010", "0.300"), ("", "", "", "", "0.310")),
)
OVERFLOWING = """() => [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => `${one.getAttribute("aria-label")}: ${one.scrollWidth} of ${one.clientWidth}`)"""


def opened(browser: Any, path: Path, **options: Any) -> Any:  # noqa: ANN401
    page = browser.new_context(**options).new_page()
    page.goto(path.as_uri())
    return page


def test_no_column_is_out_of_sight_on_a_phone_or_cut_off_on_paper(browser: Any, tmp_path: Path) -> None:  # noqa: ANN401
    path = tmp_path / "report.html"
    section = Section(name="tables", title="Tables", tables=(OPERATING, CHANGES, CALIBRATION, METHODS))
    write_report(path, (), leading=(section,), title="Tables")
    phone = opened(browser, path, viewport={"width": 360, "height": 740}, is_mobile=True)
    assert phone.evaluate(OVERFLOWING) == []
    other = phone.locator(".wide-table tr >> nth=-1").locator("td").first
    assert other.is_visible()
    assert other.evaluate("one => getComputedStyle(one, '::before').content") == '"by another method"'
    paper = opened(browser, path, viewport={"width": 718, "height": 1010})  # A4 between usual margins
    paper.emulate_media(media="print")
    assert paper.evaluate(OVERFLOWING) == []


def test_sections_on_paper_follow_each_other_without_empty_pages(browser: Any, tmp_path: Path) -> None:  # noqa: ANN401
    path = tmp_path / "report.html"
    tables = tuple(Table(f"Table {number}", CHANGES.heads, CHANGES.rows * 5) for number in range(2))
    sections = [Section(name=f"part-{number}", title=f"Part {number}", tables=tables) for number in range(6)]
    write_report(path, (), leading=sections, title="Sections of more than half a page")
    page = opened(browser, path, viewport={"width": 718, "height": 1046})  # A4 less a centimetre each side
    page.emulate_media(media="print")
    full = page.evaluate("document.documentElement.scrollHeight") / 1046
    margins = dict.fromkeys(("top", "right", "bottom", "left"), "1cm")
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", margin=margins)))
    assert len(sections) / 2 < full <= pages < len(sections)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Any, tmp_path: Path, scheme: str) -> None:  # noqa: ANN401
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    path = tmp_path / "report.html"
    path.write_text(report_page([whole_run(), named(whole_run(), "second")]), encoding="utf-8")
    found = axe.run(opened(browser, path, color_scheme=scheme)).response["violations"]
    assert [f"{one['id']}: {[node['html'] for node in one['nodes']][:3]}" for one in found] == []
