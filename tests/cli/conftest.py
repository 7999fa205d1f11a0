"""Commands in this process, as a user meets them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from attnmel.cli import main


class Ran(NamedTuple):
    """What a user sees of one command."""

    code: object
    out: str
    err: str


Attnmel = Callable[..., Ran]


@pytest.fixture
def attnmel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Attnmel:
    """Run a command; a traceback would fail the test."""

    def run(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["attnmel", *map(str, arguments)])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def left_behind() -> Callable[..., list[Path]]:
    """Find files with a temporary name in folders."""
    return lambda *folders: [path for folder in folders for path in folder.rglob(".????????-*")]


TINY = ("data.size=32", "model.width=0.05", "training.batch=8", "training.precision=float32", "training.device=cpu")


@pytest.fixture
def settings() -> Callable[..., list[str]]:
    """Give the options that make a run tiny, and more settings."""
    return lambda *more: [part for one in (*TINY, "training.epochs=1", *more) for part in ("--set", one)]
