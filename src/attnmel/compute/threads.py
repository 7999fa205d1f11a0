"""The processors of this process and the threads of one operation: requested, or by what is free. No torch."""

import os
import time
from numbers import Integral
from pathlib import Path

from attnmel.errors import ConfigError

THREADS_VARIABLE = "ATTNMEL_THREADS"

OTHERS_CHOICES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables by which the user sets the threads of every program; where one is set, torch follows it."""

CGROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

USAGE = Path("/proc/stat")

SAMPLE = 0.2
"""Seconds over which the use of the processors is measured."""


def requested_threads(count: int | None = None) -> int | None:
    """Return `count`, else $ATTNMEL_THREADS; None if neither is set.

    Raises:
        ConfigError: it is not a whole number above 0.
    """
    if count is not None:
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ConfigError(f"threads is {count!r}, expected a whole number above 0")
        return int(count)
    named = os.environ.get(THREADS_VARIABLE)
    if not named:
        return None
    if not named.isdecimal() or int(named) < 1:
        raise ConfigError(f"${THREADS_VARIABLE} is '{named}', expected a whole number above 0")
    return int(named)


def available_processors() -> int:
    """Return how many processors this process may use: those of its affinity, at most the quota of its container."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = processor_quota()
    return own if quota is None else max(1, min(own, int(quota)))


def threads_of_quota() -> int | None:
    """Return the threads for an engine that counts the machine's processors; None where no quota limits them."""
    return None if processor_quota() is None else available_processors()


def processor_quota() -> float | None:
    """Return the processors' time a second that the control groups of this process allow; None without a limit.

    Of version 2 the files `cpu.max` of the group and of all above it, of version 1 the group that is mounted for it.
    """
    try:
        own = next(line[3:] for line in OWN_GROUP.read_text().splitlines() if line.startswith("0::")).strip("/")
    except (OSError, StopIteration):
        own = ""
    folder = CGROUPS / own
    groups = [CGROUPS, folder, *(one for one in folder.parents if CGROUPS in one.parents)]
    found = [_numbers(group / "cpu.max") for group in groups]
    found.append([*_numbers(CGROUPS / "cpu/cpu.cfs_quota_us"), *_numbers(CGROUPS / "cpu/cpu.cfs_period_us")])
    return min((one[0] / one[1] for one in found if len(one) == 2 and min(one) > 0), default=None)


def busy_processors(seconds: float = SAMPLE) -> float:
    """Return how many processors other processes use, measured over some seconds; 0 where the system does not say."""
    before = _usage()
    if before is None:
        return 0.0
    own = time.process_time()
    time.sleep(seconds)
    after = _usage()
    total, used = (now - then for now, then in zip(after or before, before, strict=True))
    if total <= 0:
        return 0.0
    return max(0.0, used / total * (os.cpu_count() or 1) - (time.process_time() - own) / seconds)


def fair_threads(processors: int, busy: float, total: int) -> int:
    """Return the threads that get a processor each: of `total` processors, `busy` are used by other processes.

    If this process runs `total` threads, each of the `total` + `busy` gets an equal share; an operation waits for its
    slowest thread, so that more threads than full shares make it slower. On two processors with one busy that is one.
    """
    return max(1, min(processors, round(total * total / (total + busy))))


def _usage() -> tuple[float, float] | None:
    """Return the time of all processors since the start of the system, and that in use, in ticks."""
    try:
        ticks = [float(one) for one in USAGE.read_text().partition("\n")[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    # user nice system idle iowait irq softirq steal
    return (sum(ticks), sum(ticks) - sum(ticks[3:5])) if len(ticks) == 8 else None


def _numbers(path: Path) -> list[float]:
    """Return the numbers in a file; fewer where it is missing or says "max"."""
    try:
        return [float(one) for one in path.read_text().split() if one.lstrip("-").isdigit()]
    except OSError:
        return []
