"""A real server of a study, which can be killed and started again on its port."""

import signal
from pathlib import Path

from tests.copies import start_command


class StudyProcess:
    """`attnmel study serve`, running."""

    def __init__(self, path: Path, *options: str) -> None:
        self._path, self._options, self.port = path, options, 0
        self.start()

    def start(self) -> None:
        """Start, and wait until it listens."""
        self.process = start_command("study", "serve", self._path, "--port", self.port, *self._options)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().strip().rstrip("/").rpartition(":")[2])

    def kill(self) -> None:
        """End at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
