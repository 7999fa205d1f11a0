"""`attnmel.export`, `push` and `pull`: a trained network as a file for other programs, and as a model on a hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from attnmel.api.model_names import place_of, run_to_share, shipped, trained_model
from attnmel.api.places import Place, optional_path, own_file, own_folder
from attnmel.arguments import Share, Within, checked_arguments
from attnmel.errors import ConfigError
from attnmel.files.folders import home_folder
from attnmel.progress import Progress, Report, as_progress

if TYPE_CHECKING:
    from attnmel.deploy.onnx.export_facts import ExportFacts
    from attnmel.pipeline.run.run import Run


@dataclass(frozen=True)
class Exported:
    """An exported file."""

    path: Path
    facts: "ExportFacts | None"
    """Results of its check, and the cost of lower precisions; None of a pretrained model, which is copied."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel export --json`."""
        return {"path": str(self.path), **(self.facts.as_dict() if self.facts else {})}


@dataclass(frozen=True)
class Pushed:
    """What a hub was sent, or would be."""

    repository: str
    model: str | None
    """hf:OWNER/NAME@COMMIT; None of a dry run."""
    files: dict[str, int]
    """Bytes of each file."""
    card: str
    """The model's README.md."""
    notes: tuple[str, ...]
    """What was left out, and why."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `attnmel push --json`."""
        return {"repository": self.repository, "model": self.model, "files": self.files}


@checked_arguments("model")
def export(
    model: "Run | Place",
    out: Place | None = None,
    *,
    int8: bool = False,
    bound: Share | None = None,
    split: Literal["train", "validation", "test", "internal"] = "test",
    limit: Annotated[int, Within(2)] | None = None,
    home: Place | None = None,
    threads: int | None = None,
    progress: Progress | Report | None = None,
) -> Exported:
    """Write a trained network as one ONNX file, once it gives what the network gives; as `attnmel export --onnx`.

    It is compared on up to `limit` (600) images of the `split` and on large synthetic ones. `int8` may lose at most
    `bound` (0.02) of AUC. Without `out` the file lies in the run folder, of a model with a name at NAME.onnx.

    Raises:
        ConfigError: no such model, int8 without the run's training images, or `out` is a file of others or does not
            end in .onnx.
        CheckpointError: the model is damaged.
        ExportError: the file differs from the network, or int8 loses too much; nothing is written.
    """
    from attnmel.compute.runtime import use_threads
    from attnmel.files.hub import hub_name
    from attnmel.pipeline.pretrained.run import copy_onnx

    place, target, shown = place_of(model), _onnx_file(out), as_progress(progress)
    if found := shipped(place, shown):
        idle = {"bound": bound is not None, "split": split != "test", "limit": limit is not None}
        if without_effect := [f"--{name}" for name, given in idle.items() if given]:
            shown.note(f"without effect: {', '.join(without_effect)}; the file of {found.card.name} is copied")
        return _noted(Exported(copy_onnx(found, target, int8=int8), None), shown)
    from attnmel.deploy.onnx.texts import BOUND
    from attnmel.pipeline.export.export import LIMIT, export_onnx

    if target is None and (of_hub := hub_name(place)):
        target = Path(f"{of_hub.repository.partition('/')[2]}.onnx")  # not among the files of the hub
    use_threads(threads)
    exported = export_onnx(
        trained_model(place, shown),
        home=home_folder(optional_path(home)),
        out=target,
        int8=int8,
        bound=BOUND if bound is None else bound,
        split=split,
        limit=limit or LIMIT,
        progress=shown,
    )
    return _noted(Exported(exported.path, exported.facts), shown)


def _onnx_file(out: Place | None) -> Path | None:
    """Return the path of the file to write, which ends as every command and `Predictor` know an exported file by."""
    path = own_file(out)
    if path is not None and path.suffix.lower() != ".onnx":
        raise ConfigError(f"{path} does not end in .onnx, by which an exported file is known; call it {path.name}.onnx")
    return path


def _noted(exported: Exported, progress: Progress) -> Exported:
    """Note where the outputs of a file are not what its thresholds are of: other programs have to take the mean."""
    from attnmel.deploy.onnx.export_facts import read_onnx_card, use_in_words
    from attnmel.models.weights.card import chosen_for

    card, _ = read_onnx_card(exported.path)
    if chosen_for(card):
        progress.note(f"for programs that run the file without attnmel: {use_in_words(card)}")
    return exported


@checked_arguments("run")
def push(
    run: "Run | Place",
    repository: str,
    *,
    private: bool = False,
    dry_run: bool = False,
    progress: Progress | Report | None = None,
) -> Pushed:
    """Send a run as a model to a Hugging Face hub, without paths of this machine; as `attnmel push`.

    The token is that of `hf auth login` or $HF_TOKEN, the server $HF_ENDPOINT. With `dry_run` nothing is sent.

    Raises:
        ConfigError: no run, one that was not evaluated, a card that the hub refuses, or a public repository for what
            is to be private.
        CheckpointError: no checkpoint, no network, or an exported file of another checkpoint.
        ArchiveError: no network, or no right to write.
    """
    from attnmel.files.hub import CARD, repository_name
    from attnmel.pipeline.hub.push import push as send
    from attnmel.pipeline.hub.push import staged

    name = repository_name(repository)
    with staged(run_to_share(place_of(run)), name) as found:
        for note in found.notes:
            as_progress(progress).note(note)
        sent = None if dry_run else send(found, name, private=private)
        card = (found.folder / CARD).read_text(encoding="utf-8")
        return Pushed(name.repository, sent, found.sizes, card, found.notes)


@checked_arguments()
def pull(repository: str, out: Place | None = None) -> "Run":
    """Fetch OWNER/NAME@REVISION from a Hugging Face hub into a run folder, runs/NAME without `out`; as `attnmel pull`.

    Raises:
        ArchiveError: no network, no such repository or revision, or no access.
        CheckpointError: damaged weights.
        ConfigError: the folder holds something else.
    """
    from attnmel.files.hub import repository_name
    from attnmel.pipeline.hub.pull import pulled_run
    from attnmel.pipeline.run.run import Run

    return Run(pulled_run(repository_name(repository), own_folder(out)))
