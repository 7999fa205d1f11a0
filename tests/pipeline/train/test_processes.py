"""Several processes of one training: the losses and weights of one process, one that writes, one that dies."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.metrics import roc_auc_score
from tests.copies import Copy
from torch import Tensor, nn

from attnmel.cli import main
from attnmel.cli.app import STARTED
from attnmel.errors import ConfigError, TrainingError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.pipeline.reproduce.commands import Commands
from attnmel.pipeline.train import processes
from attnmel.pipeline.train.processes import STARTER, company, run_together, starts_processes
from attnmel.progress import SILENT
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals")

SETTINGS = {
    "data.size": "32",
    "model.trunk": "vgg16",
    "model.width": "0.05",
    "loss.prior": "lesion",
    # So heavy that a slip in the Dice terms of several processes shows in the weights.
    "loss.pool3_weight": "0.5",
    "loss.pool4_weight": "1",
    "training.batch": "8",
    "training.epochs": "6",
    "training.precision": "float32",
    "training.device": "cpu",
}

SAME = 1e-5
"""What float32 sums in another order may differ by after a few steps."""

EXACT = ("epoch", "learning_rate", "loss", "focal", "dice_pool3", "dice_pool4", "validation_auc", "validation_ap")
"""Columns of the history that no clock decides."""


@dataclasses.dataclass(frozen=True)
class Ran:
    """A command that ended, and its run."""

    said: str
    run: RunFolder

    def history(self) -> list[list[float]]:
        """What each epoch gave, without its times."""
        with self.run.history.open(newline="") as file:
            return [[float(row[name]) for name in EXACT] for row in csv.DictReader(file)]

    def weights(self) -> list[Tensor]:
        """Weights and running statistics of the last epoch."""
        return list(load_checkpoint(self.run.last)[0].state_dict().values())

    def probabilities(self, split: str) -> list[float]:
        """Probability of melanoma of each image of a split."""
        with self.run.predictions(split).open(newline="") as file:
            return [float(row["probability_melanoma"]) for row in csv.DictReader(file)]


Command = Callable[..., list[str]]


@pytest.fixture(scope="module")
def command(phantoms: "Phantoms") -> Command:
    """Give the command of a training on so many devices, with more settings, as a user would type it."""

    def make(out: Path, devices: int, *more: str, **changes: str) -> list[str]:
        settings = {**SETTINGS, "training.devices": str(devices)} | {
            name.replace("__", "."): value for name, value in changes.items()
        }
        changed = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        return ["train", "demo", *changed, "--home", str(phantoms.home), "--out", str(out), *more]

    return make


def attnmel(arguments: list[str], out: Path) -> Ran:
    ran = subprocess.run([sys.executable, "-m", "attnmel", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return Ran(ran.stderr, RunFolder(out / "demo" / "seed-0"))


def alone(arguments: list[str], out: Path) -> Ran:
    """Run a command of one process in this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["attnmel", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    assert not end.value.code
    return Ran("", RunFolder(out / "demo" / "seed-0"))


@pytest.fixture(scope="module")
def two(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A finished run of two processes."""
    out = tmp_path_factory.mktemp("two")
    return attnmel(command(out, 2), out)


def assert_same(found: Ran, expected: Ran) -> None:
    assert len(found.history()) == len(expected.history())
    for one, other in zip(found.history(), expected.history(), strict=True):
        assert one == pytest.approx(other, rel=SAME, abs=SAME)
    for one, other in zip(found.weights(), expected.weights(), strict=True):
        assert one.flatten().tolist() == pytest.approx(other.flatten().tolist(), rel=1e-3, abs=1e-5)
    for split in ("validation", "test"):
        assert found.probabilities(split) == pytest.approx(expected.probabilities(split), rel=1e-4)


@pytest.mark.slow
def test_two_processes_have_the_losses_weights_and_measures_of_one(two: Ran, command: Command, tmp_path: Path) -> None:
    assert_same(two, alone(command(tmp_path, 1), tmp_path))


@pytest.mark.slow
def test_two_processes_share_a_batch_in_parts_and_the_dice_loss_of_each_image(command: Command, tmp_path: Path) -> None:
    kind = {"loss__dice": "image", "training__accumulate": "2", "training__epochs": "2"}
    together = attnmel(command(tmp_path / "two", 2, **kind), tmp_path / "two")
    assert_same(
        together, alone(command(tmp_path / "one", 1, loss__dice="image", training__epochs="2"), tmp_path / "one")
    )


@pytest.mark.slow
def test_one_of_two_processes_writes_and_speaks(two: Ran) -> None:
    rows = two.history()
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [line.split(":")[0] for line in two.said.splitlines() if line.startswith("epoch")] == [
        f"epoch {number}" for number in range(1, 7)
    ]
    assert len(list(two.run.events.iterdir())) == len(rows)
    assert json.loads(two.run.provenance.read_text())["processes"] == 2
    assert "Warning" not in two.said


@pytest.mark.slow
def test_with_batch_norm_the_network_that_is_judged_is_the_one_that_is_kept(command: Command, tmp_path: Path) -> None:
    ran = attnmel(command(tmp_path, 2, model__trunk="vgg16_bn", training__epochs="2"), tmp_path)
    assert "each process normalises its own share of a batch" in ran.said
    best, card = load_checkpoint(ran.run.best)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in best.modules())
    judged = Predictions.read(ran.run.predictions("validation"))  # by one process, from the checkpoint
    expected = ran.history()[card.epoch - 1][EXACT.index("validation_auc")]
    assert roc_auc_score(judged.labels, judged.probability("melanoma")) == pytest.approx(expected, abs=1e-9)


@contextmanager
def started(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "attnmel", *arguments]
    # A test run started in the background of a shell ignores SIGINT, and its children would too.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=listen) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(there: Callable[[], object], process: subprocess.Popen[str], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, "the command ended before its time"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def processes_of(watcher: int) -> dict[int, int]:
    """Return the place of each process that a watcher started, and its number."""
    found = {}
    for task in Path(f"/proc/{watcher}/task/{watcher}/children").read_text().split():
        variables = Path(f"/proc/{task}/environ").read_bytes().split(b"\0")
        places = [int(value.partition(b"=")[2]) for value in variables if value.startswith(processes.PLACE.encode())]
        found |= {place: int(task) for place in places}
    return found


def has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except FileNotFoundError:
        return True


def left_behind(folder: Path) -> list[Path]:
    return list(folder.rglob(".????????-*"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the processes are found in /proc")
@pytest.mark.parametrize("place", [0, 1])
def test_a_process_that_is_killed_ends_the_others_and_the_run_goes_on_to_the_same_weights(
    place: int, two: Ran, command: Command, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "demo" / "seed-0")
    with started(command(tmp_path, 2)) as process:
        wait_for(run.history.exists, process)
        numbers = processes_of(process.pid)
        assert sorted(numbers) == [0, 1]
        os.kill(numbers[place], signal.SIGKILL)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"error: process {place} of 2 (counted from 0) was ended by SIGKILL (the system does that when" in said
    assert "run the same command again with --resume" in said
    assert "Traceback" not in said
    assert all(has_ended(number) for number in numbers.values())
    assert not left_behind(tmp_path) or place == 0, "the one that writes had time to clear up"
    resumed = attnmel(command(tmp_path, 2, "--resume"), tmp_path)
    finished = len(two.history())
    assert 0 < resumed.said.count("\nepoch") + resumed.said.startswith("epoch") < finished
    assert resumed.history() == two.history()
    for one, other in zip(resumed.weights(), two.weights(), strict=True):
        assert one.equal(other)
    assert resumed.run.predictions("test").read_text() == two.run.predictions("test").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the processes are found in /proc")
def test_the_processes_end_with_the_one_that_watches_them(command: Command, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "demo" / "seed-0")
    with started(command(tmp_path, 2, training__epochs="500")) as process:
        wait_for(run.history.exists, process)
        numbers = processes_of(process.pid)
        process.kill()
        deadline = time.monotonic() + 2 * processes.GRACE
        while not all(map(has_ended, numbers.values())) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert all(map(has_ended, numbers.values()))
    assert not left_behind(tmp_path)


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_with_one_sentence(command: Command, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "demo" / "seed-0")
    with started(command(tmp_path, 2, training__epochs="500")) as process:
        wait_for(run.history.exists, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.count("error:") == 1
    assert "stopped. What was finished is kept" in said
    assert not left_behind(tmp_path)


@pytest.mark.slow
def test_a_mistake_that_shows_in_every_process_is_told_once(command: Command, two: Ran, tmp_path: Path) -> None:
    arguments = command(two.run.path.parents[1], 2)
    ran = subprocess.run([sys.executable, "-m", "attnmel", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.count("already holds a run; continue it with --resume") == 1
    assert ran.stderr.count("error:") == 1


def test_a_command_that_fails_in_each_process_gives_its_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    ended = run_together(["fry"], 2)
    assert ended == (2, "")
    assert capfd.readouterr().err.count("No such command 'fry'") == 1


def test_processes_are_not_started_where_something_else_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in processes.STARTED_OUTSIDE:
        monkeypatch.delenv(name, raising=False)
    assert starts_processes(2)
    assert not starts_processes(1)
    monkeypatch.setenv("SLURM_NTASKS", "2")
    assert not starts_processes(2)


def test_a_lost_connection_is_told_with_what_to_do_and_another_error_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ECHO", 0.0)
    lost = "[/w/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:10643. This is typical"
    told = r"was lost \(Connection closed by peer \[127.*:10643\); look at .* again with --resume"
    with pytest.raises(TrainingError, match=told), company():
        raise RuntimeError(lost)
    with pytest.raises(RuntimeError, match="sizes do not fit"), company():
        raise RuntimeError("sizes do not fit")
    unused = (
        "Expected to have finished reduction in the prior iteration before starting a new one. This error indicates"
    )
    with pytest.raises(ConfigError, match="some weights of the network play no part in its scores"), company():
        raise RuntimeError(unused)


FOLLOWING = """
import sys, time
from attnmel.pipeline.train.processes import follow_starter
follow_starter()
print("begun", flush=True)
time.sleep(60)
"""


def following(starter: int) -> Copy:
    """Start a process that follows another one."""
    return Copy(f"import os; os.environ[{STARTER!r}] = '{starter}'\n{FOLLOWING}")


def test_a_step_of_a_command_ends_with_it_even_if_that_was_killed_before_it_began_to_look() -> None:
    with Copy("") as gone:
        gone.wait()
    with following(gone.pid) as late, following(os.getpid()) as other:
        assert late.wait(20) == 128 + signal.SIGTERM
        assert other.stdout.readline() == "begun\n"
        assert other.poll() is None
        other.kill()


def test_the_command_line_knows_the_variables_of_a_started_process() -> None:
    assert {STARTER, processes.PLACE} == STARTED


def test_a_table_starts_its_runs_so_that_they_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []

    class Started(subprocess.Popen):  # pyright: ignore[reportMissingTypeArgument] - of texts
        def __init__(self, command: list[str], **given: Any) -> None:  # noqa: ANN401
            started.append(given["env"])
            super().__init__(["true"], **given)

    monkeypatch.setattr(subprocess, "Popen", Started)
    assert Commands(SILENT).run(("train", "demo")) == ""
    assert [one[STARTER] for one in started] == [str(os.getpid())]
