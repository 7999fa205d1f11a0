"""Commands on the folders and names of strangers: README followed to the letter, pipes of another encoding."""

import io
import json
import sys
from pathlib import Path

import pytest
from tests.strangers.datasets.make_runs import NO_UTF_8, OUTSIDE_CP1252, make

from attnmel.cli import main
from attnmel.files.folders import RunFolder

TINY = (
    "data.size=32", "model.width=0.05", "model.weights=random", "training.epochs=1", "training.batch=4",
    "training.device=cpu", "training.precision=float32",
)  # fmt: skip


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strangers")
    make(folder)
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object, encoding: str = "utf-8") -> tuple[int, bytes]:
    """Run a command with a pipe of some encoding as standard output; return exit code and output."""
    pipe = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["attnmel", *map(str, arguments)])
        patch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding=encoding, write_through=True))
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return code, pipe.getvalue()


def test_names_outside_the_encoding_of_a_pipe_are_escaped(
    trained: RunFolder, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [strangers / "names" / name for name in (OUTSIDE_CP1252, NO_UTF_8)]
    code, printed = run(monkeypatch, "predict", trained.path, *files, encoding="cp1252")
    assert code == 0
    assert rb"\u5f71.jpg" in printed
    assert rb"lesion-\udcff.jpg" in printed


def test_json_of_a_name_that_is_no_utf_8_can_be_read_by_any_program(
    trained: RunFolder, strangers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed = run(monkeypatch, "predict", trained.path, strangers / "names" / NO_UTF_8, "--json")
    name = json.loads(printed)["images"][0]["image"]
    assert code == 0
    assert name.encode("utf-8").endswith(rb"lesion-\udcff.jpg")


def test_the_own_images_of_the_readme_train_without_masks_under_their_own_name(
    strangers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = [part for one in TINY for part in ("--set", one)]
    own = ["--set", f"data.dataset={strangers / 'clinic'}", "--home", tmp_path / "home"]
    code, printed = run(monkeypatch, "train", "isic2017/attnmel", *tiny, *own)
    assert code == 0
    assert printed.startswith(b"runs/clinic/attnmel/seed-0: best epoch 1")
    code, printed = run(monkeypatch, "evaluate", "runs/clinic/attnmel", "--home", tmp_path / "home")
    assert code == 0, "the folder of a single seed is taken where its run is"
    assert printed.startswith(b"clinic, test: ")
