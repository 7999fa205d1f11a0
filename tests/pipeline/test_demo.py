"""The demo never writes over what it did not make; the whole of it is the slow test."""

from pathlib import Path

import pytest

from attnmel.errors import ConfigError
from attnmel.pipeline.demo import MARK, MARKER, _clear, run_demo


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and holds no demo; choose another --out"):
        run_demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_only_what_a_demo_wrote_is_replaced(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("a demo.txt of somebody else\n")
    with pytest.raises(ConfigError, match="holds no demo"):
        _clear(tmp_path, (tmp_path / "runs",))
    (tmp_path / MARKER).write_text(MARK)
    (tmp_path / "runs").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    _clear(tmp_path, (tmp_path / "runs",))
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARKER, "notes.txt"]


@pytest.mark.slow
def test_the_demo_learns_and_reports(tmp_path: Path) -> None:
    judged, report = run_demo(tmp_path / "demo")
    auc = judged.judgement.row("melanoma", "auc")
    assert auc.low > 0.5, "clearly above chance"
    assert auc.value < 1
    assert report.stat().st_size > 100_000
    run_demo_folder = tmp_path / "demo"
    assert not [path for path in run_demo_folder.iterdir() if path.name.startswith("tmp")]
