"""A progress bar on a terminal, and lines about the progress in a log, both with the end of the whole work."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attnmel.number_formats import duration

EVERY = 60.0
"""Seconds between two lines in a log."""


@contextmanager
def drawn_bar(label: str, total: int | None, unit: str, further: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar on standard error, and remove it at the end; `further` steps follow it, whose end is shown too."""
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
        TimeRemainingColumn(),
        TextColumn("{task.fields[whole]}"),
    )
    # By default rich would send what the program prints to standard output to standard error, too.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as drawn:
        task = drawn.add_task(label, total=total, whole="")

        def advance(steps: int) -> None:
            drawn.advance(task, steps)
            one = drawn.tasks[0]
            if further and one.speed and one.remaining is not None:
                drawn.update(task, whole=f"all in {duration((one.remaining + further) / one.speed)}")

        yield advance


@contextmanager
def logged_bar(label: str, total: int | None, unit: str, further: int) -> Iterator[Callable[[int], None]]:
    """Write a line on standard error every minute: how far the work is, and how long it will take."""
    begun = said = time.monotonic()
    done = 0

    def advance(steps: int) -> None:
        nonlocal done, said
        done += steps
        now = time.monotonic()
        if now - said < EVERY or not done:
            return
        said = now
        text = f"{label}: {done:,}{f' of {total:,}' if total else ''} {unit}".rstrip()
        if total:
            a_step = (now - begun) / done
            text += f", {duration(a_step * (total - done))} left"
            text += f", {duration(a_step * (total - done + further))} for all" if further else ""
        print(text, file=sys.stderr, flush=True)

    yield advance
