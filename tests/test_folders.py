"""A file is whole, old or absent, never half-written."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attnmel.folders import HOME_VARIABLE, RunFolder, alone, home_folder, replacing


def test_a_failed_write_keeps_the_old_file_and_leaves_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "measures.json"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as part:
            part.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_replaces_the_file_and_makes_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.csv"
    for text in ("one", "two"):
        with replacing(path) as part:
            part.write_text(text)
    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


def test_home_is_as_chosen_then_as_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "named"))
    assert home_folder(tmp_path / "chosen") == tmp_path / "chosen"
    assert home_folder() == tmp_path / "named"
    monkeypatch.delenv(HOME_VARIABLE)
    assert home_folder().name == "attnmel"


def test_no_two_files_of_a_run_share_a_name(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    named = [run.recipe, run.provenance, run.history, run.events, run.best, run.last, run.resume, run.measures]
    named += [run.report, run.maps, *(kind("test") for kind in (run.predictions, run.attention, run.submission))]
    assert len({*named, run.overlap("test")}) == len(named) + 1


def test_a_place_is_free_again_after_an_error_and_shows_no_trace(tmp_path: Path) -> None:
    def waited() -> None:
        raise AssertionError("nobody else is there")

    def fail() -> None:
        with alone(tmp_path / "new", waited):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with alone(tmp_path / "new", waited), alone(tmp_path / "other", waited):
        assert list(tmp_path.iterdir()) == []


def test_those_who_wait_for_a_place_come_in_one_by_one(tmp_path: Path) -> None:
    inside, most, waits = [0], [0], []

    def work(_: int) -> None:
        with alone(tmp_path, lambda: waits.append(1)):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert most == [1]
    assert waits
