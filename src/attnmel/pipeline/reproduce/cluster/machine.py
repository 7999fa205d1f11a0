"""What runs on a machine of a cluster: a check that it can do the work, then the work."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """A file that shows whether another machine has the same folder; without it, work is stopped."""

    path: str
    text: str


def task_on_machine() -> Callable[..., Iterator[Any]]:
    """Return the function that runs on a machine.

    It is sent as code, not by name: where this package is missing, it can still say so.
    """

    def attnmel_work(version: str, mark: tuple[str, str], folder: str, work: bytes | None) -> Iterator[Any]:
        import os
        import platform
        from pathlib import Path

        machine = platform.node()
        try:
            import attnmel
        except ImportError:
            yield {"unfit": f"{machine} has no attnmel; install version {version} there, in the environment of its Ray"}
            return
        if (own := attnmel.__version__) != version:
            yield {"unfit": f"{machine} has attnmel {own}, and this machine {version}; install the same on both"}
            return
        path, text = mark
        if not Path(path).is_file() or Path(path).read_text() != text:
            unseen = f"{machine} does not see the folder {Path(path).parent} of this machine"
            yield {"unfit": f"{unseen}; name one by --out that all machines share"}
            return
        if work is not None:
            from attnmel.pipeline.reproduce.cluster.worker import carry_out

            if Path(folder).is_dir():
                os.chdir(folder)  # where the command was typed: settings may name files from there
            yield from carry_out(work, Path(path))

    return attnmel_work
