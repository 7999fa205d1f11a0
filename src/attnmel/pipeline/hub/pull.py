"""A model on a hub -> a run folder here."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from attnmel.files.folders import RunFolder, replacing
from attnmel.files.hub import CARD, FILES, HubName, hub_folder
from attnmel.files.locks import hold_folder
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.pipeline.run.results.results import read_measures, write_measures
from attnmel.pipeline.run.run_copy import placed_run


def pulled_run(name: HubName, folder: Path | None = None) -> RunFolder:
    """Return a run folder with the files of a model of a hub, fetched where it is missing; by default runs/<NAME>.

    A folder with the same weights of another revision takes the other files of this one; results that were evaluated
    there stay.

    Raises:
        ArchiveError, CheckpointError: as `hub_folder`, or weights that are damaged.
        ConfigError: the folder contains something else.
        PredictionsError: the results in the folder are damaged.
        BusyError: another command writes into the folder, which is of another revision.
    """
    fetched = hub_folder(name)
    read_checkpoint(fetched)
    files = {one: fetched / one for one in FILES if (fetched / one).is_file()}
    run = placed_run(files, folder or Path("runs") / name.repository.partition("/")[2], str(name))
    # The card has all measures, and is the one file that no command changes.
    if CARD in files and not _is_copy(run.path / CARD, files[CARD]):
        _take(run, files)
    return run


def _is_copy(path: Path, file: Path) -> bool:
    return path.is_file() and path.read_bytes() == file.read_bytes()


def _take(run: RunFolder, files: Mapping[str, Path]) -> None:
    """Replace all but the weights; the card comes last, so that what was stopped is done again."""
    with hold_folder(run.path):
        # A model of a hub comes without predictions.
        own = {name: one for name, one in read_measures(run).items() if run.predictions(name).is_file()}
        others = [one for one in files if one not in (CARD, run.best.name, run.measures.name)]
        if (measures := files.get(run.measures.name)) is not None:
            write_measures(run, read_measures(RunFolder(measures.parent)) | own)
        for one in (*others, CARD):
            with replacing(run.path / one) as part:
                shutil.copyfile(files[one], part)
