"""The sentences and numbers of the page, by Node.js."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from attnmel import web

TEXTS = Path(web.__file__).parent / "page" / "text.js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What the functions of the page return, by a name for each."""
    script = f"""
      const {{ counted, failure, percent, percentOf, remarks }} = await import({json.dumps(TEXTS.as_uri())});
      const row = {{ warnings: ["strip"], notes: ["alpha channel laid on white"] }};
      const broken = {{ rows: {{ one: {{ error: "a.png is empty" }}, two: {{ error: "a.png is empty" }} }} }};
      console.log(JSON.stringify({{
        share: percent(0.976), close: percentOf(0.1062), both: counted(4, 2), all: counted(1, 0),
        remarks: remarks({{ rows: {{ one: row, two: row }} }}, [{{ model: "one" }}, {{ model: "two" }}]),
        broken: failure(broken), partly: failure({{ rows: {{ ...broken.rows, two: row }} }}),
      }}));
    """
    ran = subprocess.run([str(NODE), "--input-type=module", "-e", script], capture_output=True, check=True)
    return json.loads(ran.stdout)


def test_a_probability_has_a_digit_that_tells_it_from_a_threshold_of_0_1093(texts: dict[str, str]) -> None:
    assert texts["close"] == "10.6 %"
    assert texts["share"] == "98 %"


def test_images_that_could_not_be_read_are_not_counted_as_predicted(texts: dict[str, str]) -> None:
    assert texts["both"] == "4 images predicted, 2 could not be read"
    assert texts["all"] == "1 image predicted"
    assert texts["broken"] == "a.png is empty"
    assert texts["partly"] == "", "a model has answered"


def test_the_table_shows_how_a_file_was_read_once_for_all_models(texts: dict[str, str]) -> None:
    assert texts["remarks"] == "strip; alpha channel laid on white"
