"""Every command by name, and what becomes of an error: one sentence and an exit code.

Exit codes: 0 done, 1 a problem that the message explains, 2 wrong usage, 130 stopped by Ctrl-C.
"""

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from attnmel import NOTICE, __version__
from attnmel.cli import (
    audit,
    compare,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    fetch,
    models,
    predict,
    report,
    reproduce,
    score,
    segment,
    statistics,
    train,
    verify,
)
from attnmel.errors import AttnmelError


class _StoppedError(Exception):
    """Ctrl-C, under a name that typer does not end the program for before we have spoken."""


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps the type of a group's context to itself
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _StoppedError from None


app = typer.Typer(
    name="attnmel",
    cls=_Commands,
    help=f"Attention-based recognition of skin lesions in dermoscopy images. {NOTICE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to load than a help has time for
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
    """Hold the options that every command shares."""


app.command()(demo.demo)
app.command()(fetch.fetch)
app.command()(verify.verify)
app.command()(audit.audit)
app.command()(statistics.statistics)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(compare.compare)
app.command()(explain.explain)
app.command()(predict.predict)
app.command()(models.models)
app.command()(export.export)
app.command()(score.score)
app.add_typer(segment.segment, name="segment")
app.command()(report.report)
app.command()(reproduce.reproduce)
app.command()(doctor.doctor)


def main() -> None:
    """Run the command line; a traceback reaches the user only for a bug."""
    try:
        app()
    except (_StoppedError, KeyboardInterrupt):
        _stop(
            "stopped. What was finished is kept: `fetch`, `predict --resume` and `train --resume` go on from there.",
            code=130,
        )
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output (head, less) has gone: nothing to say, nobody to tell
        sys.exit(1)
    except AttnmelError as error:
        _stop(str(error))
    except OSError as error:
        _stop(_system_problem(error))


def _system_problem(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        where = f": cannot write {error.filename}" if error.filename else ""
        return f"the disk is full{where}. Free some space and run the same command again; nothing half-written is left."
    if error.filename is None:
        return str(error.strerror or error)
    return f"cannot use {error.filename} ({error.strerror}); check the path and its permissions, or name another place"


def _stop(message: str, code: int = 1) -> None:
    from attnmel.deploy.workers import hung

    print(f"error: {message}", file=sys.stderr)
    if hung():  # Python's end runs the end of the libraries, too, and they wait for their own threads
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
