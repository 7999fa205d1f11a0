"""Write a trained network as one ONNX file, checked against the network, with its card and the check inside."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from torch import nn

from attnmel.deploy.engines import predictor_engine
from attnmel.deploy.onnx.export_facts import Cost, ExportFacts, append_texts
from attnmel.deploy.onnx.graph import onnx_graph
from attnmel.deploy.onnx.halves import stored_in_halves
from attnmel.deploy.onnx.int8 import int8_model
from attnmel.deploy.onnx.texts import BOUND
from attnmel.deploy.openvino import has_bf16
from attnmel.deploy.packages import PACKAGES, package
from attnmel.deploy.parity import CURE
from attnmel.deploy.precision_cost import costs_of, refuse_costly
from attnmel.deploy.predictor import Predictor
from attnmel.errors import CheckpointError, ConfigError, ExportError
from attnmel.files.folders import RunFolder, replacing
from attnmel.files.locks import hold_file
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import checkpoint_file, load_checkpoint
from attnmel.models.weights.halves import are_halves
from attnmel.pipeline.export.check import Checked, check_file, engine_output, engines_of
from attnmel.pipeline.export.check_images import PHANTOMS, RealImages, real_images
from attnmel.pipeline.predict.predict import note_ablation
from attnmel.pipeline.run.images.age_and_sex import with_prior
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.pipeline.run.results.thresholds import (
    evaluated_predictions,
    run_measures,
    stored_thresholds,
    thresholds_of,
)
from attnmel.progress import SILENT, Progress

if TYPE_CHECKING:
    from onnx import ModelProto

LIMIT = 600
"""Largest number of images of the split to check: all of ISIC 2017's test images, minutes with VGG-16."""


@dataclasses.dataclass(frozen=True)
class CheckedExport:
    """The file that was written, and the results of its check."""

    path: Path
    card: Card
    facts: ExportFacts


def export_onnx(
    model: Path,
    *,
    home: Path,
    out: Path | None = None,
    int8: bool = False,
    bound: float = BOUND,
    split: str = "test",
    limit: int = LIMIT,
    progress: Progress = SILENT,
) -> CheckedExport:
    """Check a run's best checkpoint, or a checkpoint file, as an ONNX file, and write that.

    Each engine is compared with torch on up to `limit` images of the split and on large phantoms. With `int8` the file
    is in int8, and may lose at most `bound` of AUC. The cost of bf16 is measured if this CPU has it.

    Raises:
        ConfigError: a package of the extra "export" is not installed, or `int8` without the run's training images.
        CheckpointError: the model cannot be used.
        ExportError: the file differs from the network, or int8 may cost more than `bound`; no file is written.
        LabelError, ImageError, PredictionsError: the run's data or files cannot be used.
        BusyError: another command writes the same file.
    """
    path = out or _default(model, int8=int8)
    with hold_file(path):
        return _export(model, path, home, int8=int8, bound=bound, split=split, limit=limit, progress=progress)


def _export(
    model: Path, path: Path, home: Path, *, int8: bool, bound: float, split: str, limit: int, progress: Progress
) -> CheckedExport:
    for name in PACKAGES:
        package(name)
    network, card = load_checkpoint(model)
    note_ablation(model, card, progress)
    if int8 and card.chosen_elsewhere:
        raise ConfigError(
            f"in int8 the thresholds of {model} would be chosen again, on validation images of its training, not on "
            f"{card.chosen_elsewhere}; export it in float32, without --int8"
        )
    run = RunFolder(model) if model.is_dir() else None
    real = real_images(run, home=home, split=split, limit=limit, progress=progress) if run else None
    if real is None:
        if int8:
            raise ConfigError(
                f"int8 takes its value ranges from training images, and those of {model} were not found: name the run "
                "folder, and by --home the folder of its data set"
            )
        progress.note(f"checked only on large phantoms: the data set of {model} was not found")
    graph, facts = _graph(network, card, int8=int8), _facts(run, card, real)
    with replacing(path) as part, _refusing(part, path):
        _write(part, graph, card, facts)
        evaluated = evaluated_predictions(run, card, split) if run and real else None
        checked = check_file(part, network, card, real, evaluated=evaluated, progress=progress)
        facts = dataclasses.replace(facts, parity=checked.parity)
        if int8 and real is not None:
            graph, facts = _rounded(part, graph, card, real, checked, facts, bound, progress)
        elif real is not None and has_bf16():
            facts = dataclasses.replace(facts, costs=_costs(part, card, real, checked, "bf16", progress))
        _write(part, graph, card, facts)
    return CheckedExport(path, dataclasses.replace(card, thresholds=facts.thresholds), facts)


