"""Threads follow the processors that are free: affinity, the container's quota, and what other programs use."""

from pathlib import Path

import pytest
import torch

from attnmel.compute import runtime, threads
from attnmel.compute.threads import available_processors, busy_processors, fair_threads, processor_quota


@pytest.mark.parametrize(
    ("processors", "busy", "total", "expected"),
    [
        (2, 0.0, 2, 2),
        (2, 0.3, 2, 2),
        (2, 1.0, 2, 1),
        (2, 2.0, 2, 1),
        (2, 30.0, 2, 1),
        (64, 0.0, 64, 64),
        (64, 64.0, 64, 32),
        (4, 0.0, 64, 4),
    ],
)
def test_each_thread_has_a_processor_of_its_own(processors: int, busy: float, total: int, expected: int) -> None:
    assert fair_threads(processors, busy, total) == expected


def groups(folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], own: str = "/") -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "own").write_text(f"4:memory:/elsewhere\n0::{own}\n")
    monkeypatch.setattr(threads, "CGROUPS", folder)
    monkeypatch.setattr(threads, "OWN_GROUP", folder / "own")


@pytest.mark.parametrize(
    ("files", "own", "quota"),
    [
        ({}, "/", None),
        ({"cpu.max": "max 100000"}, "/", None),
        ({"cpu.max": "150000 100000"}, "/", 1.5),
        ({"a/cpu.max": "400000 100000", "a/b/cpu.max": "max 100000"}, "/a/b", 4.0),
        ({"a/cpu.max": "400000 100000", "a/b/cpu.max": "50000 100000"}, "/a/b", 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "/", None),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, "/", 2.0),
    ],
)
def test_the_quota_of_a_container_is_the_least_of_all_groups_above(
    files: dict[str, str], own: str, quota: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups(tmp_path, monkeypatch, files, own)
    assert processor_quota() == quota
    if quota is not None:
        assert available_processors() <= max(1, int(quota))


def test_what_other_programs_use_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two processors over one second: 120 of 200 ticks in use, user, system and steal; waiting for a disk is none.
    readings = iter(["cpu  100 0 50 800 10 0 0 0 0 0", "cpu  180 0 80 870 20 0 0 10 0 0"])
    monkeypatch.setattr(threads, "USAGE", tmp_path / "stat")
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threads.time, "process_time", lambda: 0.0)
    monkeypatch.setattr(threads.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(Path, "read_text", lambda path: next(readings))
    assert busy_processors() == pytest.approx(120 / 200 * 2)


def test_a_system_that_does_not_say_is_taken_as_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "USAGE", tmp_path / "none")
    assert busy_processors() == 0


def test_the_number_is_said_with_its_reason_unless_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    before, said = torch.get_num_threads(), []
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATTNMEL_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(runtime, "busy_processors", lambda: 63.0)
    try:
        assert runtime.use_threads(note=said.append) == 1
        assert said[0].startswith("1 thread for each operation (63.0 of ")
        assert said[0].endswith("--threads sets another number)")
        runtime.use_threads(1, note=said.append)
        assert said[1] == "1 thread for each operation"
    finally:
        torch.set_num_threads(before)
