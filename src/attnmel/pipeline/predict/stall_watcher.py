"""A program that ends another process if that hangs; it uses only Python's standard library.

It reads a byte for each change of the other's state, and the number of each signal that the other got. So it works even
if no Python code can run in the other process, as when an extension waits for ever while it holds the global lock.
"""

import os
import select
import signal
import sys
from pathlib import Path

WORKING, RESTING = b"\xfe", b"\xff"
"""The process waits for a library; it does something else, such as waiting for the reader of its output."""

STEP = 1.0
"""Seconds of one wait. Time is counted in these steps, so that the time of a sleeping machine does not count."""

GRACE = 5.0
"""Seconds that the process has to end by itself, on Ctrl-C or after its limit."""


def watch(process: int, limit: float, stalled: str, stopped: str) -> None:
    """Follow a process by standard input until that is closed; end the process if it hangs, and print why.

    It hangs if it works for `limit` seconds (0: no limit) plus some grace without a result, or longer than the grace
    after Ctrl-C. A second Ctrl-C ends it at once.
    """
    working, interrupts, still, after = False, 0, 0.0, 0.0
    while True:
        if select.select([0], [], [], STEP)[0]:
            received = os.read(0, 4096)
            if not received:
                return
            for byte in received:
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
