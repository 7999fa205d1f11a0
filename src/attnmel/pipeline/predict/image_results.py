"""The results of a model for many image files: predicted as they are read, and written with maps and DICOM files.

Rows are in the order of the files. Results are written as they come, so that only the list of names grows in memory.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol, runtime_checkable

from attnmel import __version__
from attnmel.compute.threads import available_processors
from attnmel.config.settings.tta import NO_TRANSFORMS, transforms_note
from attnmel.data.image_files.reading import print_notes
from attnmel.data.preprocess.image_warnings import not_checked
from attnmel.deploy.workers import STALL_LIMIT, in_threads
from attnmel.errors import ConfigError, ImageError
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import replacing, write_text
from attnmel.files.locks import hold_file, hold_folders
from attnmel.files.table_files import csv_encoding, notice_path
from attnmel.models.weights.card import Card
from attnmel.models.weights.operating_points import Threshold
from attnmel.pipeline.predict.attention_maps import write_image_maps
from attnmel.pipeline.predict.dicom_results import DicomResults
from attnmel.pipeline.predict.finished_table import refuse_other_settings
from attnmel.pipeline.predict.image_files import own_folders, raise_for_failures
from attnmel.pipeline.predict.masks.lesion_masks import NO_MASKS, LesionMasks
from attnmel.pipeline.predict.models.members import age_and_sex_of, single_models
from attnmel.pipeline.predict.partial_results import PartialResults
from attnmel.pipeline.predict.shards import Shard, without_folders, write_record
from attnmel.pipeline.predict.stall_guard import stall_watched
from attnmel.pipeline.predict.table import ImageResult, PredictionTable, seen_cells, texts_of
from attnmel.progress import SILENT, Progress

STOPPED = "stopped by force, since a library did not return. What was finished is kept: `predict --resume` continues."


@runtime_checkable
class ImageModel(Protocol):
    """A checkpoint or an ONNX file, ready to predict images."""

    file: Path
    card: Card
    temperature: float | None
    thresholds: tuple[Threshold, ...]
    """Operating points of its probabilities; empty if none are known."""
    transforms: str
    """Of each image, whose probabilities are averaged."""
    together: int
    """Number of images in a forward pass; the last bits of a result may depend on the other images in it."""

    @property
    def made_with(self) -> Mapping[str, str]:
        """Everything that the results depend on, except the file and the temperature."""
        ...

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[ImageResult]:
        """Yield the result of each file, in order."""
        ...


@runtime_checkable
class SeveralRuns(Protocol):
    """A model that is the mean of several runs."""

    runs: int
    not_calibrated: str
    """Why the mean has no temperature; empty where it has one."""


def transforms_notes(model: ImageModel) -> tuple[str, ...]:
    """Return what is to be said of the transforms; of a model of several with how many of them it concerns."""
    models = list(single_models(model))
    notes = Counter(
        transforms_note(one.transforms, one.card.transforms, measured=bool(one.card.thresholds)) for one in models
    )
    return tuple(
        note if count == len(models) else f"of {count} of {len(models)} members: {note}"
        for note, count in notes.items()
        if note
    )


class ImageResults:
    """The results of a model for many files, which are predicted while the results are read."""

    def __init__(
        self,
        model: ImageModel,
        paths: Sequence[Path],
        progress: Progress = SILENT,
        *,
        thresholds: Sequence[float] = (),
        maps: Path | None = None,
        dicom: Path | None = None,
        masks: LesionMasks = NO_MASKS,
        metadata: Path | None = None,
        shard: Shard | None = None,
        stall_limit: float = STALL_LIMIT,
    ) -> None:
        self._age_and_sex = age_and_sex_of(model, metadata)
        if metadata is not None and not self._age_and_sex.is_used:
            raise ConfigError(
                f"the model makes no use of age and sex, which {metadata} holds; leave out --metadata, or train with "
                "test.prior = 'age-sex'"
            )
        self.model: ImageModel = model
        self._maps, self._stall_limit = maps, stall_limit
        self._shard, self._every = shard, paths
        self.paths: Sequence[Path] = paths[shard.place(len(paths), together=model.together)] if shard else paths
        self._masks_from = masks.made_with
        own = tuple(Threshold(task=model.card.positives[0], threshold=value) for value in dict.fromkeys(thresholds))
        self._dicom = None if dicom is None else DicomResults(dicom, paths, model.card)
        unchecked = not_checked(model.card.colours, model.card.size, masks=masks.given)
        runs, why = (model.runs, model.not_calibrated) if isinstance(model, SeveralRuns) else (1, "")
        self.table: PredictionTable = PredictionTable(
            model.card, model.temperature, (*model.thresholds, *own), unchecked, runs, why, transforms_notes(model)
        )
        self.of_command = False
        """Whether another process ends this one if a library hangs: a command's, never that of a program of others."""
        self._progress = progress
        self._folders = {} if maps is None else own_folders(maps, paths)
        self._failed: list[str] = []
        self._warned: Counter[str] = Counter()
        self._noted: Counter[str] = Counter()

    def __iter__(self) -> Iterator[ImageResult]:
        return self._after(0)

    def lines(self, *, as_json: bool = False) -> Iterator[str]:
        """Yield the table as CSV or JSON in parts; JSON has the notice and the licence in it."""
        return self.table.lines(self, as_json=as_json)

    def write(self, out: Path, *, as_json: bool = False, resume: bool = False) -> None:
        """Write the table to a file, once all results are there; `resume` continues a stopped prediction.

        The notice of a CSV file is written next to it, to NAME.csv.notice.txt.

        Raises:
            ConfigError: there are results of a stopped prediction, and `resume` is False or the settings have changed;
                or with `resume` a finished table that was made with other settings.
            BusyError: another command writes the table.
            PredictionsError: the results are not one for each file, in order.
            StalledError: no result came for too long; those before are kept.
        """
        with hold_file(out), self._folder_locks():
            self._write_locked(out, as_json=as_json, resume=resume)

    def _write_locked(self, out: Path, *, as_json: bool, resume: bool) -> None:
        partial = PartialResults(out)
        names = [str(path) for path in self.paths]
        whole, of_part = self._table_made_with(), {"shard": str(self._shard)} if self._shard else {}
        table = dataclasses.replace(self.table, made_with=without_folders(whole))
        if resume:
            if not partial.path.exists():
                refuse_other_settings(out, table.made_with)
            done = partial.resume(whole | of_part, names, together=self.model.together)
        else:
            done = 0
            partial.start(whole | of_part)
        self._failed, self._warned, self._noted = [], Counter(), Counter()
        for one in partial.read():
            self._count(one)
        with partial.adding() as add:
            for one in self._after(done):
                add(one)
        encoding = "utf-8" if as_json else csv_encoding([*names, *self.table.columns])
        with replacing(out) as part, part.open("w", encoding=encoding, newline="") as file:
            file.writelines(table.lines(partial.complete(names), as_json=as_json))
        if not as_json:
            write_text(notice_path(out), table.notice)
        if self._shard:
            write_record(out, self._shard, len(names), [str(path) for path in self._every], whole)
        partial.remove()

    def raise_for_failures(self) -> None:
        """Raise an error if some files could not be used, after the others are done.

        Raises:
            ImageError: names them.
        """
        raise_for_failures(self._failed, len(self.paths))

    def _after(self, done: int) -> Iterator[ImageResult]:
        total, left = len(self.paths), self.paths[done:]
        many = len(self._every) > 1
        results = map(self._age_and_sex.of_results, left, self.model.predict(left, many=many))
        if not many:
            # A progress bar or a watching process would take longer to start than the prediction.
            yield from map(self._counted, map(self._with_files, zip(left, results, strict=True)))
            print_notes(self._noted, total, self._progress)
            return
        with (
            self._folder_locks(),
            self._progress.bar("predicting", total, "images") as advance,
            self._watched() as watch,
        ):
            advance(done)
            pairs = zip(left, watch(results), strict=True)
            for one in self._with_all_files(pairs):
                yield self._counted(one)
                advance(1)
        if self._dicom is not None and self._dicom.others:
            self._progress.note(f"no result as DICOM for {self._dicom.others} of {total} images, which are no DICOM")
        print_notes(self._noted, total, self._progress)

    def _watched(self) -> AbstractContextManager[Callable[[Iterable[ImageResult]], Iterator[ImageResult]]]:
        if not self.of_command:
            return nullcontext(iter)
        return stall_watched(self._stall_limit, stalled=self._stalled(), stopped=STOPPED)

    def _folder_locks(self) -> AbstractContextManager[None]:
        return hold_folders(self._maps, self._dicom and self._dicom.folder)

    def _with_all_files(self, pairs: Iterator[tuple[Path, ImageResult]]) -> Iterator[tuple[Path, ImageResult]]:
        """Yield the results with their files written, on all processors."""
        if self._maps is None and self._dicom is None:
            return pairs
        return in_threads(self._with_files, pairs, available_processors(), limit=self._stall_limit)

    def _counted(self, pair: tuple[Path, ImageResult]) -> ImageResult:
        result = pair[1]
        if result.seen is not None:
            result = dataclasses.replace(result, added={**result.added, **seen_cells(result.seen)})
        self._count(result)
        return result

    def _count(self, result: ImageResult) -> None:
        if result.error:
            self._failed.append(result.error)
        self._warned.update(texts_of(result.added, "warnings"))
        self._noted.update(texts_of(result.added, "notes"))

    def warnings_sentence(self) -> str:
        """Return how many images have which warning, in words; empty if none has any."""
        counts = ", ".join(f"{count} '{name}'" for name, count in self._warned.most_common())
        return f"warnings on {len(self.paths)} images: {counts}" if counts else ""

    def age_and_sex_sentence(self) -> str:
        """Return how many results age and sex have changed; empty for a model that makes no use of them."""
        return self._age_and_sex.sentence(len(self.paths))

    def _stalled(self) -> str:
        return (
            f"no result came for {self._stall_limit:g} seconds: a library hangs, or this machine is very slow. What "
            "was finished is kept: `predict --resume` continues from there; --stall-limit SECONDS sets a longer limit"
        )

    def _with_files(self, pair: tuple[Path, ImageResult]) -> tuple[Path, ImageResult]:
        """Write the maps and the DICOM files of a result, if there is a folder for them, before the result counts."""
        path, result = pair
        if result.error or result.seen is None:
            return pair
        try:
            if self._maps is not None:
                shown = (self._folders[path], path, result.attention, self.model.card, result.seen)
                write_image_maps(*shown, probabilities=result.probabilities)
            if self._dicom is not None:
                self._dicom.write(path, result)
        except ImageError as error:
            return path, ImageResult(result.image, (), str(error))
        return pair

    def _table_made_with(self) -> dict[str, str]:
        temperature = "none" if self.model.temperature is None else f"{self.model.temperature!r}"
        own = {"attnmel": __version__, "model": f"{self.model.file.name} ({file_sha256(self.model.file)[:12]})"}
        maps = {} if self._maps is None else {"maps": str(self._maps)}
        maps |= {} if self._dicom is None else {"dicom": str(self._dicom.folder)}
        maps |= {"masks": self._masks_from} if self._masks_from else {}
        maps |= {"metadata": self._age_and_sex.made_with} if self._age_and_sex.made_with else {}
        maps |= {} if self.model.transforms == NO_TRANSFORMS else {"transforms": self.model.transforms}
        columns = {"columns": ", ".join(self.table.columns)}
        return {**own, **self.model.made_with, "temperature": temperature, **maps, **columns}
