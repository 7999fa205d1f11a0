"""Which run of a table may start next: in the table's order, after all that it needs. No torch."""

from collections.abc import Iterable

from attnmel.pipeline.reproduce.jobs import Job


class Schedule:
    """The runs of a table that have not started yet.

    `failures` are reasons by the name of a job; those that fail, or need one that failed, are added to it.
    """

    def __init__(self, jobs: Iterable[Job], failures: dict[str, str]) -> None:
        self.failures = failures
        self._left = list(jobs)
        self._names = {job.run.path: job.name for job in self._left}
        self._open = set(self._names)
        """Run folders of jobs that have not ended."""

    def next(self) -> Job | None:
        """Return a run that may start now, which then counts as started; None while, or since, there is none."""
        for job in list(self._left):
            if failed := next((path for path in job.after if self._names[path] in self.failures), None):
                self.failures.setdefault(job.name, f"it needs {self._names[failed]}, which failed")
            if job.name in self.failures:
                self._left.remove(job)
                self._open.discard(job.run.path)
            elif not self._open & {*job.after}:
                self._left.remove(job)
                return job
        return None

    def ended(self, job: Job, reason: str = "") -> None:
        """Note that a run has ended, and why it failed."""
        self._open.discard(job.run.path)
        if reason:
            self.failures[job.name] = reason
