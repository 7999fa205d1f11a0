"""Nothing heavy is imported before it is needed: what a fresh interpreter has loaded, without a clock."""

import os
from collections.abc import Iterator

import pytest
from tests.factories import HEAVY, run_fresh
from typer.main import get_command

from attnmel.cli.app import app

ARRAYS = {"numpy", "platformdirs"}
IMPORTS = {
    "attnmel": set[str](),
    "attnmel.errors": set[str](),
    "attnmel.download": set[str](),
    "attnmel.pipeline.train.processes": set[str](),
    "attnmel.folders": {"platformdirs"},
    "attnmel.config.load": {"pydantic"},
    "attnmel.config.recipe": {"pydantic"},
    "attnmel.records": ARRAYS,
    "attnmel.data.preprocess.images": {"numpy", "PIL"},
    "attnmel.data.datasets.isic": ARRAYS | {"PIL"},
    "attnmel.data.preprocess.cache": ARRAYS | {"PIL"},
    "attnmel.evaluation.classification.report": ARRAYS | {"scipy"},
    "attnmel.evaluation.challenge.score": ARRAYS | {"scipy"},
    "attnmel.report.html.page": ARRAYS | {"scipy", "PIL", "matplotlib", "jinja2"},
}
"""What each module may load of the heavy ones."""

HELP_MAY_LOAD = {"typer", "pydantic"}
"""typer builds its parameters of a command with pydantic; the command line itself has no use for it there."""


FORKS = """
import os, sys

for code in {codes!r}:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        exec(code)
        print(*sys.modules, flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(code)
"""
"""Each piece of code in a copy of an interpreter that has loaded nothing; prints a line for each."""


def loaded_after(*codes: str) -> list[set[str]]:
    """Return the heavy modules, and those of attnmel, that each piece of code loads by itself."""
    lines = run_fresh(FORKS.format(codes=codes)).splitlines()
    loaded = [set(line.split()) for line in lines[-len(codes) :]]
    return [{name for name in one if name in HEAVY or name.startswith("attnmel.")} for one in loaded]


def commands(group: object = None, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command, and of every group of them."""
    group = group or get_command(app)
    yield before
    for name, one in getattr(group, "commands", {}).items():
        yield from commands(one, (*before, name))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="an interpreter is copied by fork")
def test_a_module_loads_no_more_than_it_needs() -> None:
    loaded = loaded_after(*(f"import {module}" for module in IMPORTS))
    for (module, allowed), found in zip(IMPORTS.items(), loaded, strict=True):
        assert found & set(HEAVY) <= allowed, module
    assert not loaded[list(IMPORTS).index("attnmel")], "the package loads none of its modules"


def test_a_help_loads_the_command_line_alone() -> None:
    """All in one interpreter, one after another: what none of them loads no single one loads."""
    code = f"""
import contextlib, io, sys
from attnmel.cli.app import app
for words in {list(commands())}:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            app([*words, "--help"])
    except SystemExit as end:
        assert not end.code, words
    print(" ".join(("attnmel", *words)) + ":", *sys.modules)
"""
    lines = run_fresh(code).splitlines()
    assert len(lines) == len(list(commands()))
    for line in lines:
        command, _, loaded = line.partition(":")
        names = loaded.split()
        ours = {name.split(".")[1] for name in names if name.startswith("attnmel.")}
        assert ours <= {"cli", "errors"}, command
        assert set(names) & set(HEAVY) <= HELP_MAY_LOAD, command
