"""`attnmel.train`: a recipe -> one finished run for each seed, of a network, a fitted system or a fusion."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.api.places import optional_path
from attnmel.api.recipes import OpenedRecipe, Settings, open_recipe, overrides
from attnmel.arguments import checked_arguments
from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import AnyRecipe, network_recipe, with_seeds
from attnmel.config.no_effect import without_effect
from attnmel.config.recipe import Recipe
from attnmel.config.system import SystemRecipe
from attnmel.errors import ConfigError
from attnmel.files.data_frames import frame
from attnmel.files.folders import RunFolder, home_folder
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.models.own_network import Build
    from attnmel.pipeline.run.run import Run


@dataclass(frozen=True)
class TrainedSeed:
    """One finished run."""

    run: "Run"
    measure: str
    """By which the best epoch was chosen."""
    value: float
    """Of the validation images."""
    best_epoch: int | None = None
    """None of a system or a fusion, which have none."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel train --json` prints them for each seed."""
        epoch = {} if self.best_epoch is None else {"best_epoch": self.best_epoch}
        return {"run": str(self.run.path), **epoch, self.measure: self.value}


@dataclass(frozen=True)
class Trained:
    """The finished runs of a recipe, one a seed."""

    seeds: tuple[TrainedSeed, ...]

    @property
    def runs(self) -> "tuple[Run, ...]":
        """The runs, by rising seed."""
        return tuple(one.run for one in self.seeds)

    @property
    def run(self) -> "Run":
        """The only run, or the one of the first seed."""
        return self.seeds[0].run

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain values, as `attnmel train --json` prints them."""
        return [one.to_dict() for one in self.seeds]

    def to_frame(self) -> "DataFrame":
        """Return a table with a row for each seed."""
        return frame(self.to_dict())


@checked_arguments("recipe")
def train(
    recipe: "str | Path | AnyRecipe",
    settings: Settings = (),
    *,
    data: str | Path | None = None,
    network: "Build | None" = None,
    seeds: int = 1,
    out: Path | str | None = None,
    home: Path | str | None = None,
    resume: bool = False,
    ablation: str | None = None,
    exclude: Path | str | None = None,
    allow_leakage: bool = False,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> Trained:
    """Train a network, or fit a system or a fusion, by a recipe, evaluate and calibrate it; as `attnmel train`.

    `settings` are changes by dotted names, {"training.epochs": 20}. `data` is a known data set or a folder with
    labels.csv, such as `attnmel.datasets.make_folder` writes. `network` is a function of your own from the number of
    classes to a torch module (docs/how-to/python.md). Each seed gets the run folder OUT/RECIPE/seed-SEED, `out` being
    "runs" if it is not given. `progress` is called with a label, the steps done and all steps.

    Raises:
        ConfigError: an unknown recipe, key or value, or a folder that holds a run already (continue it by `resume`).
        LabelError: the images, labels and splits cannot be trained on.
        TrainingError: the loss is no longer finite; checkpoints of finished epochs are kept.
    """
    from attnmel.pipeline.train.processes import starts_processes

    more: dict[str, object] = {} if data is None else {"data.dataset": str(data)}
    if network is not None:
        from attnmel.models.own_network import register_network

        more |= {"model.network": "own", "model.own": register_network(network), "model.weights": "random"}
    given = dict(settings) | more if isinstance(settings, Mapping) else [*overrides(settings), *overrides(more)]
    opened = open_recipe(
        recipe,
        given,
        ablation=ablation,
        exclude=optional_path(exclude),
        allow_leakage=allow_leakage,
        columns=columns,
        strict=strict,
    )
    if isinstance(opened.recipe, Recipe) and starts_processes(opened.recipe.training.devices):
        raise ConfigError(
            f"training.devices = {opened.recipe.training.devices} starts processes, which the command `attnmel train` "
            "does; in Python leave it at 1, or start the processes yourself, as by torchrun"
        )
    return train_opened(
        opened,
        seeds=seeds,
        out=optional_path(out),
        home=home_folder(optional_path(home)),
        resume=resume,
        threads=threads,
        command="attnmel.train (Python)",
        progress=as_progress(progress),
    )


def train_opened(
    opened: OpenedRecipe,
    *,
    seeds: int,
    out: Path | None,
    home: Path,
    resume: bool,
    threads: int | None,
    command: str,
    progress: Progress,
) -> Trained:
    """Train each seed of a recipe that was read; as `train`."""
    from attnmel.data.datasets.read_dataset import reads_own_table
    from attnmel.pipeline.train.processes import company
    from attnmel.pipeline.train.train import run_folder

    if seeds < 1:
        raise ConfigError(f"{seeds} seeds; expected at least 1")
    first = opened.recipe
    if sentence := without_effect(first, (*opened.changed, *opened.own), own_table=reads_own_table(first.data.dataset)):
        progress.note(sentence)
    _use_threads(first, threads, progress)
    if isinstance(first, FusionRecipe) and first.fusion.parts and opened.given_run is None:
        return Trained(
            tuple(_fuse_parts(one, opened, out, home, resume, command, progress) for one in with_seeds(first, seeds))
        )
    if isinstance(first, SystemRecipe):
        return Trained(
            tuple(
                _fit_system(one, run_folder(one, out, opened.given_run), home, resume, command, progress)
                for one in with_seeds(first, seeds)
            )
        )
    network = network_recipe(first)
    with company():
        found = [
            _train_network(one, run_folder(one, out, opened.given_run), home, resume, command, progress)
            for one in with_seeds(network, seeds)
        ]
    return Trained(tuple(one for one in found if one is not None))


def _use_threads(recipe: AnyRecipe, threads: int | None, progress: Progress) -> None:
    from attnmel.compute.runtime import choose_device, use_threads

    if not isinstance(recipe, Recipe):
        use_threads(threads)
        return
    training = recipe.training
    on_cpus = choose_device(training.device).type == "cpu"
    use_threads(
        threads or training.threads,
        processes=training.devices if on_cpus else 1,
        note=progress.note if on_cpus else None,
    )


def _train_network(
    recipe: Recipe, folder: RunFolder, home: Path, resume: bool, command: str, progress: Progress
) -> TrainedSeed | None:
    """Train one seed; None in each of several processes but the first."""
    from attnmel.pipeline.experiment import run_recipe
    from attnmel.pipeline.run.provenance import begun_precision
    from attnmel.pipeline.run.run import Run
    from attnmel.pipeline.train.train import recipe_fabric

    recipe = begun_precision(recipe, folder, progress) if resume else recipe
    fabric = recipe_fabric(recipe)
    best = run_recipe(recipe, folder, home=home, fabric=fabric, resume=resume, command=command, progress=progress)
    measure = recipe.training.select
    trained = TrainedSeed(Run(folder, home, progress), measure, best.validation(measure), best.epoch)
    return trained if fabric.is_global_zero else None


def _fit_system(
    recipe: SystemRecipe, folder: RunFolder, home: Path, resume: bool, command: str, progress: Progress
) -> TrainedSeed:
    from attnmel.pipeline.experiment import run_system

    run = run_system(recipe, folder, home=home, resume=resume, command=command, progress=progress)
    return TrainedSeed(run, "auc", run.results["validation"].judgement.row(run.target_class, "auc").value)


def _fuse_parts(
    recipe: FusionRecipe,
    opened: OpenedRecipe,
    out: Path | None,
    home: Path,
    resume: bool,
    command: str,
    progress: Progress,
) -> TrainedSeed:
    from attnmel.pipeline.fusion_training import run_fusion

    run = run_fusion(
        recipe,
        out or Path("runs"),
        overrides=opened.changed,
        home=home,
        resume=resume,
        command=command,
        progress=progress,
    )
    found = run.results[next(iter(run.results))]
    return TrainedSeed(run, "auc", found.judgement.row(run.target_class, "auc").value)
