"""A run folder, opened once: its recipe, provenance, history, results, checkpoint, images and predictions."""

from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from attnmel import runtime
from attnmel.config.load import AnyRecipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.features.store import load_classifier
from attnmel.folders import RunFolder, home_folder
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import set_temperature
from attnmel.pipeline.run.dataset import Prepared, prepare
from attnmel.pipeline.run.history import HistoryRow, read_history
from attnmel.pipeline.run.provenance import check_card, read_provenance, read_recipe, refuse_other_data
from attnmel.pipeline.run.results import CHOOSES, SplitResults, read_measures, write_measures
from attnmel.pipeline.run.results_details import Details, read_details, write_details
from attnmel.pipeline.run.seen_images import Known, read_images
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions


class Run:
    """One training run: each of its files is read at most once, when first needed, and its data set prepared once.

    What is written through a `Run` is what it returns afterwards; what others write meanwhile is not seen. Reading
    raises what the functions named in the properties raise.
    """

    def __init__(
        self,
        folder: RunFolder | Path,
        home: Path | None = None,
        progress: Progress = SILENT,
        *,
        dataset: Prepared | None = None,
    ) -> None:
        self.folder = folder if isinstance(folder, RunFolder) else RunFolder(folder)
        self.home = home_folder(home)
        self.progress = progress
        self._datasets: dict[str | None, Prepared] = {} if dataset is None else {None: dataset}
        self._predictions: dict[str, Predictions] = {}
        self._details: dict[str, Details | None] = {}

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.folder.path

    @cached_property
    def recipe(self) -> AnyRecipe:
        """The resolved recipe, as `read_recipe`."""
        return read_recipe(self.folder)

    @property
    def network_recipe(self) -> Recipe:
        """The recipe of a run that trained a network.

        Raises:
            ConfigError: the run is a fitted system.
        """
        return network_recipe(self.recipe)

    @property
    def target_class(self) -> str:
        """The class whose probability is evaluated first and shown: the first of the recipe's positives."""
        return self.recipe.data.positives[0]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Seed, versions, device, command, data fingerprint, as `read_provenance`."""
        return read_provenance(self.folder)

    @cached_property
    def history(self) -> tuple[HistoryRow, ...]:
        """One row an epoch, as `read_history`; none of a fitted system."""
        return read_history(self.folder.history) if isinstance(self.recipe, Recipe) else ()

    @cached_property
    def learnt_images(self) -> tuple[Known, ...]:
        """The images that trained the run or chose its epoch, as `read_images`."""
        return read_images(self.folder)

    @cached_property
    def results(self) -> dict[str, SplitResults]:
        """The results of `evaluate` by name, as `read_measures`."""
        return read_measures(self.folder)

    @cached_property
    def checkpoint(self) -> tuple[nn.Module, Card]:
        """The network of the best epoch on this machine's device, in evaluation mode, or the fitted system; its card.

        Raises:
            CheckpointError: the run has no usable best checkpoint, or that of another run.
        """
        network, card = load_classifier(self.path)
        check_card(self.folder, card, self.recipe)
        return network.to(runtime.choose_device()), card

    @property
    def dataset(self) -> Prepared:
        """The run's own data set, as its recipe prepares it."""
        return self.dataset_on(None)

    def dataset_on(self, on: str | None) -> Prepared:
        """Return another data set or folder as the run's recipe prepares it; None for the run's own."""
        if on not in self._datasets:
            self._datasets[on] = prepare(self.recipe.data, home=self.home, name=on, progress=self.progress)
        return self._datasets[on]

    def same_dataset(self) -> Prepared:
        """Return the run's own data set, which must be the one that it was trained on.

        Raises:
            LabelError: as `refuse_other_data`.
        """
        refuse_other_data(self.folder, self.provenance, self.dataset.fingerprint(), self.dataset.dataset.name)
        return self.dataset

    def predictions(self, name: str) -> Predictions:
        """Return the stored predictions of a split or external data set, by the name of its results.

        Raises:
            PredictionsError: there are none, or the file is damaged.
        """
        if name not in self._predictions:
            self._predictions[name] = Predictions.read(self.folder.predictions(name))
        return self._predictions[name]

    def validation_predictions(self, epoch: int) -> Predictions | None:
        """Return the predictions that thresholds and temperature are chosen on; None where this epoch has none.

        Raises:
            PredictionsError: a file is damaged.
        """
        results = self.results.get(CHOOSES)
        if results is None or results.epoch != epoch or not self.folder.predictions(CHOOSES).is_file():
            return None
        return self.predictions(CHOOSES)

    def details(self, results: SplitResults) -> Details | None:
        """Return the details of some results; None where there are none of their epoch, as `read_details`."""
        if results.name not in self._details:
            self._details[results.name] = read_details(self.folder, results)
        return self._details[results.name]

    def write_predictions(self, name: str, predictions: Predictions, licence: str) -> None:
        """Write the predictions of a split or external data set, in place of earlier ones."""
        predictions.write(self.folder.predictions(name), licence)
        self._predictions[name] = predictions

    def write_results(self, results: SplitResults, details: Details) -> None:
        """Add results and their details to the others of the run, in place of earlier ones of the same name."""
        write_details(self.folder, details)
        self._details[results.name] = details
        every = self.results | {results.name: results}
        write_measures(self.folder, every)
        self.results = every

    def write_temperature(self, temperature: float | None) -> None:
        """Write the temperature of calibrated predictions into the best checkpoint; the weights stay to the last bit.

        Raises:
            CheckpointError: the checkpoint cannot be used or written.
        """
        set_temperature(self.folder.best, temperature)
        self.__dict__.pop("checkpoint", None)  # its card is another now

    def ablation(self, name: str) -> "Run":
        """Return the run of the same recipe and seed under an ablation, which lies next to this one."""
        return Run(self.folder.ablation(name), self.home, self.progress)
