"""Progress as bars on standard error; tables and JSON on standard output."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

from attnmel.api.places import own_file, own_folder
from attnmel.cli.bars import drawn_bar, logged_bar
from attnmel.cli.help import ADVANCED, DATA, EVALUATION, OUTPUT, option
from attnmel.errors import visible

Home = Annotated[
    Path | None,
    option(
        DATA, "Folder of data sets, cache and weights [default: $ATTNMEL_HOME or the user's cache folder].", "--home"
    ),
]
Json = Annotated[bool, option(OUTPUT, "Print JSON instead of text.", "--json")]
Threads = Annotated[
    int | None,
    option(
        ADVANCED,
        "Threads of the network on the CPU [default: $ATTNMEL_THREADS, else as many as this process's share of the "
        "processors that are not busy].",
        "--threads",
        min=1,
    ),
]
Tta = Annotated[
    str | None,
    option(
        EVALUATION,
        "Average the probabilities over transforms of each image: none, dihedral (turns and flips), scales, "
        "dihedral+scales, random:N [default: the model's own].",
        "--tta",
        metavar="NAME",
    ),
]


def out_file(text: str) -> Any:  # noqa: ANN401 - as `option`
    """Return the option of a file to write; its help says what is written without it."""
    return option(OUTPUT, text, "--out", callback=own_file)


def out_folder(text: str) -> Any:  # noqa: ANN401 - as `option`
    """Return the option of a folder to write into; its help says where to without it."""
    return option(OUTPUT, text, "--out", callback=own_folder)


def command_line() -> str:
    """Return the command as it was typed, for the record of what it writes."""
    return shlex.join(["attnmel", *sys.argv[1:]])


class Terminal:
    """Progress on standard error: bars on a terminal, else a line every minute; only notes where `bars` is False."""

    def __init__(self, *, bars: bool = True) -> None:
        self._bars = bars

    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Draw a bar, and remove it at the end; or write lines."""
        if not self._bars:
            return nullcontext(lambda steps: None)
        shown = drawn_bar if sys.stderr.isatty() else logged_bar
        return shown(label, total, unit, further)

    def note(self, message: str) -> None:
        """Print one sentence on standard error."""
        print(visible(message), file=sys.stderr, flush=True)


def end_if_hung(code: int) -> None:
    """End the program at once if a library hangs in a thread: at exit, libraries would wait for their own threads."""
    from attnmel.deploy.workers import hung

    if hung():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON; NaN, which JSON lacks, becomes null, and every text can be read as UTF-8."""
    from attnmel.files.table_files import nan_to_null, printable_texts

    print(json.dumps(nan_to_null(printable_texts(value)), indent=2, allow_nan=False))


def print_address(address: str, *, as_json: bool) -> None:
    """Print the address of a server before it serves; in JSON on one line, which a program can read at once."""
    print(json.dumps({"address": address}) if as_json else address, flush=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as plain text: the first column aligned to the left, the others to the right."""
    table = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
