"""An `attnmel` command as a process of its own, whose messages are passed on. No torch."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence

from attnmel.pipeline.reproduce.jobs import shell_line
from attnmel.pipeline.train.processes import starter
from attnmel.progress import Progress

LAST_LINES = 20
"""Of the error stream of a process; the reason of a failure is among them."""

GRACE = 30.0
"""Seconds that a command has to end after Ctrl-C."""


class Commands:
    """Runs commands one after the other; another thread may end them."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._process: subprocess.Popen[str] | None = None
        self._is_stopped = False

    @property
    def is_running(self) -> bool:
        """Whether a command is running now."""
        return self._process is not None and self._process.poll() is None

    def run(self, arguments: Sequence[str]) -> str:
        """Run a command and pass on its messages; return its error, empty where it succeeded."""
        self.progress.note(shell_line(arguments))
        lines: deque[str] = deque(maxlen=LAST_LINES)
        if self._is_stopped:
            return "stopped"
        with subprocess.Popen(
            [sys.executable, "-m", "attnmel", *arguments],
            env={**os.environ, **starter()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            self._process = process
            if self._is_stopped:  # between the two lines above
                process.send_signal(signal.SIGINT)
            try:
                for line in process.stderr or ():
                    lines.append(line.rstrip())
                    self.progress.note(lines[-1])
            except KeyboardInterrupt:
                process.wait()  # it got the same signal, and keeps what it has finished
                raise
        return "" if process.returncode == 0 else reason_of(lines, process.returncode)

    def stop(self) -> None:
        """End the command that runs as Ctrl-C does, and start no other.

        What was started in the background of a shell may ignore Ctrl-C; it is ended by SIGTERM after `GRACE` seconds.
        """
        self._is_stopped = True
        if self._process is None or not self.is_running:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.terminate()


def reason_of(lines: Sequence[str], code: int) -> str:
    """Return why a process failed, from the end of its messages and its exit code."""
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    last = next((line for line in reversed(lines) if line.strip()), "without a message")
    if errors:
        return errors[-1]
    return f"stopped by signal {-code}" if code < 0 else f"exit code {code}: {last}"
