"""Where a reader is in a study: what comes next, what may be shown of it, and how far each one is."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from attnmel.pipeline.study.open_study import OpenStudy
from attnmel.pipeline.study.reading_order import OrderedCase, reading_order
from attnmel.pipeline.study.store import Answer, Reader, Store
from attnmel.pipeline.study.study_file import Study


@dataclass(frozen=True)
class ReaderProgress:
    """What a reader has answered, and what comes next."""

    items: tuple[OrderedCase, ...]
    answers: Mapping[tuple[int, str], Answer]

    @property
    def next(self) -> tuple[OrderedCase, str] | None:
        """The first stage without an answer; None at the end."""
        steps = ((item, stage) for item in self.items for stage in item.stages)
        return next(((item, stage) for item, stage in steps if (item.position, stage) not in self.answers), None)

    @property
    def steps(self) -> int:
        """Answers of the whole study."""
        return sum(len(item.stages) for item in self.items)

    @property
    def share(self) -> float:
        """Share of the answers that were given."""
        return len(self.answers) / self.steps

    def opens(self, study: Study) -> datetime | None:
        """Return when the next session opens; None where the reader may go on at any time."""
        found = self.next
        if found is None or found[0].session == 1:
            return None
        session = {item.position: item.session for item in self.items}
        if any(session[position] == found[0].session for position, _ in self.answers):
            return None
        last = max(datetime.fromisoformat(one.at) for one in self.answers.values())
        return last + timedelta(days=study.washout_days)


def progress_of(study: Study, store: Store, reader: Reader) -> ReaderProgress:
    """Return the progress of a reader, from the database."""
    return ReaderProgress(reading_order(study, reader.name), store.answers(reader))


def has_ended(study: Study, now: datetime) -> bool:
    """Return whether the last day of a study is over, by UTC."""
    return study.ends is not None and now.astimezone(UTC).date() > study.ends


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
