"""The one door from a training to its loggers: TensorBoard always, MLflow and Weights & Biases by `training.log`.

The event files of TensorBoard are files of the run. No other logger can stop a training: one that fails is left out
from then on, with one note. The file `loggers.json` of the run folder has the name of the run at each logger, with
which a resumed training goes on. MLflow writes to $MLFLOW_TRACKING_URI, else to the SQLite file that is its default;
Weights & Biases writes offline, below the run folder, unless $WANDB_MODE says otherwise.
"""

import dataclasses
import math
import os
import time
import tomllib
import uuid
from collections.abc import Callable, Sequence

from attnmel.config.load import flat
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import read_json, write_json
from attnmel.pipeline.run.training.history import HistoryRow, SegmenterRow, write_events

Row = HistoryRow | SegmenterRow
Opened = tuple[Callable[[Row, dict[str, float]], object], Callable[[], object]]
"""How to log an epoch by its values, and how to end."""
LONGEST = 500
"""Characters of a setting's value; MLflow takes 6000, and lists of excluded images may have more."""


class Loggers:
    """Passes each epoch on, and closes what it opened."""

    def __init__(self, run: RunFolder, names: Sequence[str], note: Callable[[str], None]) -> None:
        self._run, self._names, self._note = run, list(dict.fromkeys(names)), note
        self._open: dict[str, Opened] = {}

    def write(self, row: Row) -> None:
        """Log an epoch."""
        write_events(self._run.events, row)
        values = {name: value for name, value in dataclasses.asdict(row).items() if name != "epoch"}
        values = {name: float(value) for name, value in values.items() if not math.isnan(value)}
        for name in tuple(self._names):
            self._try(name, lambda name=name: self._opened(name)[0](row, values))

    def close(self) -> None:
        """End the logged runs; one that a resumed training goes on with is opened again then."""
        for name, (_, close) in self._open.items():
            self._try(name, close)

    def _try(self, name: str, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever fails in a logger, the training goes on
            missing = isinstance(error, ModuleNotFoundError)
            why = f"pip install 'attnmel[{name}]' installs it" if missing else f"{error}".partition("\n")[0]
            self._names = [one for one in self._names if one != name]
            self._note(f"{name} gets no more of this run ({why}); the training goes on, and history.csv is whole")

    def _opened(self, name: str) -> Opened:
        if name not in self._open:
            settings = flat(tomllib.loads(self._run.recipe.read_text(encoding="utf-8")))
            plain = {key: str(value)[:LONGEST] for key, value in settings.items()}
            known = read_json(self._run.loggers) if self._run.loggers.is_file() else {}
            opened, key = OPEN[name](self._run, plain, known.get(name))
            write_json(self._run.loggers, known | {name: key})
            self._open[name] = opened
        return self._open[name]


# The packages of both are not in the extra `test`, by which CI checks types.
def _mlflow(run: RunFolder, settings: dict[str, str], known: str | None) -> tuple[Opened, str]:
    from mlflow import MlflowClient  # pyright: ignore[reportMissingImports]
    from mlflow.entities import Metric, Param  # pyright: ignore[reportMissingImports]
    from mlflow.exceptions import MlflowException  # pyright: ignore[reportMissingImports]

    client, key = MlflowClient(), known
    try:
        if known is not None:
            client.update_run(known, status="RUNNING")
    except MlflowException:  # another store
        key = None
    if key is None:
        name = settings.get("name", "segmenter")
        found = client.get_experiment_by_name(name)
        experiment = client.create_experiment(name) if found is None else found.experiment_id
        key = client.create_run(experiment, run_name=run.path.name).info.run_id
        client.log_batch(key, params=[Param(name, value) for name, value in settings.items()])

    def write(row: Row, values: dict[str, float]) -> None:
        now = round(time.time() * 1000)
        client.log_batch(key, [Metric(name, value, now, row.epoch) for name, value in values.items()])

    return (write, lambda: client.set_terminated(key)), key


def _wandb(run: RunFolder, settings: dict[str, str], known: str | None) -> tuple[Opened, str]:
    import wandb  # pyright: ignore[reportMissingImports]

    key = known or uuid.uuid4().hex[:8]
    # Values and settings alone: nothing of the machine, its terminal or its code.
    quiet = wandb.Settings(
        silent=True, console="off", disable_git=True, disable_code=True, x_disable_meta=True, x_disable_stats=True
    )
    opened = wandb.init(
        project=settings.get("name", "segmenter").replace("/", "-"),
        id=key,
        name=run.path.name,
        dir=str(run.path),
        config=settings,
        mode=os.environ.get("WANDB_MODE", "offline"),  # pyright: ignore[reportArgumentType] - wandb checks it
        resume="allow",
        settings=quiet,
    )
    return (lambda row, values: opened.log(values, step=row.epoch), opened.finish), key


OPEN: dict[str, Callable[[RunFolder, dict[str, str], str | None], tuple[Opened, str]]] = {
    "mlflow": _mlflow,
    "wandb": _wandb,
}
"""From a run folder, its settings and the name of its logged run so far to (write, close) and that name."""
