"""Results come in order, only a few ahead; a thread that never returns blocks nothing."""

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from attnmel.deploy import workers
from attnmel.deploy.workers import AHEAD_PER_WORKER, NAME, hung, in_threads
from attnmel.errors import StalledError


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event that a test may wait for; it comes at the end, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == NAME:
            thread.join(30)


def test_results_come_in_order_whoever_is_first() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.05 if number % 4 == 0 else 0)
        return number * number

    assert list(in_threads(slow_at_first, range(50), 4)) == [number * number for number in range(50)]
    assert not hung()


def test_works_are_taken_as_they_are_needed() -> None:
    taken = itertools.count()
    results = in_threads(str, iter(lambda: next(taken), None), 3)
    assert [next(results) for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert next(taken) <= 3 * AHEAD_PER_WORKER + 5


def test_an_error_comes_out_at_its_place() -> None:
    results = in_threads(lambda number: 1 // (number - 2), range(5), 2)
    assert next(results) == -1
    assert next(results) == -1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not hung()


def test_one_that_never_comes_back_ends_the_wait(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "GRACE", 0.1)

    def some_hang(path: Path) -> str:
        if path.name == "c":
            gate.wait()
        return path.name

    results = in_threads(some_hang, [Path(name) for name in "abcdefgh"], 2, limit=0.3)
    assert [next(results), next(results)] == ["a", "b"]
    with pytest.raises(StalledError) as stalled:
        next(results)
    assert str(stalled.value) == (
        "no result came for 0.3 seconds, at c: a library hangs, or this machine is very slow. Run the same command "
        "again; --stall-limit SECONDS (stall_limit in Python) sets a longer limit"
    )
    assert hung()
    gate.set()
    end = time.monotonic() + 30
    while hung() and time.monotonic() < end:
        time.sleep(0.01)
    assert not hung()


def test_without_a_limit_the_slow_one_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STEP", 0.01)
    assert list(in_threads(lambda number: time.sleep(0.2) or number, range(2), 1, limit=0)) == [0, 1]


def test_a_taker_who_leaves_waits_for_what_is_under_way_only() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        time.sleep(0.02)
        done.append(number)
        return number

    results = in_threads(work, range(1000), 2)
    next(results)
    results.close()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator
    assert not hung()
    assert len(done) <= 2 * AHEAD_PER_WORKER + 4
