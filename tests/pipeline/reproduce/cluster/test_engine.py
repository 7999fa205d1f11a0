"""A table on a real Ray cluster of two nodes on this machine, of which one is killed in the middle."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.reproduce.test_run import tiny_plan
from tests.pipeline.train.test_train import assert_same_weights

from attnmel.evaluation.thesis.tables import TablePlan
from attnmel.files.folders import RunFolder
from attnmel.files.locks import hold_folder
from attnmel.pipeline.reproduce.jobs import TableOptions
from attnmel.pipeline.reproduce.run import reproduce

if TYPE_CHECKING:
    from tests.conftest import Phantoms

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes of a node by /proc"),
]

NODE = "ATTNMEL_TEST_NODE"
"""Variable that every process of a node has, its trainings too."""
START_LIMIT = 300.0
"""Seconds for `ray start`; Ray 2.60 gives its own agents 15, so that it does not start on a machine that is busy."""
EPOCHS = ("training.epochs=12",)

DRIVER = """
import sys
from pathlib import Path
from attnmel.cli.terminal import Terminal
from attnmel.evaluation.thesis.tables import RANKING, TEST, TablePlan
from attnmel.pipeline.reproduce.jobs import TableOptions
from attnmel.pipeline.reproduce.cluster.tasks import Machines
from attnmel.pipeline.reproduce.cluster.engine import ray_engine
from attnmel.pipeline.reproduce.run import reproduce
address, out, home, overrides, *rows = sys.argv[1:]
plan = TablePlan("tiny", "Tiny", tuple(rows), RANKING, TEST)
options = TableOptions(plan=plan, out=Path(out), home=Path(home), overrides=(overrides,))
with ray_engine(address, options.out, Machines(), Terminal()) as engine:
    done = reproduce(options, Terminal(), engine=engine)
print("failures:", len(done.failures))
"""

FROM_PYTHON = """
import sys
import attnmel
address, out, home = sys.argv[1:]
settings = {
    "data.dataset": "phantoms", "data.size": 32, "model.width": 0.05, "model.weights": "random", "training.epochs": 1,
    "training.batch": 8, "training.device": "cpu", "training.precision": "float32",
}
table = attnmel.reproduce("isic2017", settings, rows=["mel-cnn"], engine="ray", address=address, out=out, home=home)
print(table.failures, *table.to_frame()["row"])
"""


class LocalCluster:
    """Two nodes with one CPU each, on the loopback device."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def begin(self, folder: Path) -> None:
        """Start the first node."""
        self._start("head", "--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={folder}")

    def join(self) -> None:
        """Start the second node."""
        self._start("second", f"--address={self.address}", "--node-ip-address=127.0.0.2")

    def _start(self, name: str, *options: str) -> None:
        shared = ("--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats")
        slow = {"RAY_agent_register_timeout_ms": "600000", "RAY_raylet_start_wait_time_s": "300"}
        paths = os.pathsep.join(filter(None, sys.path))
        subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", "start", *options, *shared],
            env={**os.environ, **slow, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", NODE: f"{name}-{self.address}"},
            check=True,
            timeout=START_LIMIT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, name: str) -> None:
        """Kill every process of a node, as when its power fails."""
        mark = f"{NODE}={name}-{self.address}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
            except (OSError, ProcessLookupError):
                continue


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # a socket's path is short
    made = LocalCluster()
    try:
        made.begin(folder)
        made.join()
        yield made
    finally:
        made.kill("second")
        made.kill("head")
        shutil.rmtree(folder, ignore_errors=True)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(cluster: LocalCluster, phantoms: "Phantoms") -> Start:
    """Start a table on the cluster; its messages go to a file."""

    def started(out: Path, log: Path, rows: Sequence[str]) -> "subprocess.Popen[str]":
        arguments = (cluster.address, str(out), str(phantoms.home), *EPOCHS, *rows)
        with log.open("w") as file:
            return subprocess.Popen([sys.executable, "-c", DRIVER, *arguments], stdout=file, stderr=file, text=True)

    return started


def wait_for(process: "subprocess.Popen[str]", log: Path, *texts: str) -> None:
    while any(text not in log.read_text() for text in texts):
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TablePlan:
    return tiny_plan(tmp_path_factory.mktemp("recipes"), "mel-cnn", "attnmel", "plain")


SENT = """
import ray.cloudpickle
from attnmel.pipeline.reproduce.cluster.machine import task_on_machine
print(ray.cloudpickle.dumps(task_on_machine()).hex())
"""
"""In a process of its own, since the checks of types in these tests cannot be pickled."""

ASKED = """
import sys
sys.modules["attnmel"] = None
import ray.cloudpickle
function = ray.cloudpickle.loads(bytes.fromhex(sys.argv[1]))
print(*function("0.1", ("mark", "text"), ".", None))
"""


def printed(*script: str) -> str:
    return subprocess.run([sys.executable, "-c", *script], capture_output=True, text=True, check=True).stdout


def test_a_machine_without_the_package_can_still_say_so() -> None:
    """The function is sent as code: to load it by its name would already need the package."""
    sent = printed(SENT)
    assert "has no attnmel; install version 0.1 there" in printed(ASKED, sent.strip())


def test_python_trains_a_table_on_the_cluster(cluster: LocalCluster, phantoms: "Phantoms", tmp_path: Path) -> None:
    out = tmp_path / "table"
    assert printed(FROM_PYTHON, cluster.address, str(out), str(phantoms.home)).startswith("{} ")
    assert RunFolder(out / "phantoms" / "mel-cnn" / "seed-0").measures.is_file()


def test_ctrl_c_ends_the_runs_before_the_command(start: Start, plan: TablePlan, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    first = start(out, log, plan.rows)
    wait_for(first, log, "epoch 2:")
    first.send_signal(signal.SIGINT)
    assert first.wait(120) != 0
    for run in out.glob("tiny/*/seed-0"):
        with hold_folder(run):
            pass  # no run is trained any more
    assert not [*out.glob(".*")], "and no mark is left"


def test_a_table_whose_node_was_killed_equals_that_of_one_machine(
    start: Start, cluster: LocalCluster, plan: TablePlan, phantoms: "Phantoms", tmp_path: Path
) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    running = start(out, log, plan.rows)
    wait_for(running, log, *(f"{row}, seed 0: epoch 2:" for row in plan.rows[:2]))
    cluster.kill("second")
    assert running.wait(900) == 0, log.read_text()
    said = log.read_text()
    assert "failures: 0" in said
    assert "it goes on elsewhere from what is in its folder" in said
    here = TableOptions(plan=plan, out=tmp_path / "here", home=phantoms.home, overrides=EPOCHS)
    done = reproduce(here)
    for row in done.table.blocks[0].rows:
        run, whole = (RunFolder(folder / row.name / "seed-0") for folder in (out, here.out))
        assert_same_weights(run, whole)
        assert run.measures.read_bytes() == whole.measures.read_bytes()
    again = start(out, log, plan.rows)
    assert again.wait(300) == 0
    assert log.read_text().count("is finished") == len(plan.rows)
    assert "attnmel train" not in log.read_text(), "no run is started again"
