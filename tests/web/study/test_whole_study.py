"""A whole study of synthetic readers over HTTP: its analysis finds the skill that was put in."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pipeline.study.small_study import write_folder
from tests.web.study.test_app import Desk, answer

from attnmel.errors import ConfigError
from attnmel.evaluation.readers.study_results import StudyOptions
from attnmel.pipeline.study.analysis.analyse import analyse_study
from attnmel.pipeline.study.export_study import export_study
from attnmel.pipeline.study.reader_progress import study_status
from attnmel.pipeline.study.reading_order import reading_order
from attnmel.pipeline.study.study_file import ALONE

NAMES = ("ana", "ben", "eve")


def suspicion(desk: Desk, reader: str, state: dict[str, Any], noise: np.random.Generator) -> int:
    """Return what a reader of known skill answers: one who is right by two of four, and follows the machine halfway."""
    item = reading_order(desk.study, reader)[state["position"] - 1]
    if state["stage"] == ALONE:
        return int(np.clip(35 + 25 * item.case.diseased + noise.normal(0, 18), 0, 100))
    return round((state["before"]["suspicion"] + 100 * state["support"]["probability"]) / 2)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Path, dict[tuple[str, str, str, int], int]]:
    """Let three readers read 20 cases, one of them only half; return what each answered."""
    place = tmp_path_factory.mktemp("whole")
    desk = Desk(place, cases=22, count=10, wrong=True, repeats=2, training=1, readers=(*NAMES, "lazy"))
    noise, given = np.random.default_rng(7), {}
    for reader in (*NAMES, "lazy"):
        order = reading_order(desk.study, reader)
        state = desk.state(reader)
        while state["state"] == "reading" and not (reader == "lazy" and state["position"] > 5):
            value = suspicion(desk, reader, state, noise)
            item = order[state["position"] - 1]
            name = ALONE if state["stage"] == ALONE else f"with {item.machine}"
            if not item.case.training:
                given[reader, item.case.case, name, int(item.repeat)] = value
            state = desk.post(answer(state, suspicion=value), reader).json()
    out = place / "export"
    exported = export_study(desk.opened, out)
    assert exported.notes == ("1 reader without 95 % of the answers left out: lazy",)
    assert exported.readings == out / "readings.csv"
    desk.close()
    return desk, out, given


def test_the_export_holds_each_answer_as_it_was_given(read: Any) -> None:  # noqa: ANN401
    desk, out, given = read
    data = analyse_study(out / "readings.csv", StudyOptions()).data
    readings = data.readings
    assert readings.modalities == ("alone", "net", "with net", "with wrong machine", "wrong machine")
    assert set(readings.readers) == {*NAMES, "net", "wrong machine"}
    truth = {one.case: one.diseased for one in desk.study.cases}
    assert [truth[case] for case in readings.cases] == readings.diseased.tolist()
    assert data.second is not None
    found = {}
    for repeat, scores in enumerate((readings.scores, data.second)):
        for place, name in enumerate(readings.modalities):
            for own, reader in enumerate(readings.readers):
                for number in np.flatnonzero(~np.isnan(scores[place, own])):
                    found[reader, readings.cases[number], name, repeat] = scores[place, own, number]
    people = {key: value for key, value in found.items() if key[0] in NAMES}
    assert people == {key: value for key, value in given.items() if key[0] != "lazy"}
    assert len(found) - len(people) == 2 * 20
    assert data.threshold == 50


def test_the_analysis_finds_what_was_put_in(read: Any) -> None:  # noqa: ANN401
    desk, out, given = read
    found = analyse_study(out / "readings.csv", StudyOptions()).analysis
    assert {one.name: one.auc.value for one in found.machines} == {"net": 1.0, "wrong machine": 0.0}
    means = {one.name: np.mean([own.value for own in one.readers.values()]) for one in found.modalities}
    truth = {one.case: one.diseased for one in desk.study.cases}
    for one in found.modalities:
        for reader, interval in one.readers.items():
            own = {key[1]: score for key, score in given.items() if (key[0], key[2], key[3]) == (reader, one.name, 0)}
            sick, well = ([score for case, score in own.items() if truth[case] == kind] for kind in (True, False))
            pairs = [(x > y) + (x == y) / 2 for x in sick for y in well]
            assert interval.value == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    # Normal scores 25 apart with a deviation of 18: Phi(25 / (18 sqrt 2)) = 0.837.
    assert means["alone"] == pytest.approx(0.837, abs=0.12)
    assert means["with net"] > means["alone"]
    assert means["with wrong machine"] < means["alone"] - 0.1
    toward = found.changes["with wrong machine"].toward_wrong.mean
    assert toward is not None
    assert toward.value > 0.2, "automation bias"
    assert found.within


def test_all_answers_are_exported_and_nothing_else_is_called_complete(read: Any) -> None:  # noqa: ANN401
    _, out, given = read
    rows = (out / "answers.csv").read_text().splitlines()
    practice = sum(row.split(",")[-2] == "1" for row in rows[1:])
    assert len(rows) - 1 == len(given) + practice
    assert practice == 4
    assert not [row for row in (out / "readings.csv").read_text().splitlines() if row.split(",")[1] == "lazy"]


def test_the_imrmc_file_says_the_same(read: Any) -> None:  # noqa: ANN401
    _, out, _ = read
    table = analyse_study(out / "readings.csv", StudyOptions()).data.readings
    other = analyse_study(out / "readings.imrmc", StudyOptions()).data.readings
    assert (table.modalities, table.readers) == (other.modalities, other.readers)
    order = [other.cases.index(case) for case in table.cases]
    np.testing.assert_array_equal(table.scores, other.scores[:, :, order])


def test_a_second_export_replaces_the_first_but_no_file_of_somebody_else(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    out = tmp_path / "out"
    assert export_study(desk.opened, out).readings is None
    desk.read(18)
    assert export_study(desk.opened, out).readings == out / "readings.csv"
    (out / "truth.csv").write_text("my own truth\n")
    with pytest.raises(ConfigError, match=r"truth\.csv was not written by attnmel"):
        export_study(desk.opened, out)
    assert (out / "truth.csv").read_text() == "my own truth\n"
    desk.close()


@pytest.mark.parametrize("name", ["readings.csv", "readings.imrmc"])
def test_an_export_replaces_no_readings_of_another_program(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path)
    desk.read(18)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("reader,case,score,truth\nann,c1,3,1\n")
    with pytest.raises(ConfigError, match=f"{name} was not written by attnmel"):
        export_study(desk.opened, tmp_path / "out")
    assert [one.name for one in (tmp_path / "out").iterdir()] == [name]
    desk.close()


def test_a_case_whose_name_has_a_comma_is_exported_without_the_imrmc_file(tmp_path: Path) -> None:
    images = write_folder(tmp_path / "own", cases=4)
    for path in images.glob("*.png"):
        path.rename(path.with_stem(path.stem.replace("_", ",")))
    table = images / "labels.csv"
    table.write_text(re.sub(r"SECRET_(\d+\.png)", r'"SECRET,\1"', table.read_text()))
    desk = Desk(tmp_path, dataset=str(images), count=2, design="alone", training=0, repeats=0)
    desk.read(4)
    found = export_study(desk.opened, tmp_path / "out")
    readings = tmp_path / "out" / "readings.csv"
    assert found.readings == readings
    assert found.notes[-1].startswith("readings.imrmc is not written: the .imrmc format cannot hold the name 'SECRET,0")
    assert len(analyse_study(readings, StudyOptions()).data.readings.cases) == 4
    desk.close()


def test_of_a_crossed_study_no_answer_was_changed_from_one_of_the_other_session(tmp_path: Path) -> None:
    desk = Desk(tmp_path, design="crossed", washout_days=0, training=0, repeats=0)
    for reader in ("ana", "ben"):
        desk.read(16, reader)
    export_study(desk.opened, tmp_path / "out")
    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["session"] for row in rows} == {"1", "2"}
    assert {row["changed_from"] for row in rows} == {""}
    desk.close()


def test_the_status_counts_answers_and_shows_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.read(5)
    found = [one.as_dict() for one in study_status(desk.opened)]
    assert found[0] == {
        "reader": "ana",
        "answered": 5,
        "steps": 18,
        "complete": False,
        "median_seconds": 4.5,
        "last": "2030-01-01T12:00:00.000+00:00",
    }
    assert (found[1]["answered"], found[1]["last"]) == (0, None)
    assert "suspicion" not in json.dumps(found)
    desk.close()
