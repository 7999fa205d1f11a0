"""Watches end in any order, and give Ctrl-C back to its former listener."""

import signal
import sys

import pytest
from tests.copies import Copy

from attnmel.pipeline.predict.stall_guard import stall_watched

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing watches on Windows")


def heard_by() -> int:
    """Return the file that hears of signals; -1 for none."""
    current = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(current, warn_on_full_buffer=False)
    return current


def test_a_watch_passes_things_on_and_leaves_no_trace() -> None:
    before = heard_by()
    with stall_watched(60, stalled="stalled", stopped="stopped") as passed_on:
        assert list(passed_on([1, 2, 3])) == [1, 2, 3]
        assert heard_by() not in (-1, before)
    assert heard_by() == before


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_two_watches_end_in_any_order(first_ends_first: bool) -> None:
    before = heard_by()
    one, other = (stall_watched(60, stalled="stalled", stopped="stopped") for _ in range(2))
    one.__enter__()
    other.__enter__()
    inner = heard_by()
    ends = (one, other) if first_ends_first else (other, one)
    ends[0].__exit__(None, None, None)
    assert (heard_by() == inner) == first_ends_first
    assert heard_by() != -1, "the other watch still hears of Ctrl-C"
    ends[1].__exit__(None, None, None)
    assert heard_by() in (before, -1)


@pytest.mark.parametrize(
    ("waits", "code"),
    [
        ("ctypes.PyDLL(None).sleep(1000)", -signal.SIGKILL),  # keeps Python's lock
        ("ctypes.CDLL(None).sleep(8)", 0),  # as a slow reader of the output does
    ],
)
def test_only_a_lock_that_is_kept_ends_a_process_that_uses_a_result(waits: str, code: int) -> None:
    program = f"""
import ctypes
from attnmel.pipeline.predict.stall_guard import stall_watched
with stall_watched(1, stalled="stalled", stopped="stopped") as passed_on:
    for _ in passed_on([1]):
        {waits}
"""
    with Copy(program) as process:
        _, told = process.communicate(timeout=100)
    assert process.returncode == code
    assert told == ("error: stalled\n" if code else "")
