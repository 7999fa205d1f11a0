"""The written pages in an installed Chromium, light and dark, desk and phone: axe-core finds no violation."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.chromium import chromium, needs_chromium
from tests.cli.conftest import Attnmel
from tests.conftest import Phantoms
from tests.strangers.readings.make_readers import write_sequential

from attnmel.files.folders import RunFolder

LOOKS = [(size, scheme) for size in ((1000, 760), (390, 844)) for scheme in ("light", "dark")]

pytestmark = needs_chromium


def problems(page: Path) -> list[Any]:
    """Return the violations of a page in each look, and the looks in which it is wider than the screen."""
    axe, found = pytest.importorskip("axe_playwright_python.sync_playwright").Axe(), []
    with chromium() as browser:
        for (width, height), scheme in LOOKS:
            opened = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            opened.goto(page.as_uri())
            for one in axe.run(opened).response["violations"]:
                found.append((width, scheme, one["id"], [node["target"] for node in one["nodes"]][:3]))
            if not opened.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                found.append((width, scheme, "wider than the screen"))
            opened.close()
    return found


@pytest.mark.parametrize("runs", [1, 2])
def test_the_report_of_runs(
    attnmel: Attnmel, trained: RunFolder, phantoms: Phantoms, tmp_path: Path, runs: int
) -> None:
    copies = [shutil.copytree(trained.path, tmp_path / f"run-{number}") for number in range(runs)]
    for copy in map(RunFolder, copies[1:]):
        copy.recipe.write_text(copy.recipe.read_text().replace("seed = 0", "seed = 1"))
    ran = attnmel("report", *copies, "--home", phantoms.home, "--out", tmp_path / "report.html")
    assert (ran.code, ran.err) == (0, "")
    assert problems(tmp_path / "report.html") == []


def test_the_report_of_a_study(attnmel: Attnmel, tmp_path: Path) -> None:
    readings = write_sequential(tmp_path / "readings.csv", cases=40)
    assert attnmel("study", "analyse", readings, "--out", tmp_path / "results").code == 0
    assert problems(tmp_path / "results" / "report.html") == []
