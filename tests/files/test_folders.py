"""A file is whole, old or absent, never half-written."""

import os
from pathlib import Path

import platformdirs
import pytest

from attnmel.errors import ConfigError
from attnmel.files.folders import HOME_VARIABLE, RunFolder, expanded, home_folder, replacing


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


def test_a_user_without_a_home_is_told_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    # What platformdirs gives where neither the environment nor the system knows a home.
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *names, **named: "~/.cache/attnmel")
    with pytest.raises(ConfigError, match=r"has no home folder .* name a folder by --home, or by the variable ATTNMEL"):
        home_folder()


def test_a_newer_platformdirs_raises_where_no_home_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*names: str, **named: bool) -> str:
        raise RuntimeError("could not determine the home directory for '~/.cache'")

    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", unknown)
    with pytest.raises(ConfigError, match=r"^this user has no home folder for data sets and cache"):
        home_folder()


def test_the_home_of_a_user_who_is_not_there_is_left_as_it_is() -> None:
    assert expanded("~nobody-of-this-name/data") == Path("~nobody-of-this-name/data")
    assert expanded("data") == Path("data")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        pytest.raises(ConfigError, match=r"pipe is a device, a pipe or a socket, which is not replaced"),
        replacing(pipe) as part,
    ):
        part.write_text("")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
