"""A file is whole, old or absent, never half-written."""

from pathlib import Path

import pytest

from attnmel.folders import HOME_VARIABLE, RunFolder, held, home_folder, replacing


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


def test_a_lock_is_free_again_after_an_error_and_never_waits_in_vain(tmp_path: Path) -> None:
    def waited() -> None:
        raise AssertionError("held by nobody")

    def fail() -> None:
        with held(tmp_path / "new" / ".lock", waited):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with held(tmp_path / "new" / ".lock", waited):
        pass
    with held(tmp_path / "new" / ".lock" / "below a file", waited):  # no lock can lie there: it goes without
        pass
