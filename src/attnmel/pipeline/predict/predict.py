"""A model and image files -> class probabilities as CSV or JSON, streamed; an ONNX file needs no torch.

Rows are in the order of the files. Memory stays flat but for the list of names: answers are written as they come.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol, runtime_checkable

from attnmel import __version__
from attnmel.config.fields import ComputePrecision
from attnmel.deploy.onnx_file import BOUND, Threshold
from attnmel.deploy.workers import STALL_LIMIT
from attnmel.errors import CheckpointError, ConfigError, ImageError
from attnmel.folders import replacing
from attnmel.locks import hold_file, hold_folder
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.attention_maps import require_own_names, write_image_maps
from attnmel.pipeline.predict.image_files import image_files, raise_for_failures
from attnmel.pipeline.predict.onnx_model import SUFFIX, OnnxModel
from attnmel.pipeline.predict.partial_results import KeptAnswers
from attnmel.pipeline.predict.stall_guard import watched
from attnmel.pipeline.predict.table import Answer, Table
from attnmel.progress import SILENT, Progress

BATCH = 16
"""Images a forward pass of a checkpoint."""

STOPPED = "stopped, by force, since a library did not come back. What was finished is kept: `predict --resume` goes on."


@runtime_checkable
class AnsweringModel(Protocol):
    """A model of either kind, ready to answer."""

    file: Path
    card: Card
    temperature: float | None
    thresholds: tuple[Threshold, ...]
    """Of the probabilities that it answers with; empty where none are known."""
    together: int
    """Images that share a pass, so that the last bits of an answer may depend on its neighbours."""

    @property
    def made_with(self) -> Mapping[str, str]:
        """What decides the answers beside the file and the temperature."""
        ...

    def answers(self, paths: Sequence[Path], *, many: bool) -> Iterator[Answer]:
        """Give the answer of each file, in order."""
        ...


class Answers:
    """What a model says of many files; they are predicted while the answers are read."""

    def __init__(
        self,
        model: AnsweringModel,
        paths: Sequence[Path],
        progress: Progress = SILENT,
        *,
        maps: Path | None = None,
        stall_limit: float = STALL_LIMIT,
    ) -> None:
        self.model, self.paths, self._maps, self._stall_limit = model, paths, maps, stall_limit
        self.table = Table(model.card, model.temperature, model.thresholds)
        self._progress = progress
        self._failed: list[str] = []

    def __iter__(self) -> Iterator[Answer]:
        return self._after(0)

    def lines(self, *, as_json: bool = False) -> Iterator[str]:
        """Give the table as CSV or JSON part by part, with the notice and the licence."""
        return self.table.lines(self, as_json=as_json)

    def write(self, out: Path, *, as_json: bool = False, resume: bool = False) -> None:
        """Write the table into a file, once all answers are there; `resume` goes on where a stop left them.

        Raises:
            ConfigError: answers of a stopped prediction are there, and `resume` is not asked for or they were made
                otherwise.
            BusyError: another command writes the table.
            PredictionsError: the answers are not one for each file, in order.
            StalledError: no answer came for too long; those before are kept.
        """
        with hold_file(out), self._maps_held():
            self._write_alone(out, as_json=as_json, resume=resume)

    def _write_alone(self, out: Path, *, as_json: bool, resume: bool) -> None:
        kept = KeptAnswers(out)
        names = [str(path) for path in self.paths]
        if resume:
            done = kept.resume(self._made_with(), names, together=self.model.together)
        else:
            done = 0
            kept.begin(self._made_with())
        self._failed = [answer.error for answer in kept.read() if answer.error]
        with kept.adding() as add:
            for answer in self._after(done):
                add(answer)
        with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(self.table.lines(kept.whole(names), as_json=as_json))
        kept.remove()

    def raise_for_failures(self) -> None:
        """Complain of files that could not be used, after the others are done.

        Raises:
            ImageError: names them.
        """
        raise_for_failures(self._failed, len(self.paths))

    def _after(self, done: int) -> Iterator[Answer]:
        total, left = len(self.paths), self.paths[done:]
        answers = self.model.answers(left, many=total > 1)
        if total == 1:
            # There is no progress to show, and drawing it or starting a watcher would take longer than the answer.
            yield from map(self._taken, left, answers)
            return
        with (
            self._maps_held(),
            self._progress.bar("predicting", total, "images") as advance,
            watched(self._stall_limit, stalled=self._stalled(), stopped=STOPPED) as watch,
        ):
            advance(done)
            for path, said in zip(left, watch(answers), strict=True):
                yield self._taken(path, said)
                advance(1)

    def _maps_held(self) -> AbstractContextManager[None]:
        return nullcontext() if self._maps is None else hold_folder(self._maps)

    def _taken(self, path: Path, said: Answer) -> Answer:
        answer = self._with_maps(path, said)
        if answer.error:
            self._failed.append(answer.error)
        return answer

    def _stalled(self) -> str:
        return (
            f"no answer came for {self._stall_limit:g} seconds: a library hangs, or this is a very slow machine. What "
            "was finished is kept: `predict --resume` goes on from there; a longer limit is --stall-limit SECONDS"
        )

    def _with_maps(self, path: Path, answer: Answer) -> Answer:
        """Write the maps of an answer, if they are asked for, before it counts as given."""
        if self._maps is None or answer.error:
            return answer
        try:
            list(write_image_maps(self._maps, path, answer.attention, self.model.card))
        except ImageError as error:
            return Answer(answer.image, (), str(error))
        return answer

    def _made_with(self) -> dict[str, str]:
        with self.model.file.open("rb") as file:
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        temperature = "none" if self.model.temperature is None else f"{self.model.temperature!r}"
        own = {"attnmel": __version__, "model": f"{self.model.file.name} ({fingerprint[:12]})"}
        maps = {} if self._maps is None else {"maps": str(self._maps)}
        return {**own, **self.model.made_with, "temperature": temperature, **maps}


def predict_images(
    model: Path,
    images: Sequence[Path],
    *,
    precision: ComputePrecision = "float32",
    bound: float | None = None,
    batch: int | None = None,
    calibrated: bool = True,
    maps: Path | None = None,
    stall_limit: float = STALL_LIMIT,
    progress: Progress = SILENT,
) -> Answers:
    """Open a model to predict files, and the files of folders; one that cannot be used gets its reason.

    Probabilities are at the model's temperature, where it holds one and `calibrated` is not switched off. `precision`
    is of ONNX files, which are refused where it may cost more AUC than `bound` (0.02); `batch` (16) is of checkpoints.
    A prediction of several files ends where no answer comes for `stall_limit` seconds; 0 waits for ever.
    Into a folder `maps` go the attention maps of each image, as `write_image_maps` writes them.

    Raises:
        CheckpointError: the model cannot be used, or has no attention maps to write.
        ConfigError: an option that this kind of model does not have, or two images whose maps would have one name.
        ImageError: no file, or an empty folder, is named.
    """
    opened = _open(model, precision, bound, batch, calibrated, stall_limit, progress)
    say_control(model, opened.card, progress)
    paths = image_files(images)
    if maps is not None:
        if not opened.card.has_attention:
            raise CheckpointError(
                f"{model} is a {opened.card.network}, which has no attention maps; leave out --maps, or make others of "
                "its run: attnmel explain RUN IMAGES --method cam"
            )
        require_own_names(paths)
    return Answers(opened, paths, progress, maps=maps, stall_limit=stall_limit)


def say_control(model: Path, card: Card, progress: Progress) -> None:
    """Say of a control that it was not trained on images as they are, which it is given here."""
    if control := card.data.get("control"):
        progress.note(
            f"{model} is the control {control}, a network to compare with: what it says of an image means little"
        )


def _open(
    model: Path,
    precision: ComputePrecision,
    bound: float | None,
    batch: int | None,
    calibrated: bool,
    stall_limit: float,
    progress: Progress,
) -> AnsweringModel:
    if model.suffix.lower() == SUFFIX:
        if batch is not None:
            raise ConfigError(f"{model} takes images one by one, several at a time; leave out --batch")
        bound = BOUND if bound is None else bound
        found = OnnxModel(model, precision=precision, calibrated=calibrated, bound=bound, stall_limit=stall_limit)
        for cost in found.costs:
            progress.note(f"{precision}: {cost}")
        return found
    if precision != "float32":
        raise ConfigError(
            f"{model} is predicted in float32; for '{precision}' export it first: attnmel export {model} --onnx"
        )
    from attnmel.pipeline.predict.torch_model import CheckpointModel
    from attnmel.runtime import use_threads

    use_threads()
    return CheckpointModel(model, batch=batch or BATCH, calibrated=calibrated)
