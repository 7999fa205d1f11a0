"""A run folder, opened once: its recipe, provenance, history, results, checkpoint, images and predictions."""

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from attnmel.arguments import checked_arguments
from attnmel.compute import runtime
from attnmel.config.load import AnyRecipe, network_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.evaluation.statistics.bootstrap import RESAMPLES
from attnmel.features.store import load_classifier
from attnmel.files.folders import RunFolder, home_folder
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import checkpoint_card, set_temperature
from attnmel.models.weights.operating_points import Threshold
from attnmel.pipeline.run.images.dataset import Prepared, prepare
from attnmel.pipeline.run.images.seen_images import Known, read_images
from attnmel.pipeline.run.provenance import check_card, read_provenance, refuse_other_data
from attnmel.pipeline.run.results.details import Details, find_details, read_details, write_details
from attnmel.pipeline.run.results.results import CHOOSES, SplitResults, columns_on, read_measures, write_measures
from attnmel.pipeline.run.run_location import no_run, read_recipe
from attnmel.pipeline.run.training.history import HistoryRow, read_history
from attnmel.progress import Progress, Report, as_progress
from attnmel.records import Predictions, scale_in_words


class Run:
    """One training run: each of its files is read at most once, when first needed, and its data set prepared once.

    `folder` is its path, or the `RunFolder` of one that is still to be written. What is written through a `Run` is what
    it returns afterwards; what others write meanwhile is not seen. Reading raises what the properties name.

    Raises:
        ConfigError: the path is no run folder.
    """

    @checked_arguments("folder")
    def __init__(
        self,
        folder: RunFolder | Path | str,
        home: Path | str | None = None,
        progress: Progress | Report | None = None,
        *,
        dataset: Prepared | None = None,
    ) -> None:
        if not isinstance(folder, RunFolder | os.PathLike | str):
            raise ConfigError(f"the run is {folder!r}; expected the path of a run folder")
        self.folder: RunFolder = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder))
        if not isinstance(folder, RunFolder) and not self.folder.recipe.is_file():
            raise no_run(self.folder)
        self.home: Path = home_folder(None if home is None else Path(home))
        self.progress: Progress = as_progress(progress)
        self._datasets: dict[str | None, Prepared] = {} if dataset is None else {None: dataset}
        self._predictions: dict[str, Predictions] = {}
        self._details: dict[str, Details | None] = {}

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.folder.path

    @cached_property
    def recipe(self) -> AnyRecipe:
        """The resolved recipe, as `read_recipe`."""
        return read_recipe(self.folder, provenance=self.provenance if self.folder.recipe.is_file() else {})

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
        """The images that trained the run, chose its epoch or recalibrated it, or trained its start weights."""
        lists = (self.folder, self.folder.start, self.folder.recalibration)
        return tuple(dict.fromkeys(image for one in lists for image in read_images(one)))

    @cached_property
    def results(self) -> dict[str, SplitResults]:
        """The results of `evaluate` by name, as `read_measures`, at the temperature of the best checkpoint."""
        return {name: self._at_temperature(one) for name, one in read_measures(self.folder).items()}

    @cached_property
    def card(self) -> Card | None:
        """The card of the best checkpoint; None where there is no checkpoint.

        Raises:
            CheckpointError: it cannot be read.
        """
        return checkpoint_card(self.path) if self.folder.best.is_file() else None

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

    def dataset_on(self, on: str | None, columns: Mapping[str, str] | None = None) -> Prepared:
        """Return another data set or folder as the run's recipe prepares it; None for the run's own.

        `columns` are how the table of a folder calls its columns; by default as when the run was evaluated on it.
        """
        own = Path(self.recipe.data.dataset)
        if on is None and None not in self._datasets and own.is_absolute() and not own.exists():
            raise ConfigError(
                f"the images of {self.path} are no longer at {own}; if they were moved, name the new folder once: "
                f"attnmel train {shlex.quote(str(self.path))} --resume --set data.dataset=FOLDER"
            )
        if on not in self._datasets:
            known = columns_on(self.results, on) if columns is None and on is not None else columns
            self._datasets[on] = prepare(
                self.recipe.data, home=self.home, name=on, columns=known, progress=self.progress
            )
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

        They are at the temperature of the best checkpoint, whenever that was stored; those of another epoch as stored.

        Raises:
            PredictionsError: there are none, or the file is damaged.
        """
        if name not in self._predictions:
            results = self.results.get(name)
            if self.card is None or (results is not None and results.epoch != self.card.epoch):
                found = Predictions.read(self.folder.predictions(name))
                temperature = None if results is None else results.temperature
                self._predictions[name] = dataclasses.replace(found, temperature=temperature)
            else:
                self._predictions[name] = at_temperature(self.uncalibrated(name), self.card.temperature)
        return self._predictions[name]

    def uncalibrated(self, name: str) -> Predictions:
        """Return the stored predictions of a split or external data set without a temperature.

        Raises:
            PredictionsError: there are none, or the file is damaged.
        """
        return Predictions.read(self.folder.predictions(name), uncalibrated=True)

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
        """Return the details of some results; None where there are none of their epoch, as `read_details`.

        Those stored before the temperature was, as by an earlier version, are computed again from the predictions:
        their thresholds are of another scale.
        """
        if results.name not in self._details:
            self._details[results.name] = self._on_scale(results, read_details(self.folder, results))
        return self._details[results.name]

    def find_details(
        self,
        results: SplitResults,
        *,
        sensitivities: Sequence[float] = (),
        prevalences: Sequence[float] = (),
        resamples: int = RESAMPLES,
    ) -> Details:
        """Compute the details of results from the stored predictions, as `results.details.find_details`."""
        return find_details(
            results,
            self.predictions(results.name),
            self.predictions(CHOOSES) if results.name == CHOOSES else self.validation_predictions(results.epoch),
            self.recipe.data.positives,
            sensitivities=sensitivities,
            prevalences=prevalences,
            resamples=resamples,
            out_of_fold="" if self.card is None else self.card.chosen_elsewhere,
            run=self.folder,
        )

    def details_again(self, results: SplitResults) -> Details:
        """Compute details as `find_details`, for the sensitivities and prevalences of the stored ones."""
        stored = read_details(self.folder, results)
        if stored is None:
            return self.find_details(results, resamples=results.judgement.resamples)
        first = stored.operating[0]
        aims = [point.target for point in first.points[1:]]
        return self.find_details(results, sensitivities=aims, prevalences=first.prevalences, resamples=first.resamples)

    def write_predictions(self, name: str, predictions: Predictions, licence: str) -> None:
        """Write uncalibrated predictions of a split or external data set, and at the temperature if there is one."""
        temperature = None if self.card is None else self.card.temperature
        calibrated = at_temperature(predictions, temperature)
        calibrated.write(self.folder.predictions(name), licence, uncalibrated=predictions if temperature else None)
        self._predictions[name] = calibrated

    def write_results(self, results: SplitResults, details: Details) -> None:
        """Add results and their details to the others of the run, in place of earlier ones of the same name."""
        write_details(self.folder, details)
        self._details[results.name] = details
        write_measures(self.folder, every := self.results | {results.name: results})
        self.results = every

    def write_temperature(self, temperature: float | None, thresholds: tuple[Threshold, ...], why: str = "") -> None:
        """Write temperature, or `why` there is none, and operating points into the best checkpoint, not its weights.

        Raises:
            CheckpointError: the checkpoint cannot be used or written.
        """
        set_temperature(self.folder.best, temperature, thresholds, why)
        for name in ("checkpoint", "card", "results"):
            self.__dict__.pop(name, None)  # the card is another now
        self._predictions.clear()
        self._details.clear()

    def _at_temperature(self, stored: SplitResults) -> SplitResults:
        """Return stored results at the temperature of the checkpoint; of two classes no measure depends on it."""
        if self.card is None or self.card.epoch != stored.epoch or stored.temperature == self.card.temperature:
            return stored
        judgement = stored.judgement
        if len(self.card.classes) > 2 and self.folder.predictions(stored.name).is_file():
            found = evaluate_classification(
                at_temperature(self.uncalibrated(stored.name), self.card.temperature),
                self.card.positives,
                resamples=judgement.resamples,
                seed=judgement.seed,
            )
            judgement = dataclasses.replace(found, notes=judgement.notes)
        return dataclasses.replace(stored, judgement=judgement, temperature=self.card.temperature)

    def _on_scale(self, results: SplitResults, stored: Details | None) -> Details | None:
        """Return stored details, computed again if their thresholds are not of the predictions' scale."""
        if stored is None or self.card is None or self.card.epoch != results.epoch:
            return stored
        now = self.card.temperature
        if stored.temperature == now or not self.folder.predictions(results.name).is_file():
            return stored
        self.progress.note(
            f"the stored thresholds of {results.name} in {self.path} are of {scale_in_words(stored.temperature)}; "
            f"computed again for {scale_in_words(now)}: `attnmel evaluate` stores them"
        )
        return self.details_again(results)

    def ablation(self, name: str) -> "Run":
        """Return the run of the same recipe and seed under an ablation, which lies next to this one."""
        return Run(self.folder.ablation(name), self.home, self.progress)
