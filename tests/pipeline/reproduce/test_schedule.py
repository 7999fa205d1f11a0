"""Runs start in the table's order, once all that they need has ended well."""

from pathlib import Path

from attnmel.files.folders import RunFolder
from attnmel.pipeline.reproduce.jobs import Job
from attnmel.pipeline.reproduce.schedule import Schedule


def job(name: str, *after: str) -> Job:
    return Job(
        row=name, seed=0, arguments=(), recipe=None, run=RunFolder(Path(name)), after=tuple(Path(one) for one in after)
    )


def started(schedule: Schedule) -> list[str]:
    found = []
    while one := schedule.next():
        found.append(one.row)
    return found


FUSED = (job("first"), job("second"), job("svm", "first"), job("fused", "first", "svm"), job("plain"))


def test_what_needs_nothing_starts_at_once_and_the_others_when_all_that_they_need_has_ended() -> None:
    schedule = Schedule(FUSED, {})
    assert started(schedule) == ["first", "second", "plain"]
    schedule.ended(FUSED[1])
    assert started(schedule) == []
    schedule.ended(FUSED[0])
    assert started(schedule) == ["svm"], "the fusion waits for it, too"
    schedule.ended(FUSED[2])
    assert started(schedule) == ["fused"]
    schedule.ended(FUSED[3])
    assert started(schedule) == []


def test_one_after_the_other_is_the_order_of_the_table() -> None:
    schedule, order = Schedule(FUSED, {}), []
    while one := schedule.next():
        order.append(one.row)
        schedule.ended(one)
    assert order == [one.row for one in FUSED]


def test_what_needs_a_failed_run_is_a_failure_with_its_name_and_the_others_go_on() -> None:
    failures: dict[str, str] = {}
    schedule = Schedule(FUSED, failures)
    assert started(schedule) == ["first", "second", "plain"]
    schedule.ended(FUSED[0], "no space left")
    assert started(schedule) == []
    assert failures == {
        "first, seed 0": "no space left",
        "svm, seed 0": "it needs first, seed 0, which failed",
        "fused, seed 0": "it needs first, seed 0, which failed",
    }


def test_a_run_that_cannot_be_trained_is_never_started_and_keeps_its_reason() -> None:
    failures = {"first, seed 0": "missing data", "fused, seed 0": "no recipe"}
    assert started(Schedule(FUSED, failures)) == ["second", "plain"]
    assert failures["fused, seed 0"] == "no recipe"
    assert failures["svm, seed 0"] == "it needs first, seed 0, which failed"
