"""The command line, by stage: parse, call, print. The only place that prints."""

import os
import sys
from contextlib import suppress

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    _open_closed_streams()
    from attnmel.cli.early_prediction import compile_named_network

    # pydantic would read the metadata of every installed package, to find plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    compile_named_network(sys.argv[1:])

    from attnmel.cli.app import main as run

    run()


def _open_closed_streams() -> None:
    """Open standard input, output and error on the null device where the caller has closed them (`2>&-`).

    Else the next file that is opened takes the place of one, with what libraries print in it, and Python prints what is
    for standard error to standard output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
