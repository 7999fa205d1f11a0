"""Answers kept as they come, so that a prediction that is stopped goes on where it was. No torch.

A file of JSON lines beside the one that the table will be written to: what the answers are made with, then an answer a
line, in order. A line that a stop cut short is no answer.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from attnmel.errors import ConfigError, PredictionsError
from attnmel.folders import replacing
from attnmel.pipeline.predict.table import Answer

MadeWith = Mapping[str, str]
"""What decides the answers (model, engine, precision, calibration), by name."""


class KeptAnswers:
    """The answers that are there so far, of a table that will be at `out`."""

    def __init__(self, out: Path) -> None:
        self.path = out.with_name(f"{out.name}.part")
        """Where they lie until all are there."""

    def begin(self, made_with: MadeWith) -> None:
        """Begin without an answer.

        Raises:
            ConfigError: the answers of a prediction that was stopped are there.
        """
        if self.path.exists():
            raise ConfigError(
                f"{self.path} holds the answers of a prediction that was stopped; go on with --resume, or delete it to "
                "begin anew"
            )
        with replacing(self.path) as part:
            part.write_text(json.dumps(dict(made_with)) + "\n", encoding="utf-8")

    def resume(self, made_with: MadeWith, images: Sequence[str], *, together: int = 1) -> int:
        """Go on, and return how many answers are kept: whole groups of `together` images, which share a pass.

        Raises:
            ConfigError: they were made with something else, or are of other images or in another order.
        """
        if not self.path.exists():
            self.begin(made_with)
            return 0
        self._check_made_with(made_with)
        ends = [self._end_of_head()]
        for number, (answer, end) in enumerate(self._answers()):
            if number >= len(images) or answer.image != images[number]:
                now = f"is {images[number]}" if number < len(images) else "is none"
                raise ConfigError(
                    f"image {number + 1} of the stopped prediction in {self.path} was {answer.image}, and now {now}; "
                    "name the same images in the same order, or delete that file to begin anew"
                )
            ends.append(end)
        kept = (len(ends) - 1) // together * together
        os.truncate(self.path, ends[kept])
        return kept

    @contextmanager
    def adding(self) -> Iterator[Callable[[Answer], None]]:
        """Give the function that keeps one more answer; a stop right after it loses nothing.

        Raises:
            PredictionsError: the disk is full or cannot be written; the answers before are kept.
        """
        # Without a buffer, what a full disk refuses is not tried again when the file is closed.
        with self.path.open("ab", buffering=0) as file:

            def add(answer: Answer) -> None:
                line = json.dumps([answer.image, answer.probabilities, answer.error]).encode() + b"\n"
                try:
                    whole = file.write(line) == len(line)
                except OSError as error:
                    raise self._full(str(error.strerror)) from error
                if not whole:
                    raise self._full("the disk is full")

            yield add

    def read(self) -> Iterator[Answer]:
        """Give the answers that are there, in order."""
        return (answer for answer, _ in self._answers())

    def whole(self, images: Sequence[str]) -> Iterator[Answer]:
        """Give the answers, one for each image, in their order.

        Raises:
            PredictionsError: there are more or fewer, or one is of another image.
        """
        for number, (image, answer) in enumerate(zip_longest(images, self.read()), start=1):
            found = "none" if answer is None else f"of {answer.image}"
            if found != f"of {image}":
                expected = "none" if image is None else f"of {image}"
                raise PredictionsError(
                    f"answer {number} in {self.path} is {found}, expected {expected} ({len(images)} images): something "
                    "else wrote into that file; no table was written. Delete the file and predict again"
                )
            if answer is not None:
                yield answer

    def remove(self) -> None:
        """Take the file away once the table is written."""
        self.path.unlink()

    def _answers(self) -> Iterator[tuple[Answer, int]]:
        """Give each whole answer, and where in the file its line ends."""
        with self.path.open("rb") as file:
            end = len(file.readline())
            for line in file:
                if not line.endswith(b"\n"):
                    return
                end += len(line)
                yield self._answer(line), end

    def _answer(self, line: bytes) -> Answer:
        try:
            image, probabilities, error = json.loads(line)
            return Answer(image, tuple(probabilities), error)
        except (ValueError, TypeError):
            raise self._not_ours() from None

    def _end_of_head(self) -> int:
        with self.path.open("rb") as file:
            return len(file.readline())

    def _check_made_with(self, now: MadeWith) -> None:
        with self.path.open("rb") as file:
            try:
                before: dict[str, str] = dict(json.loads(file.readline()))
            except (ValueError, TypeError):
                raise self._not_ours() from None
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if names:
            told = "; ".join(f"{name} was {before.get(name, 'none')}, and is {now.get(name, 'none')}" for name in names)
            raise ConfigError(
                f"the answers in {self.path} were made otherwise: {told}. Ask for the same, or delete that file "
                "to begin anew"
            )

    def _full(self, reason: str) -> PredictionsError:
        return PredictionsError(
            f"cannot write {self.path} ({reason}). The answers so far are kept there: make room, and go on with "
            "--resume"
        )

    def _not_ours(self) -> ConfigError:
        return ConfigError(
            f"{self.path} holds no answers of a stopped prediction, or damaged ones; delete it to begin anew"
        )
