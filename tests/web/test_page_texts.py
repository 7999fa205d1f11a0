"""The sentences and numbers of the page, by Node.js."""

import codecs
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from attnmel import web
from attnmel.files.table_files import csv_row, read_table

PAGE = Path(web.__file__).parent / "page"
TEXTS = PAGE / "text.js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What the functions of the page return, by a name for each."""
    script = f"""
      const {{ achieved, chosenHow, counted, decision, failure, mean, percent, percentOf, pointName, remarks }} =
        await import({json.dumps(TEXTS.as_uri())});
      const row = {{ warnings: ["strip"], notes: ["alpha channel laid on white"] }};
      const broken = {{ rows: {{ one: {{ error: "a.png is empty" }}, two: {{ error: "a.png is empty" }} }} }};
      const rates = {{ sensitivity: [100 / 117, 0.78, 0.91], specificity: [324 / 483, 0.63, 0.71] }};
      const test = {{ split: "test", images: 600, positives: 117, ...rates }};
      const point = {{ name: "p", task: "melanoma", threshold: 0.1093, target: 0.89, achieved: [test] }};
      const own = {{ ...point, name: "o", target: null, threshold: 0.3 }};
      const none = {{ sensitivity: [null, null, null], specificity: [0.9, null, null] }};
      const benign = {{ ...test, images: 40, positives: 0, ...none }};
      const bare = {{ ...point, name: "b", task: "basal_cell_carcinoma", achieved: [benign] }};
      const model = {{ thresholds: [point, own, bare] }};
      console.log(JSON.stringify({{
        share: percent(0.976), close: percentOf(0.1062), bare: achieved(model, "b")[0], spaced: pointName(bare),
        sides: [0.10932, 0.10925, 0.1093, 0.1062, 0.3001].map((one) => percentOf(one, [point, own])),
        ends: [0, 0.0004, 0.0006, 0.9993, 0.9996].map((one) => percentOf(one)), both: counted(4, 2), all: counted(1, 0),
        remarks: remarks({{ rows: {{ one: row, two: row }} }}, [{{ model: "one" }}, {{ model: "two" }}]),
        names: [0.95, 0.89, 0.82, 0.5].map((target) => pointName({{ ...point, target }})), own: pointName(own),
        chosen: chosenHow(point, "images of A"), achieved: achieved(model, "p")[0],
        above: decision(model, {{ decisions: {{ p: 1 }} }}, "p").text,
        below: decision(model, {{ decisions: {{ p: 0 }} }}, "p").text,
        mean: mean("probabilities are means over 8 transforms of each image (dihedral)"),
        broken: failure(broken), partly: failure({{ rows: {{ ...broken.rows, two: row }} }}),
      }}));
    """
    ran = subprocess.run([str(NODE), "--input-type=module", "-e", script], capture_output=True, check=True)
    return json.loads(ran.stdout)


def test_a_probability_has_a_digit_that_tells_it_from_a_threshold_of_0_1093(texts: dict[str, str]) -> None:
    assert texts["close"] == "10.6 %"
    assert texts["share"] == "98 %"


def test_a_rounded_probability_is_on_the_side_of_each_threshold_that_is_told_and_never_0_or_100(
    texts: dict[str, str],
) -> None:
    assert texts["sides"] == ["10.932 %", "10.9 %", "10.9 %", "10.6 %", "30.01 %"], "10.93 and 30 are the thresholds"
    assert texts["ends"] == ["under 0.1 %", "under 0.1 %", "0.1 %", "99.9 %", "over 99.9 %"]


def test_of_a_mean_over_transforms_the_maps_are_said_to_be_of_one(texts: dict[str, str]) -> None:
    assert texts["mean"] == (
        "Note: probabilities are means over the eight turns and flips of each image; maps are of the image as it is."
    )


def test_a_probability_is_said_not_to_hold_where_the_test_images_show_it() -> None:
    script = f"""
      const {{ meaning }} = await import({json.dumps(TEXTS.as_uri())});
      const model = {{ temperature: 1, thresholds: [], on_test_images: "on the test images they are too low" }};
      console.log(JSON.stringify(meaning(model, 0.25, "melanoma")));
    """
    assert ran(script) == (
        "Calibrated: of 100 images with this probability, about 25 are melanoma, among images like those of the "
        "calibration. But on the test images they are too low."
    )


def test_images_without_one_of_the_class_have_no_sensitivity(texts: dict[str, str]) -> None:
    assert texts["bare"] == (
        "Of the 40 test images it found 0 of 0 images of basal cell carcinoma, and took 4 of 40 others for basal cell "
        "carcinoma: sensitivity not known, specificity 0.900, with 95 % intervals."
    )
    assert texts["spaced"] == "High sensitivity: to find 89 of 100 images of basal cell carcinoma"


def test_an_operating_point_has_a_name_and_a_meaning(texts: dict[str, str]) -> None:
    assert texts["names"] == [
        "Very high sensitivity: to find 95 of 100 images of melanoma",
        "High sensitivity: to find 89 of 100 images of melanoma",
        "Medium sensitivity: to find 82 of 100 images of melanoma",
        "Low sensitivity: to find 50 of 100 images of melanoma",
    ]
    assert texts["own"] == "Threshold 30 % of melanoma"
    assert texts["chosen"] == (
        "Chosen so that 89 of 100 images of melanoma were found, on images of A. A higher sensitivity finds more of "
        "them, with more false alarms."
    )
    assert texts["achieved"] == (
        "Of the 600 test images it found 100 of 117 images of melanoma, and took 159 of 483 others for melanoma: "
        "sensitivity 0.855 (0.780 to 0.910), specificity 0.671 (0.630 to 0.710), with 95 % intervals."
    )
    assert texts["above"] == "High sensitivity: the probability of melanoma is above the threshold of 10.93 %."
    assert texts["below"] == "High sensitivity: the probability of melanoma is not above the threshold of 10.93 %."


