"""A forked process that dies, or meets a full disk, at a chosen moment."""

import os
import resource
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

RENAME = Path.replace

Ended = tuple[int, str]
"""Exit code, negative for a signal, and what the process printed of a traceback."""


@pytest.fixture
def forked() -> Callable[..., Ended]:
    """Run a function in a forked process that `prepare` prepares; return how it ended."""

    def run(function: Callable[[], object], prepare: Callable[[], object]) -> Ended:
        there, here = os.pipe()
        process = os.fork()
        if not process:
            code = 0
            try:
                prepare()
                function()
            except BaseException:  # noqa: BLE001 - read by the test
                os.write(here, traceback.format_exc().encode()[-2000:])
                code = 1
            finally:
                os._exit(code)
        os.close(here)
        with os.fdopen(there) as file:
            said = file.read()
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said

    return run


def die_at_rename(number: int, *, after: bool) -> Callable[[], None]:
    """Prepare a process to be killed at its `number`-th rename, before it or after it."""

    def prepare() -> None:
        left = [number]

        def replace(self: Path, target: "str | os.PathLike[str]") -> Path:
            left[0] -= 1
            if left[0] == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = RENAME(self, target)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        Path.replace = replace

    return prepare


def full_disk(size: int) -> Callable[[], None]:
    """Prepare a process that cannot write more than `size` bytes into a file: the system refuses in the middle."""

    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return prepare


def unprivileged() -> None:
    """Become a user who may not write what others own."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def temporary_files(folder: Path) -> list[str]:
    """Return the names of files that only a running command may have."""
    return sorted(path.name for path in folder.rglob(".????????*"))
