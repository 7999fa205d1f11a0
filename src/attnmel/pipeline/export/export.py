"""A trained model -> one ONNX file that was checked against it, with all that a user of it needs to know inside."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from torch import nn

from attnmel.deploy.engines import predictor_engine
from attnmel.deploy.graph import onnx_graph
from attnmel.deploy.halves import stored_in_halves
from attnmel.deploy.int8 import int8_model
from attnmel.deploy.onnx_file import BOUND, Cost, ExportFacts, append_texts
from attnmel.deploy.openvino import has_bf16
from attnmel.deploy.packages import PACKAGES, package
from attnmel.deploy.parity import CURE
from attnmel.deploy.precision_cost import costs_of, refuse_costly
from attnmel.deploy.predictor import Predictor
from attnmel.errors import CheckpointError, ConfigError, ExportError
from attnmel.folders import RunFolder, replacing
from attnmel.locks import hold_file
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import checkpoint_file, load_checkpoint
from attnmel.models.weights.halves import are_halves
from attnmel.pipeline.export.check import Checked, check_file, engine_said, engines_of
from attnmel.pipeline.export.check_images import PHANTOMS, RealImages, real_images
from attnmel.pipeline.export.facts import judged_at, run_measures, thresholds_of
from attnmel.pipeline.predict.predict import say_control
from attnmel.pipeline.run.results import CHOOSES
from attnmel.progress import SILENT, Progress

if TYPE_CHECKING:
    from onnx import ModelProto

LIMIT = 600
"""Images of the split that are checked at the most: all of ISIC 2017's test images, minutes with VGG-16."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """The file that was written, and what was found on the way."""

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
) -> Exported:
    """Write a run's best checkpoint, or a checkpoint file, as one ONNX file, once it was checked.

    Each engine is compared with torch on up to `limit` images of the split and on large phantoms; with `int8` the file
    is in int8, and its cost in AUC may be at most `bound`. What bf16 costs is measured where this CPU has it.

    Raises:
        ConfigError: a package of the extra "export" is not installed, or `int8` without the run's training images.
        CheckpointError: the model cannot be used.
        ExportError: the file does not answer as the network, or int8 may cost more than `bound`: there is no file then.
        LabelError, ImageError, PredictionsError: the run's data or files cannot be used.
        BusyError: another command writes the same file.
    """
    path = out or _default(model, int8=int8)
    with hold_file(path):
        return _export(model, path, home, int8=int8, bound=bound, split=split, limit=limit, progress=progress)


def _export(
    model: Path, path: Path, home: Path, *, int8: bool, bound: float, split: str, limit: int, progress: Progress
) -> Exported:
    for name in PACKAGES:
        package(name)
    network, card = load_checkpoint(model)
    say_control(model, card, progress)
    run = RunFolder(model) if model.is_dir() else None
    real = real_images(run, home=home, split=split, limit=limit, progress=progress) if run else None
    if real is None:
        if int8:
            raise ConfigError(
                f"int8 takes its ranges from training images, and those of {model} are not at hand: name the run's "
                "folder, and the home where its data set lies (--home)"
            )
        progress.note(f"checked on large phantoms alone: the data set of {model} is not at hand")
    graph, facts = _graph(network, card, int8=int8), _facts(run, card, real)
    with replacing(path) as part, _refusing(part, path):
        _write(part, graph, card, facts)
        judged = judged_at(run, card, split) if run and real else None
        checked = check_file(part, network, card, real, judged=judged, progress=progress)
        facts = dataclasses.replace(facts, parity=checked.parity)
        if int8 and real is not None:
            graph, facts = _rounded(part, graph, card, real, checked, facts, bound, progress)
        elif real is not None and has_bf16():
            facts = dataclasses.replace(facts, costs=_costs(part, card, real, checked, "bf16", progress))
        _write(part, graph, card, facts)
    return Exported(path, card, facts)


def _graph(network: nn.Module, card: Card, *, int8: bool) -> "ModelProto":
    """Return the graph in float32; weights that are half floats already are stored so, and take half the room.

    Folded into them, batch-norms would make other numbers of them, which half floats do not hold.
    """
    if int8 or not are_halves(network.state_dict()):
        return onnx_graph(network, card)
    return stored_in_halves(onnx_graph(network, card, folded=False))


def _default(model: Path, *, int8: bool) -> Path:
    path = RunFolder(model).onnx if model.is_dir() else checkpoint_file(model).with_suffix(".onnx")
    return path.with_stem(f"{path.stem}-int8") if int8 else path


@contextmanager
def _refusing(part: Path, path: Path) -> Iterator[None]:
    """Say of a file that `Predictor` refuses what it would have been called, and that there is none."""
    try:
        yield
    except CheckpointError as error:
        raise ExportError(f"{str(error).replace(str(part), str(path))}. {CURE}") from error


def _write(path: Path, model: "ModelProto", card: Card, facts: ExportFacts) -> None:
    """Write a file as `Predictor` takes it; other facts leave the bytes of the model as they were."""
    with replacing(path) as part:
        part.write_bytes(model.SerializeToString())
        append_texts(part, card, facts)


def _facts(run: RunFolder | None, card: Card, real: RealImages | None) -> ExportFacts:
    """Return all that is known of a file before it is checked."""
    chose = judged_at(run, card, CHOOSES) if run else None
    where = f"{len(real.rows)} images of {real.prepared.dataset.title}, {real.split}, and " if real else ""
    return ExportFacts(
        precision="float32",
        versions={name: version(name) for name in ("attnmel", "torch", *PACKAGES)},
        checked_on=f"{where}{len(PHANTOMS)} large phantoms",
        thresholds=thresholds_of(chose, card.positives) if chose else (),
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
    """Return the model in int8 and what it costs; thresholds are chosen anew, by its own answers.

    Raises:
        ExportError: it may cost more than `bound`.
    """
    progress.note("making int8: ranges of training images")
    rounded, facts = int8_model(graph, real.training_squares()), dataclasses.replace(facts, precision="int8")
    _write(part, rounded, card, facts)
    costs = _costs(part, card, real, checked, "int8", progress)
    refuse_costly(costs, bound)
    chooses = dataclasses.replace(real, split=CHOOSES, rows=real.prepared.rows(CHOOSES))
    chose = engine_said(predictor_engine(Predictor(part)), chooses, progress).predictions
    return rounded, dataclasses.replace(facts, costs=costs, thresholds=thresholds_of(chose, card.positives))


def _costs(
    path: Path,
    card: Card,
    real: RealImages,
    checked: Checked,
    precision: Literal["int8", "bf16"],
    progress: Progress,
) -> tuple[Cost, ...]:
    """Compare a lower precision with what `Predictor` said in float32 of the same images."""
    found: list[Cost] = []
    for engine in engines_of(path, card, "bf16" if precision == "bf16" else "float32"):
        lower = engine_said(engine, real, progress)
        found += costs_of(
            checked.said[0], lower, card.positives, precision=precision, engine=engine.name, split=real.split
        )
    return tuple(found)
