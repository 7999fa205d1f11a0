"""Results kept as they come, so that a stopped prediction can be continued. No torch.

They are in a file of JSON lines next to the future table: first the model and the options, then one result in each
line, in order. An incomplete last line does not count.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from attnmel.errors import ConfigError, PredictionsError
from attnmel.files.folders import write_text
from attnmel.files.table_files import parsed_json
from attnmel.files.write_problems import is_for_lack_of_right, reason_in_words
from attnmel.pipeline.predict.table import ImageResult

MadeWith = Mapping[str, str]
"""Everything that the results depend on (model, engine, precision, calibration), and the columns, by name."""

FREE = "free some space"


def changes(before: MadeWith, now: MadeWith) -> str:
    """Return which settings were others before, in words."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return "; ".join(f"{name} was {before.get(name, 'none')}, and is {now.get(name, 'none')}" for name in names)


class PartialResults:
    """The results so far of a table that will be written to `out`."""

    def __init__(self, out: Path) -> None:
        self.path = out.with_name(f"{out.name}.part")
        """File of the results until all are there."""

    def start(self, made_with: MadeWith) -> None:
        """Start without a result.

        Raises:
            ConfigError: there are results of a stopped prediction.
        """
        if self.path.exists():
            raise ConfigError(
                f"{self.path} contains the results of a stopped prediction; continue it by --resume, or delete that "
                "file to start again"
            )
        write_text(self.path, json.dumps(dict(made_with)) + "\n")

    def resume(self, made_with: MadeWith, images: Sequence[str], *, together: int = 1) -> int:
        """Continue, and return the number of results so far: whole groups of `together` images, which share a pass.

        Raises:
            ConfigError: model, options, images or their order have changed.
        """
        if not self.path.exists():
            self.start(made_with)
            return 0
        self._check_made_with(made_with)
        ends = [self._end_of_head()]
        for number, (result, end) in enumerate(self._results()):
            if number >= len(images) or result.image != images[number]:
                now = f"is {images[number]}" if number < len(images) else "is none"
                raise ConfigError(
                    f"image {number + 1} of the stopped prediction in {self.path} was {result.image}, and now {now}; "
                    "name the same images in the same order, or delete that file to start again"
                )
            ends.append(end)
        number = (len(ends) - 1) // together * together
        os.truncate(self.path, ends[number])
        return number

    @contextmanager
    def adding(self) -> Iterator[Callable[[ImageResult], None]]:
        """Give the function that writes one more result at once.

        Raises:
            PredictionsError: the disk is full or cannot be written; the results before are kept.
        """
        # Without a buffer, closing the file does not try again to write what a full disk refused.
        with self.path.open("ab", buffering=0) as file:

            def add(result: ImageResult) -> None:
                row = [result.image, result.probabilities, result.error, dict(result.added)]
                line = json.dumps(row).encode() + b"\n"
                try:
                    whole = file.write(line) == len(line)
                except OSError as error:
                    remedy = "get the right to write it" if is_for_lack_of_right(error) else FREE
                    raise self._unwritten(reason_in_words(error, self.path), remedy) from error
                if not whole:
                    raise self._unwritten("the disk is full", FREE)

            yield add

    def read(self) -> Iterator[ImageResult]:
        """Yield the results so far, in order."""
        return (result for result, _ in self._results())

    def complete(self, images: Sequence[str]) -> Iterator[ImageResult]:
        """Yield the results, one for each image, in their order.

        Raises:
            PredictionsError: there are more or fewer, or one is of another image.
        """
        for number, (image, result) in enumerate(zip_longest(images, self.read()), start=1):
            found = "none" if result is None else f"of {result.image}"
            if found != f"of {image}":
                expected = "none" if image is None else f"of {image}"
                raise PredictionsError(
                    f"result {number} in {self.path} is {found}, expected {expected} ({len(images)} images): another "
                    "program wrote to that file; no table was written. Delete the file and predict again"
                )
            if result is not None:
                yield result

    def remove(self) -> None:
        """Delete the file, once the table is written."""
        self.path.unlink()

    def _results(self) -> Iterator[tuple[ImageResult, int]]:
        """Yield each complete result, and the position in the file where its line ends."""
        with self.path.open("rb") as file:
            end = len(file.readline())
            for line in file:
                if not line.endswith(b"\n"):
                    return
                end += len(line)
                yield self._result(line), end

    def _result(self, line: bytes) -> ImageResult:
        try:
            image, probabilities, error, added = parsed_json(line)
            return ImageResult(image, tuple(probabilities), error, added=dict(added))
        except (ValueError, TypeError):
            raise self._damaged() from None

    def _end_of_head(self) -> int:
        with self.path.open("rb") as file:
            return len(file.readline())

    def _check_made_with(self, now: MadeWith) -> None:
        with self.path.open("rb") as file:
            try:
                before: dict[str, str] = dict(parsed_json(file.readline()))
            except (ValueError, TypeError):
                raise self._damaged() from None
        if before != now:
            raise ConfigError(
                f"the results in {self.path} were made with other settings: {changes(before, now)}. Use the same, or "
                "delete that file to start again"
            )

    def _unwritten(self, reason: str, remedy: str) -> PredictionsError:
        return PredictionsError(
            f"cannot write {self.path} ({reason}). The results so far are kept there: {remedy}, and continue by "
            "--resume"
        )

    def _damaged(self) -> ConfigError:
        return ConfigError(
            f"{self.path} contains no results of a stopped prediction, or damaged ones; delete it to start again"
        )
