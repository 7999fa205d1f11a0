"""Whether a report can show the images of a run, which another machine may have trained or a package have brought."""

from attnmel.errors import ArchiveError, ConfigError
from attnmel.pipeline.run.run import Run


def missing_images(run: Run, on: str | None = None) -> str:
    """Return why the images of a run's data set, or of another that it was evaluated on, are not here, and what to do.

    Empty where they are here.
    """
    try:
        run.dataset_on(on)
    except (ArchiveError, ConfigError) as error:
        return str(error)
    return ""
