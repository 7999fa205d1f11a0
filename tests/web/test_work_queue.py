"""Images are computed in the order in which they came, only so many wait, and a library that hangs stops nobody."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from attnmel.deploy.workers import hung
from attnmel.errors import BusyError, ImageError, StalledError
from attnmel.web import work_queue
from attnmel.web.limits import Limits
from attnmel.web.work_queue import GoneError, WorkQueue


async def stays() -> bool:
    return False


async def is_gone() -> bool:
    return True


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "STEP", 0.01)


@contextmanager
def queue_of(threads: int, **limits: float) -> Iterator[WorkQueue]:
    queue = WorkQueue(threads, Limits(**limits))  # pyright: ignore[reportArgumentType] - limits of both kinds
    yield queue
    queue.close()


def waits_for(event: threading.Event, several: bool) -> bool:
    assert event.wait(10)
    return True


def test_results_are_in_order_and_each_image_gets_its_turn_in_order() -> None:
    turns: list[int] = []

    def turn(number: int, several: bool) -> int:
        turns.append(number)
        return number

    async def ask(queue: WorkQueue) -> list[list[int]]:
        requests = [[partial(turn, 3 * one + image) for image in range(3)] for one in range(50)]
        return await asyncio.gather(*(queue.results(request, stays) for request in requests))

    with queue_of(1, waiting=150) as queue:
        assert asyncio.run(ask(queue)) == [[3 * one, 3 * one + 1, 3 * one + 2] for one in range(50)]
        assert turns == list(range(150))
        assert queue.waiting == 0


def test_an_image_alone_is_computed_by_all_threads_and_several_share_them() -> None:
    async def ask(queue: WorkQueue, count: int) -> list[bool]:
        return await queue.results([lambda several: several] * count, stays)

    with queue_of(1) as queue:
        assert asyncio.run(ask(queue, 1)) == [False]
        assert asyncio.run(ask(queue, 2))[0] is True


def test_past_the_limit_a_request_is_refused_while_the_others_are_computed() -> None:
    event = threading.Event()

    async def ask(queue: WorkQueue) -> list[bool]:
        works = [partial(waits_for, event)] * 3
        first = asyncio.create_task(queue.results(works, stays))
        await asyncio.sleep(0.02)
        with pytest.raises(BusyError, match="3 images are waiting, and at most 4 may; send 2 more later"):
            await queue.results(works[:2], stays)
        event.set()
        return await first

    with queue_of(1, waiting=4) as queue:
        assert asyncio.run(ask(queue)) == [True] * 3
        assert queue.waiting == 0


def test_a_library_that_hangs_stops_only_its_own_request() -> None:
    event = threading.Event()

    async def ask(queue: WorkQueue) -> list[int]:
        with pytest.raises(StalledError, match=r"no result came for 0\.05 seconds: a library hangs on this image"):
            await queue.results([partial(waits_for, event), lambda several: 1], stays)
        assert (queue.lost, queue.waiting) == (1, 0)
        assert hung(), "the command line ends without waiting for it"
        return await queue.results([lambda several: 7], stays)

    with queue_of(1, stall_seconds=0.05) as queue:
        assert asyncio.run(ask(queue)) == [7]
        event.set()  # what hung returns after all: its thread ends, and no longer counts
        for _ in range(100):
            if not queue.lost:
                break
            threading.Event().wait(0.01)
        assert queue.lost == 0
    assert not hung()


def test_after_too_many_lost_threads_the_server_says_that_it_must_be_started_again() -> None:
    event = threading.Event()

    async def ask(queue: WorkQueue) -> None:
        for _ in range(2):
            with pytest.raises(StalledError, match="a library hangs on this image"):
                await queue.results([partial(waits_for, event)], stays)
        with pytest.raises(StalledError, match="a library hangs in 2 threads; start the server again"):
            await queue.results([lambda several: 1], stays)

    with queue_of(1, stall_seconds=0.02, lost_threads=2) as queue:
        asyncio.run(ask(queue))
        event.set()


def test_images_that_nobody_waits_for_are_left_out() -> None:
    event, computed = threading.Event(), []

    async def ask(queue: WorkQueue, gone: Callable[[], Awaitable[bool]]) -> None:
        first = asyncio.create_task(queue.results([partial(waits_for, event)], stays))
        await asyncio.sleep(0.02)
        with pytest.raises(GoneError):
            await queue.results([lambda several: computed.append(1)], gone)
        event.set()
        await first
        await queue.results([lambda several: None], stays)

    with queue_of(1) as queue:
        asyncio.run(ask(queue, is_gone))
        assert computed == []


def test_an_error_of_one_image_is_raised_where_its_result_is_read() -> None:
    def fails(several: bool) -> None:
        raise ImageError("no picture")

    with queue_of(1) as queue, pytest.raises(ImageError, match="no picture"):
        asyncio.run(queue.results([fails], stays))
