"""Make the folder of a pretrained model from a finished run and its out-of-fold predictions.

The weights are rounded to half floats first, and everything on the card is measured with the rounded weights.
Temperature and thresholds are chosen on out-of-fold predictions, since the network may have been trained on all images
except the test images. The folder is a run folder again, so that commands for runs work with a copy of it.
"""

import dataclasses
import shutil
from pathlib import Path

from attnmel.config.load import network_recipe
from attnmel.errors import CheckpointError, ConfigError
from attnmel.evaluation.calibration.temperature import at_temperature
from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.files.folders import RunFolder, replacing
from attnmel.models.weights.checkpoints import checkpoint_card, load_checkpoint, read_checkpoint, save_weights
from attnmel.models.weights.halves import in_halves
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.export.export import export_onnx
from attnmel.pipeline.pretrained.card import model_card
from attnmel.pipeline.pretrained.cross_validation import read_out_of_fold
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.images.fingerprints import write_fingerprints
from attnmel.pipeline.run.provenance import read_provenance, write_provenance
from attnmel.pipeline.run.publishable import shared_data, shared_provenance, shared_recipe
from attnmel.pipeline.run.results.results import CHOOSES, SplitResults, add_measures
from attnmel.pipeline.run.results.thresholds import fitted_scale
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pretrained.card import MOST_BYTES, ModelCard, Words
from attnmel.pretrained.catalogue import CARD_FILE
from attnmel.progress import SILENT, Progress
from attnmel.records import Predictions

EVALUATION = "test"


def ship_model(
    run: RunFolder, folds: Path, words: Words, folder: Path, *, home: Path, progress: Progress = SILENT
) -> ModelCard:
    """Write the folder of a model and replace a former one; if that fails, nothing is changed.

    `folds` is a table for `read_out_of_fold`.

    Raises:
        CheckpointError: the checkpoint cannot be used, or the files are larger than `MOST_BYTES`.
        ConfigError: there is no run folder, or the name of the model is not that of the folder.
        ExportError: the ONNX file differs from the network.
        LabelError, PredictionsError: the run's data or the table cannot be used.
    """
    if words.name != folder.name:
        raise ConfigError(f"the model is called {words.name}, but its folder {folder.name}; use the same name")
    recipe = network_recipe(read_recipe(run))
    prepared = Run(run, home, progress).same_dataset()
    out_of_fold = read_out_of_fold(folds, prepared, recipe.data.positives[0])
    with replacing(folder) as part:
        part.mkdir()
        made = RunFolder(part)
        _copy_start(run, made, words)
        _write_weights(run, made, out_of_fold, words)
        _write_validation(made, prepared, out_of_fold, words)
        write_fingerprints(made, prepared.lesions, progress)
        results = evaluate_run(Run(made, home, progress, dataset=prepared))
        exported = export_onnx(part, home=home, progress=progress)
        network, card = load_checkpoint(part)
        _remove_left_over(made)
        parameters = sum(one.numel() for one in network.parameters())
        found = model_card(made, words, card, results, exported.facts, parameters)
        _refuse_large(found)
        (part / CARD_FILE).write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if folder.is_dir():
            shutil.rmtree(folder)
    return found


def _copy_start(run: RunFolder, made: RunFolder, words: Words) -> None:
    """Write recipe, provenance and list of images, without paths of this machine."""
    recipe = network_recipe(read_recipe(run))
    made.recipe.write_text(shared_recipe(recipe), encoding="utf-8")
    write_provenance(made, shared_provenance(read_provenance(run), recipe, "; ".join(words.made)))
    if run.images.is_file():
        shutil.copyfile(run.images, made.images)


def _write_weights(run: RunFolder, made: RunFolder, out_of_fold: Predictions, words: Words) -> None:
    """Write the checkpoint in half floats, with temperature and thresholds of the out-of-fold predictions."""
    tensors, card = read_checkpoint(run.path)
    scale = fitted_scale(out_of_fold, card.positives)
    card = dataclasses.replace(
        card,
        temperature=scale.temperature,
        thresholds=scale.thresholds,
        chosen_on=words.chosen_on,
        data=shared_data(card.data),
    )
    save_weights(made.best, in_halves(tensors), card)


def _write_validation(made: RunFolder, prepared: Prepared, out_of_fold: Predictions, words: Words) -> None:
    """Write the out-of-fold predictions as those of the split that thresholds and temperature are chosen on."""
    card = checkpoint_card(made.path)
    Run(made).write_predictions(CHOOSES, out_of_fold, card.licence)
    found = evaluate_classification(at_temperature(out_of_fold, card.temperature), card.positives)
    note = f"these are out-of-fold {words.chosen_on}: no results of the network itself"
    add_measures(
        made,
        SplitResults(
            name=CHOOSES,
            dataset=prepared.dataset.name,
            on=None,
            split=CHOOSES,
            epoch=card.epoch,
            licence=card.licence,
            judgement=dataclasses.replace(found, notes=(*found.notes, note)),
            overlap={},
            masks=0,
            submission="",
            temperature=card.temperature,
        ),
    )


def _remove_left_over(made: RunFolder) -> None:
    """Remove files that would double the size and that any evaluation by the user writes again."""
    card = made.best.with_suffix(".json")
    again = (made.attention, made.overlap, made.submission, made.seen)
    for path in (card, *(of_split(EVALUATION) for of_split in again)):
        path.unlink(missing_ok=True)


def _refuse_large(card: ModelCard) -> None:
    size = sum(one.size for one in card.files.values())
    if size > MOST_BYTES:
        raise CheckpointError(
            f"the files of {card.name} have {size:,} bytes; a pretrained model may have at most {MOST_BYTES:,}: use a "
            "lighter trunk"
        )
