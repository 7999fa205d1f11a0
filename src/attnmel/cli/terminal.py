"""Progress as bars on standard error; tables and JSON on standard output."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from attnmel.cli.help import ADVANCED, DATA, OUTPUT, option
from attnmel.table_files import nan_to_null, printable_texts

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
Out = Annotated[Path | None, option(OUTPUT, "File or folder to write.", "--out")]


class Terminal:
    """Progress on standard error; only notes if that is no terminal or `bars` is False."""

    def __init__(self, *, bars: bool = True) -> None:
        self._bars = bars and sys.stderr.isatty()

    @contextmanager
    def bar(self, label: str, total: int | None, unit: str = "") -> Iterator[Callable[[int], None]]:
        """Draw a bar, and remove it at the end."""
        if not self._bars:
            yield lambda steps: None
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        counter = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            counter,
            TextColumn(unit if unit != "bytes" else ""),
        )
        # By default rich would send what the program prints to standard output to standard error, too.
        with Progress(
            *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True, redirect_stdout=False
        ) as drawn:
            task = drawn.add_task(label, total=total)
            yield lambda steps: drawn.advance(task, steps)

    def note(self, message: str) -> None:
        """Print one sentence on standard error."""
        print(message, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON; NaN, which JSON lacks, becomes null, and every text can be read as UTF-8."""
    print(json.dumps(nan_to_null(printable_texts(value)), indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as plain text: the first column aligned to the left, the others to the right."""
    table = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
