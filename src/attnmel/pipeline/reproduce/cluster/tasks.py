"""Tasks on the machines of a Ray cluster, whose notes arrive as they are written.

A task is a generator, so that its notes come as results, one by one.
"""

import pickle
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import attnmel
from attnmel.errors import ConfigError, counted
from attnmel.files.leftovers import temporary
from attnmel.pipeline.reproduce.cluster.address import connected
from attnmel.pipeline.reproduce.cluster.machine import Mark, task_on_machine
from attnmel.pipeline.reproduce.rows import JobEnd
from attnmel.progress import Progress

TRIES = 3
"""How often work is begun whose machine is lost, before it counts as failed."""

LOOK_EVERY = 1.0
STOP_LIMIT = 120.0
"""Seconds that interrupted work may take to end."""


class Machines(NamedTuple):
    """What each piece of work gets."""

    cpus: float = 1
    gpus: float = 0


@contextmanager
def open_cluster(address: str | None, out: Path, each: Machines, progress: Progress) -> Iterator["Cluster"]:
    """Connect to a running cluster, whose machines must all have this package and see the folder `out`.

    `address` is HOST:PORT; None for $RAY_ADDRESS, else for the cluster that runs on this machine.

    Raises:
        ConfigError: Ray is not installed, no cluster answers, or a machine cannot do the work.
    """
    ray = connected(address)
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with temporary(out / "shared") as file:
            mark = Mark(str(file.absolute()), uuid.uuid4().hex)
            file.write_text(mark.text)
            cluster = Cluster(ray, mark, each, progress)
            cluster.check()
            yield cluster
    finally:
        ray.shutdown()
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


class Cluster:
    """Tasks on the machines of a cluster."""

    def __init__(self, ray: Any, mark: Mark, each: Machines, progress: Progress) -> None:  # noqa: ANN401
        self._ray = ray
        self._progress = progress
        self._function = ray.remote(task_on_machine())
        self._fixed = (attnmel.__version__, tuple(mark), str(Path.cwd()))
        self._mark, self._each, self._tries = mark, each, TRIES
        self._begun: set[Any] = set()
        """Streams that a machine works at."""
        self._running: dict[Any, tuple[str, bytes, int]] = {}
        """Name, work and number of the try, by the stream of results."""

    def check(self) -> None:
        """Ask each machine whether it can do the work.

        Raises:
            ConfigError: names the first that cannot.
        """
        strategies = import_module("ray.util.scheduling_strategies")
        machines = [one for one in self._ray.nodes() if one["Alive"]]
        streams = [
            self._function.options(
                num_cpus=0,
                max_retries=0,
                num_returns="streaming",
                scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(one["NodeID"], soft=False),
            ).remote(*self._fixed, None)
            for one in machines
        ]
        for one, stream in zip(machines, streams, strict=True):
            try:
                answers = [self._ray.get(answer) for answer in stream]
            except self._ray.exceptions.RayError as error:
                why = str(error).strip().splitlines()[-1]
                raise ConfigError(
                    f"{one['NodeManagerHostname']} does not answer within its Ray cluster: {why}"
                ) from error
            if answers:
                raise ConfigError(answers[0]["unfit"])
        self._note_places(machines)

    def _note_places(self, machines: list[Any]) -> None:
        cpus, gpus = self._each
        at_once = sum(places_of_machine(one["Resources"], cpus, gpus) for one in machines)
        what = f"{counted(len(machines), 'machine')}, {counted(at_once, 'run')} at once"
        self._progress.note(f"Ray cluster of {what} ({cpus:g} CPUs and {gpus:g} GPUs each)")
        if not at_once:
            self._progress.note("no machine has so much; the runs wait until one joins")

    def start(self, name: str, work: Callable[..., JobEnd]) -> None:
        """Start work, which must be a function that can be pickled, wherever there is a place for it."""
        self._start(name, pickle.dumps(work), 1)

    def _start(self, name: str, work: bytes, number: int) -> None:
        cpus, gpus = self._each
        task = self._function.options(num_cpus=cpus, num_gpus=gpus, max_retries=0, num_returns="streaming")
        self._running[task.remote(*self._fixed, work)] = (name, work, number)

    def wait(self) -> tuple[str, JobEnd]:
        """Pass on notes until one piece of work has ended; return its name and how it ended."""
        while True:
            for found in self._look():
                return found

    def _look(self) -> Iterator[tuple[str, JobEnd]]:
        """Pass on notes that are there, and yield what has ended."""
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=LOOK_EVERY, fetch_local=False)
        for stream in ready:
            self._begun.add(stream)
            name = self._running[stream][0]
            if ended := self._step(stream):
                yield name, ended

    def _step(self, stream: Any) -> JobEnd | None:  # noqa: ANN401
        name, work, number = self._running[stream]
        try:
            found = self._ray.get(next(stream))
        except StopIteration:
            ended = JobEnd(True, "its task ended without a result")
        except self._ray.exceptions.RayTaskError as error:
            ended = JobEnd(True, f"its task failed: {str(error).strip().splitlines()[-1]}")
        except self._ray.exceptions.RayError as error:
            del self._running[stream]
            return self._again(name, work, number, error)
        else:
            if isinstance(found, str):
                self._progress.note(f"{name}: {found}")
                return None
            ended = JobEnd(True, found["unfit"]) if isinstance(found, dict) else JobEnd(*found)
        del self._running[stream]
        return ended

    def _again(self, name: str, work: bytes, number: int, error: Exception) -> JobEnd | None:
        lost = f"its machine or its Ray worker was lost ({type(error).__name__})"
        if number >= self._tries:
            return JobEnd(True, f"{lost}, {number} times")
        self._progress.note(f"{name}: {lost}; it goes on elsewhere from what is in its folder")
        self._start(name, work, number + 1)
        return None

    def stop(self) -> None:
        """Interrupt all work as Ctrl-C does, and wait until it has ended.

        Work that runs looks for the mark; a cancelled task of Ray would count as ended before its processes have.
        """
        Path(self._mark.path).unlink(missing_ok=True)
        self._tries = 0
        for stream in [one for one in self._running if one not in self._begun]:
            self._ray.cancel(stream)
            del self._running[stream]
        self._progress.note(f"stopping {counted(len(self._running), 'run')}")
        until = time.monotonic() + STOP_LIMIT
        while self._running and time.monotonic() < until:
            deque(self._look(), maxlen=0)


def places_of_machine(resources: dict[str, float], cpus: float, gpus: float) -> int:
    """Return how many pieces of work a machine does at once."""
    of_each = ((resources.get(name, 0), wanted) for name, wanted in (("CPU", cpus), ("GPU", gpus)))
    return int(min((has // wanted for has, wanted in of_each if wanted), default=1))
