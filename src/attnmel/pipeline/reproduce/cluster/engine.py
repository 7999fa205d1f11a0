"""The runs of a table as tasks on a Ray cluster: the same jobs, locks and commands as on one machine."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from attnmel.files.folders import home_folder
from attnmel.pipeline.reproduce.cluster.tasks import Cluster, Machines, open_cluster
from attnmel.pipeline.reproduce.jobs import TableOptions
from attnmel.pipeline.reproduce.rows import predict_row_masks, train_row
from attnmel.pipeline.reproduce.schedule import Schedule
from attnmel.progress import Progress


class RayEngine:
    """Runs commands on a cluster, as many at once as it has places for."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def options(self, options: TableOptions) -> TableOptions:
        """Return the options with absolute paths, and with the home of this machine."""
        segmenter = options.segmenter and options.segmenter.absolute()
        home = home_folder(options.home).absolute()
        return dataclasses.replace(options, out=options.out.absolute(), home=home, segmenter=segmenter)

    def predict_masks(self, arguments: Sequence[tuple[str, ...]], model: Path) -> str:
        """Run the segmenter's commands in order; return why the masks are not there, empty where they are."""
        with self._stopping():
            self._cluster.start("segmenter", partial(predict_row_masks, arguments, model))
            return self._cluster.wait()[1].reason

    def train(self, schedule: Schedule, changed: Callable[[], None]) -> None:
        """Run all jobs that are not finished; `changed` is called whenever one has ended."""
        running = {}
        with self._stopping():
            while True:
                while job := schedule.next():
                    running[job.name] = job
                    self._cluster.start(job.name, partial(train_row, job))
                if not running:
                    return
                name, ended = self._cluster.wait()
                schedule.ended(running.pop(name), ended.reason)
                if ended.is_new:
                    changed()

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Stop all work if this process is to end."""
        try:
            yield
        except BaseException:
            self._cluster.stop()
            raise


@contextmanager
def ray_engine(address: str | None, out: Path, each: Machines, progress: Progress) -> Iterator[RayEngine]:
    """Open a cluster as an engine; as `open_cluster`."""
    with open_cluster(address, out.absolute(), each, progress) as cluster:
        yield RayEngine(cluster)
