"""A program that ends another process if that hangs; it uses only Python's standard library.

It reads a byte for each sign of progress and the number of each signal that the other got. So it works even if no
Python code can run in the other process, as when an extension waits for ever while it holds the global lock.
"""

import os
import select
import signal
import sys
from pathlib import Path

PROGRESS = b"\xff"
"""A result is asked for, has come, or is being used, such as written to a slow reader; in the last case each second."""

STEP = 1.0
"""Seconds of one wait. Time is counted in these steps, so that the time of a sleeping machine does not count."""

GRACE = 5.0
"""Seconds that the process has to end by itself, on Ctrl-C or after its limit."""


def watch(process: int, limit: float, stalled: str, stopped: str) -> None:
    """Follow a process by standard input until that is closed; end the process if it hangs, and print why.

    It hangs if it shows no progress for `limit` seconds (0: no limit) plus some grace, or if it still runs longer than
    the grace after Ctrl-C. A second Ctrl-C ends it at once.
    """
    interrupts, still, after = 0, 0.0, 0.0
    while True:
        if select.select([0], [], [], STEP)[0]:
            received = os.read(0, 4096)
            if not received:
                return
            interrupts += received.count(signal.SIGINT)
            if PROGRESS in received:
                still = 0.0
        elif not suspended(process):
            still += STEP
            after += STEP if interrupts else 0.0
        if interrupts > 1 or after >= GRACE:
            return _end(process, stopped)
        if limit and still >= limit + GRACE:
            return _end(process, stalled)


def suspended(process: int) -> bool:
    """Return whether a process is suspended (Ctrl-Z, SIGSTOP); known on Linux only."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].startswith(("T", "t"))
    except OSError:
        return False


def _end(process: int, why: str) -> None:
    sys.stderr.write(f"error: {why}\n")
    sys.stderr.flush()
    os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    watch(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4])