def test_images_that_could_not_be_read_are_not_counted_as_predicted(texts: dict[str, str]) -> None:
    assert texts["both"] == "4 images predicted, 2 could not be read"
    assert texts["all"] == "1 image predicted"
    assert texts["broken"] == "a.png is empty"
    assert texts["partly"] == "", "a model has answered"


def test_the_table_shows_how_a_file_was_read_once_for_all_models(texts: dict[str, str]) -> None:
    assert texts["remarks"] == "strip; alpha channel laid on white"


def ran(script: str) -> Any:  # noqa: ANN401
    """Return what a script prints as JSON."""
    done = subprocess.run([str(NODE), "--input-type=module", "-e", script], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_the_table_that_is_saved_is_read_by_excel_and_by_ours_as_that_of_the_command(tmp_path: Path) -> None:
    given = ["Rücken.jpg", "=1.jpg", "'=2.jpg", "''+3.jpg", "'a.jpg"]
    script = f"""
      const {{ csv }} = await import({json.dumps((PAGE / "table.js").as_uri())});
      const model = {{ model: "net", classes: ["rest"], thresholds: [] }};
      const rows = {{ net: {{ probabilities: {{ rest: 0.5 }} }} }};
      const table = (names) => csv(names.map((name) => ({{ name, rows }})), [model], {{ target: () => "rest" }});
      console.log(JSON.stringify([table({json.dumps(given)}), table(["a.jpg"])]));
    """
    marked, plain = ran(script)
    assert plain.startswith("image,model,")
    path = tmp_path / "saved.csv"
    path.write_bytes(marked.encode())
    assert path.read_bytes().startswith(codecs.BOM_UTF8), "without it Excel misreads such letters"
    assert [row["image"] for row in read_table(path)] == given
    assert marked.splitlines()[1:] == [
        line.rstrip("\n") for line in (csv_row([name, "net", 0.5, *[""] * 6]) for name in given)
    ]


def test_a_reader_in_another_time_zone_is_told_when_the_last_day_ends() -> None:
    lines = Path(web.__file__).parent / "study" / "page" / "welcome.js"
    script = f"""
      const {{ welcomeLines }} = await import({json.dumps(lines.as_uri())});
      const study = {{ images: 2, disease: "melanoma", practice: 0, support: null, minutes: 1, steps: 2, sessions: 1 }};
      console.log(JSON.stringify(welcomeLines({{ ...study, ends: "2030-01-02" }})));
    """
    assert "The last day is 2030-01-02, until midnight UTC." in ran(script)


def test_an_answer_that_is_a_bare_text_is_explained() -> None:
    script = f"""
      globalThis.fetch = async () => new Response("Service Unavailable", {{ status: 503 }});
      const {{ info }} = await import({json.dumps((PAGE / "api.js").as_uri())});
      console.log(JSON.stringify(await info().catch((error) => error.message)));
    """
    assert ran(script) == "the server answered 503; try again in a moment"


def test_a_folder_is_not_taken_for_a_server_that_does_not_answer() -> None:
    script = f"""
      globalThis.fetch = async () => {{ throw new TypeError("Failed to fetch"); }};
      const {{ predict }} = await import({json.dumps((PAGE / "api.js").as_uri())});
      const content = {{ arrayBuffer: () => Promise.reject(new Error("NotFound")) }};
      const folder = {{ name: "clinic", slice: () => content }};
      const said = (file) => predict(file).catch((error) => error.message);
      console.log(JSON.stringify([await said(folder), await said(new File(["x"], "a.jpg"))]));
    """
    assert ran(script) == [
        "the browser cannot read it: a folder, or a file that was changed or removed since; choose the image files",
        "the server does not answer; is attnmel serve still running?",
    ]


def test_a_reader_is_never_told_0_or_100_percent_and_reads_names_without_underscores() -> None:
    words = Path(web.__file__).parent / "study" / "page" / "words.js"
    script = f"""
      const {{ percentOf, spaced }} = await import({json.dumps(words.as_uri())});
      console.log(JSON.stringify([[0, 0.004, 0.01, 0.36, 0.99, 1].map(percentOf), spaced("basal_cell_carcinoma")]));
    """
    shown, name = ran(script)
    assert shown == ["under 1 %", "under 1 %", "1 %", "36 %", "99 %", "over 99 %"]
    assert name == "basal cell carcinoma"


def test_the_sheet_of_a_case_says_what_is_laid_over_the_image_of_each_model() -> None:
    script = f"""
      const {{ layersShown }} = await import({json.dumps((PAGE / "sheet.js").as_uri())});
      const pictures = {{ mask: "data:", maps: {{ net: {{ pool4: {{}} }}, plain: {{}} }} }};
      const shown = (model, mask, layer) => layersShown({{ model }}, {{ layer, opacity: 50, mask }}, pictures);
      console.log(JSON.stringify([
        shown("net", true, "pool4"), shown("net", false, "none"),
        shown("plain", true, "pool4"), shown("plain", false, "pool4"),
      ]));
    """
    assert ran(script) == [
        "the attention map pool4 at 50 % and the border of the predicted lesion mask",
        "no map",
        "no map and the border of the predicted lesion mask",
        "no map",
    ]
