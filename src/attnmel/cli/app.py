"""Every command by name, and what becomes of an error: one sentence and an exit code.

Exit codes: 0 done, 1 a problem that the message explains, 2 wrong usage.
"""

import errno
import sys
from typing import Annotated

import typer

from attnmel import NOTICE, __version__
from attnmel.cli import demo, doctor, evaluate, explain, fetch, predict, report, statistics, train
from attnmel.errors import AttnmelError

app = typer.Typer(
    name="attnmel",
    help=f"Attention-based recognition of skin lesions in dermoscopy images. {NOTICE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"attnmel {__version__}")
        raise typer.Exit


@app.callback()
def attnmel(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options that every command shares."""


app.command()(demo.demo)
app.command()(fetch.fetch)
app.command()(statistics.statistics)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(explain.explain)
app.command()(predict.predict)
app.command()(report.report)
app.command()(doctor.doctor)


def main() -> None:
    """Run the command line; a traceback reaches the user only for a bug."""
    try:
        app()
    except KeyboardInterrupt:
        _stop("stopped. What was finished is kept: `fetch` and `train --resume` go on from there.")
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output (head, less) has gone: nothing to say, nobody to tell
        sys.exit(1)
    except AttnmelError as error:
        _stop(str(error))
    except OSError as error:
        _stop(_system_problem(error))


def _system_problem(error: OSError) -> str:
    place = f" at {error.filename}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{place}. Free some space and run the same command again; nothing half-written is left."
    return f"{error.strerror or error}{place}"


def _stop(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
