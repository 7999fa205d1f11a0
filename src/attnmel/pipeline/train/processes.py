"""The processes of one training on this machine: started, watched and ended together. No torch.

`attnmel train` on several devices starts itself once for each device and watches the processes. When one dies, the
others would wait for it, on CUDA for up to half an hour; so the watcher ends them and reports which one died. It
computes nothing, so that nothing can block it. Fabric would start them too, but kills the others without a message,
perhaps in the middle of writing a file.
"""

import _thread
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from attnmel.errors import ConfigError, TrainingError

PLACE = "LOCAL_RANK"
"""Environment variable with the index of a process on its machine, as Fabric and torchrun set it."""

STARTED_OUTSIDE = (PLACE, "SLURM_NTASKS", "LSB_JOBID", "OMPI_COMM_WORLD_SIZE")
"""Variables of torchrun, SLURM, LSF and MPI, which start and watch the processes themselves."""

STARTER = "ATTNMEL_STARTER"
"""Environment variable with the number of the process that started this one, and with which it ends."""

LOOK_EVERY = 0.2
GRACE = 10.0
"""Seconds that a process has to unwind, so that no half-written file is left, before it is killed."""

ECHO = 5.0
"""Seconds after a lost connection in which the watcher finds the process that died and ends the others."""

UNUSED = "Expected to have finished reduction"
"""Begin of torch's error about weights without a gradient."""

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


class Ended(NamedTuple):
    """How the processes ended."""

    code: int
    """Exit code of the first that failed, else 0."""
    said: str
    """The output of the process that failed; empty for the first one, which writes to the terminal itself."""


def starts_processes(devices: int) -> bool:
    """Whether this process is the one that starts the others: several are wanted and nobody has started them."""
    return devices > 1 and not any(name in os.environ for name in STARTED_OUTSIDE)


def run_together(arguments: Sequence[str], processes: int) -> Ended:
    """Run `attnmel ARGUMENTS` in so many processes and wait for all; the first one writes to this one's terminal.

    Raises:
        TrainingError: a process was ended from outside; the others are ended too.
    """
    with tempfile.TemporaryFile("w+") as aside:
        children = _start(arguments, processes, aside)
        try:
            failed = _first_failure(children)
        except KeyboardInterrupt:
            _end(children, signal.SIGINT)
            return Ended(INTERRUPTED, "")  # the first process has written a message
        if failed is None:
            return Ended(0, "")
        code = children[failed].returncode
        by = _ended_by(code)
        first_spoke = by is None and _fails_too(children[0])
        _end(children, signal.SIGTERM)
        if by is not None:
            raise TrainingError(_killed(failed, processes, by))
        aside.seek(0)
        return Ended(code, "" if first_spoke else aside.read())


def _start(arguments: Sequence[str], processes: int, aside: IO[str]) -> list[subprocess.Popen[bytes]]:
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    return [
        subprocess.Popen(
            [sys.executable, "-m", "attnmel", *arguments],
            env={**meeting, **os.environ, **starter(), PLACE: str(place)},
            stdout=None if place == 0 else subprocess.DEVNULL,
            stderr=None if place == 0 else aside,
            process_group=0,  # Ctrl-C comes here alone, and is passed on once
        )
        for place in range(processes)
    ]


def _free_port() -> int:
    import socket  # here, for every command imports this module

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _first_failure(children: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Wait until a process fails, and return its index; None once all have ended well."""
    while True:
        codes = [child.poll() for child in children]
        # A process that was ended from outside is the cause, where others failed in the same moment because of it.
        failed = sorted((_ended_by(code) is None, place) for place, code in enumerate(codes) if code)
        if failed:
            return failed[0][1]
        if None not in codes:
            return None
        time.sleep(LOOK_EVERY)


def _fails_too(child: subprocess.Popen[bytes]) -> bool:
    """Whether the process fails for a reason of its own: sooner than by a lost connection."""
    try:
        return child.wait(ECHO / 2) != 0
    except subprocess.TimeoutExpired:
        return False


def _end(children: Sequence[subprocess.Popen[bytes]], how: signal.Signals) -> None:
    for child in children:
        child.send_signal(how)  # no effect on one that has ended
    deadline = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _ended_by(code: int | None) -> str | None:
    """Name the signal that ended a process, if one did."""
    if code is None or (code >= 0 and code != TERMINATED):
        return None
    number = signal.SIGTERM if code == TERMINATED else -code
    return next((one.name for one in signal.Signals if one == number), f"signal {number}")


def _killed(place: int, processes: int, by: str) -> str:
    why = " (the system does that when memory runs out)" if by == "SIGKILL" else ""
    return (
        f"process {place} of {processes} (counted from 0) was ended by {by}{why}, and the others with it. "
        "Finished epochs are kept and nothing is half-written: run the same command again with --resume."
    )


def starter() -> dict[str, str]:
    """Return the environment of a process that has to end with this one, however that ends."""
    return {STARTER: str(os.getpid())}


def follow_starter() -> None:
    """End when the process that started this one, as one of several or as a step of its own, ends; by unwinding."""
    if not {PLACE, STARTER} & os.environ.keys() or threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGTERM, _leave)
    followed = int(os.environ.get(STARTER, os.getppid()))
    threading.Thread(target=_end_with, args=(os.getppid(), followed), daemon=True).start()


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _end_with(parent: int, followed: int) -> None:
    # The parent is another one already where the starter was killed before this process had begun to look.
    while os.getppid() == parent and _is_there(followed):
        time.sleep(LOOK_EVERY)
    _thread.interrupt_main(signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(TERMINATED)


def _is_there(process: int) -> bool:
    if sys.platform == "win32":  # where `kill` has no signal that does nothing
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


@contextmanager
def company() -> Iterator[None]:
    """Treat a lost connection as a consequence of another process's end: wait to be ended, and only then raise.

    Raises:
        TrainingError: the connection to a process of another machine was lost.
        ConfigError: weights without a gradient, for which the other processes would wait.
    """
    try:
        yield
    except RuntimeError as error:
        message = str(error)
        if message.startswith(UNUSED):
            raise ConfigError(
                "some weights of the network play no part in its scores, but several processes wait for the gradient "
                "of each; set requires_grad = False for those, or train with training.devices=1"
            ) from error
        if type(error).__module__ != "torch.distributed" and "/gloo/" not in message:
            raise
        time.sleep(ECHO)
        what = re.sub(r"^\[\S+\] ", "", message).partition(". ")[0]
        raise TrainingError(
            f"the connection to another process was lost ({what}); look at the messages of the other machines. "
            "Finished epochs are kept: run the same commands again with --resume."
        ) from error
