from collections.abc import Iterator

import pytest

from attnmel.data.preprocess.workers import in_order, worthwhile_processes
from attnmel.threads import available_processors


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_works(processes: int) -> None:
    assert list(in_order(abs, range(-30, 0), processes)) == list(range(30, 0, -1))


def test_results_are_given_before_all_works_are_asked_for() -> None:
    asked: list[int] = []

    def works() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    results = in_order(abs, works(), 2)
    assert next(results) == 0
    assert len(asked) < 20, "memory is bounded by what is handed out ahead"


def test_few_works_are_done_in_this_process() -> None:
    assert worthwhile_processes(0) == worthwhile_processes(100) == 1
    assert worthwhile_processes(1_000_000) == available_processors()
