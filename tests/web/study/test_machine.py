"""A study decides a machine where `attnmel serve` does, for each kind of machine; older studies as they did."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.pipeline.study.small_study import open_study, small_study
from tests.web.conftest import form
from tests.web.study.test_app import Desk

from attnmel.errors import ConfigError
from attnmel.evaluation.readers.inference.estimates import NO_VARIANCE
from attnmel.evaluation.readers.study_results import StudyOptions
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import nan_to_null
from attnmel.models.weights.operating_points import Threshold, usual_threshold
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.study.analysis.analyse import analyse_study, write_study
from attnmel.pipeline.study.export_study import export_study
from attnmel.pipeline.study.machine_thresholds import parsed_thresholds
from attnmel.pipeline.study.machines import machine_output
from attnmel.pretrained.examples import FOLDER
from attnmel.progress import SILENT
from attnmel.records import Lesion

MELANOMA = {"melanoma": True}
OLD = Path(__file__).parents[2] / "old_files" / "study.zip"


def images() -> list[Path]:
    return sorted(FOLDER.glob("*.jpg"))[:3]


def lesions() -> list[Lesion]:
    return [
        Lesion(image_id=path.stem, image=path, diagnosis="melanoma", split=None)
        for path in sorted(FOLDER.glob("*.jpg"))[:3]
    ]


def test_the_page_and_a_study_decide_each_image_alike(client: TestClient, examples: dict[str, bytes]) -> None:
    served = client.get("/api/info").json()["models"][0]
    answer = client.post("/api/predict", files=form(*examples.items())).json()["models"][0]
    point = next(one for one in served["thresholds"] if one["name"] == served["usual_point"])
    machine = machine_output("pretrained", lesions(), MELANOMA)
    assert (machine.threshold.value, point["target"]) == (point["threshold"], 0.89)
    assert machine.threshold.source == "the model's operating point for melanoma, target sensitivity 0.89"
    decided = {name: value > machine.threshold.value for name, value in machine.probabilities.items()}
    assert decided == {Path(one["image"]).stem: bool(one["decisions"][point["name"]]) for one in answer["images"]}


def test_an_onnx_file_and_a_run_have_the_operating_point_of_their_card(exported: Path, calibrated: RunFolder) -> None:
    machine = machine_output(f"net={exported}", lesions(), MELANOMA)
    assert (machine.threshold.value, machine.threshold.source) == (
        0.25,
        "the model's operating point for melanoma, target sensitivity 0.9",
    )
    assert machine_output(f"net={exported}", lesions(), MELANOMA, chosen={"net": 0.4}).threshold.value == 0.4
    run, predicted = (
        machine_output(str(calibrated.path), lesions(), MELANOMA),
        predict_images(calibrated.path, images()),
    )
    decisions = [predicted.table.plain_result(one)["decisions"] for one in predicted]
    name = "melanoma_sensitivity_0.89"
    assert run.threshold.source == "the model's operating point for melanoma, target sensitivity 0.89"
    own = [int(value > run.threshold.value) for value in run.probabilities.values()]
    assert own == [one[name] for one in decisions]  # pyright: ignore[reportIndexIssue]


def test_the_operating_point_where_none_is_named_is_that_of_sensitivity_89_else_the_first() -> None:
    at = Threshold(task="nevus", threshold=0.2, target=0.89)
    assert usual_threshold([at], "melanoma") is None
    others = [Threshold(task="melanoma", threshold=value, target=value) for value in (0.82, 0.95)]
    assert usual_threshold([at, *others], "melanoma") == others[0]
    best = Threshold(task="melanoma", threshold=0.1, target=0.89)
    assert usual_threshold([at, *others, best], "melanoma") == best


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, (0.5, "the default for a table of predictions")),
        (0.3, (0.3, "chosen for this study (machine threshold)")),
        ({"net": 0.1}, (0.1, "chosen for this study (machine threshold)")),
    ],
)
def test_the_threshold_of_a_table_is_frozen_in_the_study(
    tmp_path: Path, chosen: float | dict[str, float] | None, expected: tuple[float, str]
) -> None:
    path, _, _ = small_study(tmp_path, wrong=True, machine_threshold=chosen)
    plain = json.loads((path / "study.json").read_text())["study"]["machines"]
    assert [(one["threshold"], one["threshold_source"]) for one in plain] == [expected, (expected[0], "that of net")]
    plain = json.loads((path / "study.json").read_text())
    plain["study"]["machines"][0]["threshold"] = 0.9
    (path / "study.json").write_text(json.dumps(plain))
    with pytest.raises(ConfigError, match=r"study\.json was changed after it was frozen"), open_study(path):
        pass


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (1.0, "a threshold of 1 for the machine net; expected a probability from 0 to below 1"),
        ({"nte": 0.2}, "unknown machine 'nte'; known: net"),
    ],
)
def test_a_threshold_that_fits_no_machine_is_refused(
    tmp_path: Path, chosen: float | dict[str, float], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        small_study(tmp_path, machine_threshold=chosen)
    assert str(caught.value) == sentence
    assert not (tmp_path / "study").exists()


def test_thresholds_on_the_command_line() -> None:
    assert parsed_thresholds([]) is None
    assert parsed_thresholds(["0.2"]) == 0.2
    assert parsed_thresholds(["a=0.2", "b=c=0.3"]) == {"a": 0.2, "b=c": 0.3}
    for texts in (["0.2", "0.3"], ["0.2", "a=0.3"], ["a=0.3", "0.2"], ["a=1", "a=2"]):
        with pytest.raises(ConfigError, match="expected one for all machines, or one for each by name"):
            parsed_thresholds(texts)
    with pytest.raises(ConfigError, match="--machine-threshold a=low; expected a number, or NAME=NUMBER"):
        parsed_thresholds(["a=low"])


def test_the_analysis_decides_where_the_study_does_and_says_so(tmp_path: Path) -> None:
    """Machine `net` gives healthy cases 0.2: at 0.1 it calls all of them diseased, at 0.5 none."""
    desk = Desk(tmp_path, machine_threshold=0.1, training=0)
    for reader in desk.tokens:
        desk.read(18 if desk.state(reader)["steps"] == 18 else desk.state(reader)["steps"], reader)
    readings = export_study(desk.opened, tmp_path / "out").readings
    desk.close()
    assert readings is not None
    found = analyse_study(readings, StudyOptions())
    machine = found.analysis.machines[0]
    assert (machine.shares["sensitivity"].value, machine.shares["specificity"].value) == (1, 0)
    sentence = "net: its answer is positive above 10, chosen for this study (machine threshold)"
    assert sentence in found.as_dict()["notes"]  # pyright: ignore[reportOperatorIssue]
    flows = found.analysis.changes["with net"].flows
    assert sum(count for (right, *_), count in flows.items() if not right) == 3 * 4, "it is wrong on the healthy"
    write_study(found, tmp_path / "results", SILENT)
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "positive above 10, chosen for this study (machine threshold)" in page
    assert "net, above 10<" in page
    again = analyse_study(tmp_path / "results" / "readings.csv", StudyOptions()).analysis
    assert again.machines == found.analysis.machines, "the written readings keep the threshold"
    assert (again.threshold, again.shares.keys()) == (50, found.analysis.shares.keys())
    other = analyse_study(readings, StudyOptions(machine_threshold=50.0)).analysis.machines[0]
    assert other.shares["specificity"].value == 1, "an option comes first"
    imrmc = readings.with_suffix(".imrmc")
    alone = analyse_study(imrmc, StudyOptions(machine_threshold={"net": 10})).analysis
    assert alone.machines[0].shares == machine.shares
    assert alone.threshold is None


def same(found: Any, expected: Any) -> bool:  # noqa: ANN401 - values of JSON
    """Whether values of JSON are equal; numbers to nine digits, since versions of SciPy differ in the last ones."""
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[key], one) for key, one in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return found == expected


def as_now(plain: Any) -> Any:  # noqa: ANN401 - values of JSON
    """Return what an earlier version wrote, but for differences without variance, which had p = 1 from 0 to 0."""
    if isinstance(plain, list):
        return [as_now(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    if (plain.get("error"), plain.get("p")) == (0, 1):
        return plain | dict.fromkeys(("error", "low", "high", "p")) | {"note": NO_VARIANCE}
    return {name: as_now(one) for name, one in plain.items()}


def test_a_study_of_an_earlier_version_is_as_it_was_and_says_which_threshold(tmp_path: Path) -> None:
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(tmp_path)
    expected = json.loads((tmp_path / "analysis.json").read_text())
    with open_study(tmp_path / "study") as opened:
        assert [one.threshold for one in opened.study.machines] == [None, None]
        readings = export_study(opened, tmp_path / "again").readings
    assert readings is not None
    for file in (tmp_path / "export" / "readings.csv", readings):
        found = json.loads(json.dumps(nan_to_null(analyse_study(file, StudyOptions()).as_dict())))
        assert found["threshold"] == 50
        for part in ("modalities", "differences", "changes", "machine_against_readers"):
            assert same(found[part], as_now(expected[part])), part
        for name, one in expected["machines"].items():
            assert same(found["machines"][name]["decisions"], one["decisions"])
        note = "net: its answer is positive above 50, that of the readers, since no operating point of it is known"
        assert [one for one in found["notes"] if one.startswith(note)]
