"""What is handed over is written whole and in order, while its owner goes on, and an error reaches the owner."""

from threading import Event

import pytest

from attnmel.pipeline.train.background_writer import BackgroundWriter

SECONDS = 30


def test_the_owner_goes_on_while_something_is_written_and_the_next_waits_its_turn() -> None:
    went_on, written = Event(), []

    def slow() -> None:
        assert went_on.wait(SECONDS)
        written.append("first")

    with BackgroundWriter() as beside:
        beside.hand_over(slow)
        assert written == []
        went_on.set()
        beside.hand_over(lambda: written.append("second"))
        assert written[0] == "first"
    assert written == ["first", "second"]


def test_an_error_of_the_writing_comes_out_of_the_next_call() -> None:
    def fail() -> None:
        raise OSError(28, "the disk is full")

    with pytest.raises(OSError, match="the disk is full"), BackgroundWriter() as beside:
        beside.hand_over(fail)
    written: list[str] = []
    beside = BackgroundWriter()
    beside.hand_over(fail)
    with pytest.raises(OSError, match="the disk is full"):
        beside.hand_over(lambda: written.append("next"))
    assert written == []


def test_a_stop_leaves_what_was_handed_over_whole_and_hides_no_error_of_its_own() -> None:
    stopped, written = Event(), []

    def slow() -> None:
        assert stopped.wait(SECONDS)
        written.append("whole")
        raise OSError(28, "the disk is full")

    def stop() -> None:
        with BackgroundWriter() as beside:
            beside.hand_over(slow)
            stopped.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert written == ["whole"]
