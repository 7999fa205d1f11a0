import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attnmel.compute.threads import available_processors
from attnmel.data.preprocess.workers import in_order, worthwhile_processes


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_works(processes: int) -> None:
    assert list(in_order(abs, range(-30, 0), processes)) == list(range(30, 0, -1))


def test_results_are_given_before_all_works_are_asked_for() -> None:
    asked: list[int] = []

    def works() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    results = in_order(abs, works(), 2)
    assert next(results) == 0
    assert len(asked) < 100, "memory is bounded by what is handed out ahead"


def test_a_worker_of_a_pool_does_the_work_itself(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\n"
        "from attnmel.data.preprocess.workers import in_order\n"
        "def in_a_worker():\n"
        "    return list(in_order(abs, [-1, -2], 2))\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(in_a_worker))\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("[1, 2]\n", "")


def test_few_works_are_done_in_this_process() -> None:
    assert worthwhile_processes(0) == worthwhile_processes(100) == 1
    assert worthwhile_processes(1_000_000) == available_processors()


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from attnmel.data.preprocess.workers import in_order\n"
        "print('begun', flush=True)\n"
        "print(list(in_order(abs, range(-20, 0), 2)), __file__, __spec__)\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == ["begun", f"{list(range(20, 0, -1))} {script} None"]


def test_a_program_from_standard_input_prepares_in_several_processes() -> None:
    program = (
        "import os\nfrom operator import methodcaller\nfrom attnmel.data.preprocess.workers import in_order\n"
        "print(os.getpid() in in_order(methodcaller('__call__'), [os.getpid] * 20, 2))\n"
    )
    ended = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("False\n", "")