def _graph(network: nn.Module, card: Card, *, int8: bool) -> "ModelProto":
    """Return the graph in float32; weights that are half floats already are stored as such, in half the space.

    Batch-norms folded into these weights would change them to numbers that half floats cannot represent.
    """
    if int8 or not are_halves(network.state_dict()):
        return onnx_graph(network, card)
    return stored_in_halves(onnx_graph(network, card, folded=False))


def _default(model: Path, *, int8: bool) -> Path:
    path = RunFolder(model).onnx if model.is_dir() else checkpoint_file(model).with_suffix(".onnx")
    return path.with_stem(f"{path.stem}-int8") if int8 else path


@contextmanager
def _refusing(part: Path, path: Path) -> Iterator[None]:
    """Turn an error of `Predictor` into one that names the file to be written, and says that there is none."""
    try:
        yield
    except CheckpointError as error:
        raise ExportError(f"{str(error).replace(str(part), str(path))}. {CURE}") from error


def _write(path: Path, model: "ModelProto", card: Card, facts: ExportFacts) -> None:
    """Write a file with model, card and facts; the bytes of the model do not depend on the facts."""
    with replacing(path) as part:
        part.write_bytes(model.SerializeToString())
        append_texts(part, card, facts)


def _facts(run: RunFolder | None, card: Card, real: RealImages | None) -> ExportFacts:
    """Return the facts of a file before its check."""
    where = f"{len(real.rows)} images of {real.prepared.dataset.title}, {real.split}, and " if real else ""
    return ExportFacts(
        precision="float32",
        versions={name: version(name) for name in ("attnmel", "torch", *PACKAGES)},
        checked_on=f"{where}{len(PHANTOMS)} large phantoms",
        thresholds=(stored_thresholds(run, card) if run else ()) or card.thresholds,
        measures=run_measures(run, card) if run else (),
    )


def _rounded(
    part: Path,
    graph: "ModelProto",
    card: Card,
    real: RealImages,
    checked: Checked,
    facts: ExportFacts,
    bound: float,
    progress: Progress,
) -> "tuple[ModelProto, ExportFacts]":
    """Return the model in int8 with its cost and its own thresholds, chosen on its own predictions.

    Raises:
        ExportError: it may cost more than `bound`.
    """
    progress.note("quantising to int8 by training images")
    rounded, facts = int8_model(graph, real.training_squares()), dataclasses.replace(facts, precision="int8")
    _write(part, rounded, card, facts)
    costs = _costs(part, card, real, checked, "int8", progress)
    refuse_costly(costs, bound, card.trained_on)
    validation = dataclasses.replace(real, split=CHOOSES, rows=real.prepared.rows(CHOOSES))
    output = engine_output(predictor_engine(Predictor(part), masks=real.mask), validation, progress)
    chosen_on, _ = with_prior(card.age_sex_prior, output.predictions(validation.truth), card.temperature)
    thresholds = thresholds_of(chosen_on, card.positives)
    return rounded, dataclasses.replace(facts, costs=costs, thresholds=thresholds)


def _costs(
    path: Path,
    card: Card,
    real: RealImages,
    checked: Checked,
    precision: Literal["int8", "bf16"],
    progress: Progress,
) -> tuple[Cost, ...]:
    """Compare a lower precision with the outputs of `Predictor` in float32 for the same images."""
    found: list[Cost] = []
    for engine in engines_of(path, card, "bf16" if precision == "bf16" else "float32", real.mask):
        found += costs_of(
            real.truth,
            checked.outputs[0],
            engine_output(engine, real, progress),
            card.positives,
            precision=precision,
            engine=engine.name,
            split=real.split,
        )
    return tuple(found)
