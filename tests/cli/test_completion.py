"""Completion after TAB, as the shells ask for it."""

import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from attnmel.cli import completion
from attnmel.cli.app import app

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complete:
    """Give what bash would offer after a line, by the protocol of typer's script."""

    def run(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_ATTNMEL_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit) as end:
            app([], prog_name="attnmel")
        assert not end.value.code
        return capsys.readouterr().out.split()

    return run


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("attnmel ev", ["evaluate"]),
        ("attnmel study an", ["analyse"]),
        (
            "attnmel train isic2017/attnmel-l",
            ["isic2017/attnmel-lesion", "isic2017/attnmel-lesion-three", "isic2017/attnmel-lite0"],
        ),
        ("attnmel evaluate pre", ["pretrained"]),
        ("attnmel fetch isic2016", ["isic2016"]),
        ("attnmel train --res", ["--resume"]),
        ("attnmel train no-such", []),
    ],
)
def test_commands_options_recipes_models_and_data_sets_are_completed(
    complete: Complete, line: str, expected: list[str]
) -> None:
    assert complete(line) == expected


def test_example_images_are_completed() -> None:
    assert completion.images("example:ISIC_001239") == ["example:ISIC_0012395"]
    assert completion.images("les") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_whole(attnmel: "Attnmel", shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    ran = attnmel("--show-completion")
    assert f"_ATTNMEL_COMPLETE=complete_{shell}" in ran.out
    if found := shutil.which(shell):
        checked = subprocess.run([found, "-n"], input=ran.out, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr
