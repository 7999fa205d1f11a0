"""How far each reader of a study is."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from attnmel.pipeline.study.open_study import OpenStudy
from attnmel.pipeline.study.reader_progress import progress_of


@dataclass(frozen=True)
class ReaderStatus:
    """How far one reader is."""

    reader: str
    answered: int
    steps: int
    complete: bool
    """Whether the completion rule is fulfilled."""
    median_seconds: float | None
    """Of an answer; None without any."""
    last: str | None
    """Time of the last answer, UTC."""

    def as_dict(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


def study_status(opened: OpenStudy) -> Iterator[ReaderStatus]:
    """Yield how far each reader is; no answer is shown, so that nobody looks at results before the end."""
    for reader in opened.store.readers():
        found = progress_of(opened.study, opened.store, reader)
        answers = list(found.answers.values())
        yield ReaderStatus(
            reader=reader.name,
            answered=len(answers),
            steps=found.steps,
            complete=found.share >= opened.study.completion,
            median_seconds=statistics.median(one.seconds for one in answers) if answers else None,
            last=max((one.at for one in answers), default=None),
        )
