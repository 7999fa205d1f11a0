"""A process that ends another one which stands still: run as a program, with Python's own library alone.

It reads a byte for each change of the other's state, and the number of each signal that reached it. So it needs nothing
of a process in which no Python code can run any more, as where an extension waits for ever with Python's lock held.
"""

import os
import select
import signal
import sys
from pathlib import Path

WORKING, RESTING = b"\xfe", b"\xff"
"""Waits for a library's answer; does something else, as waiting for whoever reads its output."""

STEP = 1.0
"""Seconds of one look. Time is counted in them, so that a machine that slept meanwhile does not count it."""

GRACE = 5.0
"""Seconds that a process has to end by itself, on Ctrl-C or after its limit."""


def watch(process: int, limit: float, stalled: str, stopped: str) -> None:
    """Follow a process by standard input until that is closed; end the process if it stands still, and say why.

    It stands still if it works for `limit` seconds (0: for ever) and some grace without an answer, or goes on for some
    grace after Ctrl-C. A second Ctrl-C ends it at once.
    """
    working, interrupts, still, after = False, 0, 0.0, 0.0
    while True:
        if select.select([0], [], [], STEP)[0]:
            came = os.read(0, 4096)
            if not came:
                return
            for byte in came:
                if byte == signal.SIGINT:
                    interrupts += 1
                else:
                    working, still = byte == WORKING[0], 0.0
        elif not suspended(process):
            still += STEP
            after += STEP if interrupts else 0.0
        if interrupts > 1 or after >= GRACE:
            return _end(process, stopped)
        if working and limit and still >= limit + GRACE:
            return _end(process, stalled)


def suspended(process: int) -> bool:
    """Whether a process was halted from outside (Ctrl-Z, SIGSTOP); only Linux says."""
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
