"""`attnmel.study`: a study from its plan to its analysis, the same as by the commands."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.conftest import Attnmel
from tests.cli.conftest import attnmel as attnmel
from tests.pipeline.study.small_study import write_folder, write_machine

from attnmel import study
from attnmel.errors import AttnmelError
from attnmel.files.table_files import nan_to_null
from attnmel.pipeline.study.study_file import StudyFolder, open_frozen

READINGS = Path(__file__).parents[1] / "evaluation" / "readers" / "input.imrmc"
COUNTS = {"melanoma": 3, "nevus": 3}


def test_a_study_is_frozen_followed_and_its_answers_are_written(attnmel: Attnmel, tmp_path: Path) -> None:
    images, machine = write_folder(tmp_path / "images"), write_machine(tmp_path / "net.csv")
    folder = tmp_path / "reading"
    frozen = study.new(
        folder, images, COUNTS, {"ana": "resident", "ben": ""}, machines={"net": machine}, home=tmp_path, repeats=1
    )
    plan, _ = open_frozen(StudyFolder(folder))
    assert frozen.file == folder / "study.json"
    assert plan.experience == {"ana": "resident"}
    assert [one.name for one in plan.machines] == ["net"]
    assert frozen.links.keys() == {"ana", "ben"}
    assert study.status(folder).to_frame().answered.tolist() == [0, 0]
    assert study.status(folder).to_dict() == json.loads(attnmel("study", "status", folder, "--json").out)
    assert study.link(folder, "ana") != frozen.links["ana"]
    answers = study.export(folder, tmp_path / "answers")
    assert answers.readings is None
    assert answers.notes == ("2 readers without 95 % of the answers left out: ana, ben",)


def test_readings_are_analysed_and_a_study_is_planned_as_by_the_commands(attnmel: Attnmel, tmp_path: Path) -> None:
    found = study.analyse(READINGS, out=tmp_path / "results")
    assert (tmp_path / "results" / "report.html").is_file()
    frame = found.to_frame()
    means: Any = {name: one["auc"] for name, one in frame.set_index("modality").iterrows()}
    (pair,) = (name for name in means if " - " in name)
    first, _, second = pair.partition(" - ")
    assert means[pair] == pytest.approx(means[first] - means[second], abs=1e-12)
    assert found.sentence in attnmel("study", "analyse", READINGS).out
    plan = study.power([5], [60], aucs=(0.9, 0.8))
    ran = attnmel("study", "power", "--readers", "5", "--cases", "60", "--auc", "0.9", "--auc", "0.8", "--json")
    assert nan_to_null(plan.to_dict()) == json.loads(ran.out)
    assert 0 < float(plan.to_frame().power.item()) < 1


NEW = {
    "no case": ({"counts": {"melanoma": 0}}, "0 cases of melanoma; expected at least 1"),
    "no machine": ({"machines": ()}, "the design sequential shows a machine; name one by --machine, or choose --design "
     "alone"),
    "no hub": ({"machines": ["hf:tiny"]}, "'hf:tiny' is no model of a hub; write hf:OWNER/NAME or "
     "hf:OWNER/NAME@REVISION"),
}  # fmt: skip


@pytest.mark.parametrize("what", NEW)
def test_a_plan_that_is_not_possible_is_refused_and_leaves_nothing(what: str, tmp_path: Path) -> None:
    changed, sentence = NEW[what]
    images, machine = write_folder(tmp_path / "images"), write_machine(tmp_path / "net.csv")
    given: dict[str, object] = {"counts": COUNTS, "machines": [machine], "home": tmp_path} | changed
    with pytest.raises(AttnmelError) as error:
        study.new(tmp_path / "reading", images, readers="ana", **given)  # pyright: ignore[reportArgumentType]
    assert str(error.value) == sentence
    assert not (tmp_path / "reading").exists()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda place: study.status(place / "none"), "{place}/none holds no study"),
        (lambda place: study.analyse(place / "none.csv"), "{place}/none.csv"),
        (lambda place: study.power(aucs=[0.8]), "1 expected AUC; give --auc twice, for the first and the second"),
    ],
)
def test_what_is_not_there_is_said(call: Callable[[Path], object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(AttnmelError) as error:
        call(tmp_path)
    assert str(error.value).startswith(sentence.format(place=tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_variable_of_the_commands_names_the_database_of_the_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, folder = write_folder(tmp_path / "images"), tmp_path / "reading"
    study.new(folder, images, COUNTS, ["ana"], design="alone", home=tmp_path)
    assert study.status(folder).readers[0].reader == "ana"
    monkeypatch.setenv("ATTNMEL_STUDY_DATABASE", "nothing://here")
    with pytest.raises(AttnmelError, match=r"no database can be opened there"):
        study.status(folder)
    with pytest.raises(AttnmelError, match=r"no database can be opened there"):
        study.new(tmp_path / "other", images, COUNTS, ["ana"], design="alone", home=tmp_path)


def test_progress_of_a_simulation_ends_at_its_total() -> None:
    calls: list[tuple[int, int | None]] = []
    study.power([5, 6], [20, 30], simulate=1, progress=lambda label, done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_runs_are_machines(tmp_path: Path) -> None:
    run: Any = SimpleNamespace(path=tmp_path / "no-run")
    for machines in ([run], run, {"net": run}):
        with pytest.raises(AttnmelError, match=r"no-run"):
            study.new(tmp_path / "s", write_folder(tmp_path / "images"), COUNTS, ["ana"], machines=machines)
        shutil.rmtree(tmp_path / "images")
