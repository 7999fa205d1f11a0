"""Loggers get every epoch, a resumed run goes on in the same logged run, and no logger stops a training."""

import json
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from attnmel.config.load import load_recipe
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.training import loggers
from attnmel.pipeline.run.training.history import HistoryRow
from attnmel.pipeline.run.training.loggers import Loggers


def row(epoch: int, auc: float) -> HistoryRow:
    return HistoryRow(
        epoch=epoch,
        learning_rate=0.01,
        loss=0.5,
        focal=0.5,
        dice_pool3=math.nan,
        dice_pool4=math.nan,
        validation_auc=auc,
        validation_ap=0.5,
        validation_balanced_accuracy=0.5,
        seconds=1.0,
        images_per_second=3.0,
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path / "runs" / "demo" / "seed-0")
    folder.path.mkdir(parents=True)
    folder.recipe.write_text('name = "demo"\n[training]\nepochs = 2\n')
    return folder


def log(run: RunFolder, name: str, *rows: HistoryRow) -> list[str]:
    notes: list[str] = []
    opened = Loggers(run, [name], notes.append)
    for one in rows:
        opened.write(one)
    opened.close()
    return notes


def test_a_logger_that_fails_is_left_out_with_one_note(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> tuple[loggers.Opened, str]:
        raise ConnectionError("no server\nat all")

    monkeypatch.setitem(loggers.OPEN, "mlflow", failing)
    assert log(run, "mlflow", row(1, 0.5), row(2, 0.75)) == [
        "mlflow gets no more of this run (no server); the training goes on, and history.csv is whole"
    ]
    assert len(list(run.events.iterdir())) == 2, "TensorBoard has both epochs"


def test_a_missing_package_is_one_note_that_installs_it(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert log(run, "wandb", row(1, 0.5), row(2, 0.75)) == [
        "wandb gets no more of this run (pip install 'attnmel[wandb]' installs it); the training goes on, and "
        "history.csv is whole"
    ]


def test_loggers_are_named_by_one_setting_which_makes_no_other_recipe() -> None:
    assert load_recipe("demo", ["training.log=mlflow,wandb"]).training.log == ("mlflow", "wandb")
    assert load_recipe("demo", ['training.log=["wandb"]']).training.log == ("wandb",)
    with pytest.raises(ConfigError, match=r"training\.log.* 'mlflow' or 'wandb'"):
        load_recipe("demo", ["training.log=neptune"])


@pytest.mark.slow
def test_mlflow_gets_every_epoch_by_its_server_in_one_run(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = ["-m", "mlflow", "server", "--backend-store-uri", "sqlite:///server.db", "--port", str(port)]
    server = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{address}/health")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        log_apart(run, "mlflow", 1)
        log_apart(run, "mlflow", 2)
        key = json.loads(run.loggers.read_text())["mlflow"]
        found = asked(f"{address}/api/2.0/mlflow/runs/get?run_id={key}")["run"]
        assert found["info"]["run_name"] == "seed-0"
        assert found["info"]["status"] == "FINISHED"
        assert {"key": "training.epochs", "value": "2"} in found["data"]["params"]
        history = asked(f"{address}/api/2.0/mlflow/metrics/get-history?run_id={key}&metric_key=validation_auc")
        assert [(one["step"], one["value"]) for one in history["metrics"]] == [(1, 0.1), (2, 0.2)]
    finally:
        server.terminate()
        server.wait()


@pytest.mark.slow
def test_wandb_writes_offline_under_one_name(run: RunFolder) -> None:
    pytest.importorskip("wandb", reason="needs the extra wandb")
    log_apart(run, "wandb", 1)
    log_apart(run, "wandb", 2)
    key = json.loads(run.loggers.read_text())["wandb"]
    files = sorted(run.path.glob(f"wandb/offline-run-*-{key}/run-{key}.wandb"))
    assert len(files) == 2
    assert all(file.stat().st_size for file in files)


def log_apart(run: RunFolder, name: str, epoch: int) -> None:
    """Log one epoch in a process of its own, as a training that was resumed."""
    program = f"""
        import sys; sys.path[:0] = {sys.path!r}
        from importlib import import_module
        from pathlib import Path
        from attnmel.files.folders import RunFolder
        from attnmel.pipeline.run.training.history import HistoryRow
        from attnmel.pipeline.run.training.loggers import Loggers
        values = dict.fromkeys(HistoryRow.__dataclass_fields__, 0.5)
        notes = []
        loggers = Loggers(RunFolder(Path({str(run.path)!r})), [{name!r}], notes.append)
        loggers.write(HistoryRow(**values | {{"epoch": {epoch}, "validation_auc": {epoch} / 10}}))
        loggers.close()
        assert not notes, notes
    """
    lines = "\n".join(line.strip() for line in program.splitlines())
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, env=os.environ, text=True)
    assert done.returncode == 0, done.stderr


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(address: str, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nothing at {address}")


def asked(address: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)
