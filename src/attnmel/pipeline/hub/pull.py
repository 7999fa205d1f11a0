"""A model on a hub -> a run folder here."""

from pathlib import Path

from attnmel.files.folders import RunFolder
from attnmel.files.hub import FILES, HubName, hub_folder
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.pipeline.run.run_copy import placed_run


def pulled_run(name: HubName, folder: Path | None = None) -> RunFolder:
    """Return a run folder with the files of a model of a hub, fetched where it is missing; by default runs/<NAME>.

    Raises:
        ArchiveError, CheckpointError: as `hub_folder`, or weights that are damaged.
        ConfigError: the folder contains something else.
    """
    fetched = hub_folder(name)
    read_checkpoint(fetched)
    files = {one: fetched / one for one in FILES if (fetched / one).is_file()}
    return placed_run(files, folder or Path("runs") / name.repository.partition("/")[2], str(name))
