"""Every command, and how an error ends: with one sentence and an exit code.

Exit codes: 0 done, 1 a problem that the message explains, 2 wrong usage, 130 stopped by Ctrl-C.
"""

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from attnmel import NOTICE, __version__
from attnmel.cli.commands import data
from attnmel.cli.commands.networks import explain, hub, join, predict, schema, segment, train
from attnmel.cli.commands.results import evaluate, fuse, recalibrate, reproduce, study
from attnmel.cli.commands.start import clean, demo, docs, models, serve
from attnmel.cli.help import DATA_SETS, NETWORKS, RESULTS, START, HelpCommand, HelpGroup
from attnmel.cli.terminal import end_if_hung
from attnmel.errors import AttnmelError, visible

SHOWN = 80
"""Characters of an endless path that an error names."""
STARTED = frozenset({"ATTNMEL_STARTER", "LOCAL_RANK"})
"""Variables of a process that another one started: `STARTER` and `PLACE` of a module that is loaded for them alone."""


class _StoppedError(Exception):
    """Ctrl-C, under a name that typer does not handle itself, so that `main` can print a message."""


class _Commands(HelpGroup):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps the type of a group's context to itself
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _StoppedError from None


app = typer.Typer(
    name="attnmel",
    cls=_Commands,
    help=f"""Recognise skin lesions in dermoscopy images by networks with attention. {NOTICE}

    Example:
        attnmel predict pretrained lesion.jpg
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to load than a help page may take to appear
)


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"attnmel {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def attnmel(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Define the options of the program itself."""


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    START: (demo.demo, serve.serve, models.models, demo.doctor, clean.clean, docs.docs),
    DATA_SETS: (data.fetch, data.verify, data.audit, data.statistics),
    NETWORKS: (
        train.train,
        predict.predict,
        join.join,
        explain.explain,
        predict.export,
        hub.push,
        hub.pull,
        schema.schema,
    ),
    RESULTS: (
        evaluate.evaluate,
        recalibrate.recalibrate,
        fuse.fuse,
        evaluate.compare,
        evaluate.report,
        evaluate.score,
        reproduce.reproduce,
    ),
}
for heading, commands in COMMANDS.items():
    for command in commands:
        app.command(cls=HelpCommand, rich_help_panel=heading)(command)
app.add_typer(segment.segment, name="segment", rich_help_panel=NETWORKS)
app.add_typer(study.study, name="study", rich_help_panel=RESULTS)


class _VisibleText(io.TextIOWrapper):
    """The terminal as output: names of files, which may come from anyone, cannot act on it."""

    def write(self, text: str) -> int:
        return super().write(visible(text))


def main() -> None:
    """Run the command line; a traceback reaches the user only for a bug."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As standard error: a letter that a pipe's encoding lacks is escaped, in place of an error after all the work.
        sys.stdout.reconfigure(errors="backslashreplace")
        if sys.stdout.isatty():  # a pipe gets every character as it is
            encoding = sys.stdout.encoding
            sys.stdout = _VisibleText(sys.stdout.detach(), encoding, "backslashreplace", line_buffering=True)
    if STARTED & os.environ.keys():
        from attnmel.pipeline.train.processes import follow_starter

        follow_starter()
    try:
        app(prog_name="attnmel")  # also where it is run as `python -m attnmel`
    except (_StoppedError, KeyboardInterrupt):
        _stop(
            "stopped. What was finished is kept: `fetch` and `predict --resume` continue from there, `train --resume` "
            "after the last finished epoch, if there is one.",
            code=130,
        )
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output (head, less) has ended
        sys.exit(1)
    except AttnmelError as error:
        _stop(str(error))
    except OSError as error:
        _stop(_system_problem(error))


def _system_problem(error: OSError) -> str:
    from attnmel.files.write_problems import NO_RIGHT, NO_ROOM, whose

    if error.errno in NO_ROOM:
        what = "the disk is full" if error.errno == errno.ENOSPC else "this user's share of the disk is used up"
        where = f": cannot write {error.filename}" if error.filename else ""
        return (
            f"{what}{where}. Free some space and run the same command again, with --resume where it has that "
            "option; nothing half-written is left."
        )
    if error.filename is None:
        return str(error.strerror or error)
    if error.errno == errno.ENAMETOOLONG:
        name = str(error.filename)
        return (
            f"the path {name[:SHOWN]}... has {len(name):,} characters, more than this system takes; check the command"
        )
    if error.errno in NO_RIGHT:
        owner = whose(error, Path(error.filename)) if isinstance(error.filename, str) else ""
        return (
            f"{error.filename} cannot be used ({error.strerror}{owner}). To read it, check its permissions; to "
            "write, choose another place: --out for results, --home for data sets and cache"
        )
    return f"cannot use {error.filename} ({error.strerror}); check the path and its permissions, or choose another one"


def _stop(message: str, code: int = 1) -> None:
    print(f"error: {visible(message)}", file=sys.stderr)
    end_if_hung(code)
    sys.exit(code)
