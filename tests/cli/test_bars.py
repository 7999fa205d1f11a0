"""In a log the progress is a line a minute, with the time that the work and the whole run still take."""

import pytest

from attnmel.cli import bars
from attnmel.cli.bars import logged_bar


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    return now


def test_a_line_a_minute_says_how_far_it_is_and_when_all_ends(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with logged_bar("epoch 1/3", 100, "batches", further=200) as advance:
        for _ in range(30):
            clock[0] += 5
            advance(1)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "epoch 1/3: 12 of 100 batches, 7 min left, 24 min for all",
        "epoch 1/3: 24 of 100 batches, 6 min left, 23 min for all",
    ]


def test_short_work_and_work_of_unknown_length(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with logged_bar("short", 10, "images", further=0) as advance:
        advance(10)
    with logged_bar("predicting", None, "images", further=0) as advance:
        clock[0] += 61
        advance(1234)
    assert capsys.readouterr().err == "predicting: 1,234 images\n"
