"""A copy of a run for results that cannot, or shall not, be written into its own folder."""

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from attnmel.errors import ConfigError
from attnmel.files.download import Downloaded
from attnmel.files.folders import RunFolder, replacing
from attnmel.files.locks import hold_folder
from attnmel.files.own_files import require_new_folder
from attnmel.models.weights.checkpoints import checkpoint_file
from attnmel.pipeline.run.provenance import place_of_data, read_provenance, write_provenance
from attnmel.pipeline.run.run_location import read_recipe


def copied_run(run: RunFolder, out: Path) -> RunFolder:
    """Return a copy of a run in the folder `out`, made where it is missing: all that results are computed from.

    Copied are settings, provenance, history, the best checkpoint, the lists of images, and results so far; not the
    state to resume from, events, maps and reports. A copy that is there already is used, with its own results.

    Raises:
        ConfigError: no run, or `out` holds something else.
        CheckpointError: the run has no best checkpoint.
    """
    read_provenance(run)
    best, copy = checkpoint_file(run.path), RunFolder(out)
    if out.exists() and out.samefile(run.path):
        return run
    with hold_folder(out):
        if copy.best.is_file() and _weights_digest(copy.best) == _weights_digest(best):
            return copy
        if any(one.name[0] != "." for one in out.iterdir()):
            raise ConfigError(f"{out} holds something else than a copy of {run.path}; choose another folder by --out")
        _write_copy(run, copy, (*_files(run), *_results(run)), out)
    return copy


def copy_without_results(run: RunFolder, copy: RunFolder, place: Path) -> None:
    """Write a copy of a run without its results, for the folder `place`, where it will be.

    Raises:
        ConfigError: no run.
        CheckpointError: the run has no best checkpoint.
    """
    _write_copy(run, copy, _files(run), place)


def _write_copy(run: RunFolder, copy: RunFolder, files: Iterable[Path], place: Path) -> None:
    write_provenance(copy, read_provenance(run) | place_of_data(RunFolder(place), read_recipe(run)))
    for path in (*files, checkpoint_file(run.path)):  # the checkpoint last: a copy that has it is whole
        with replacing(copy.path / path.relative_to(run.path)) as part:
            shutil.copyfile(path, part)


def placed_run(files: Mapping[str, Path], folder: Path, name: str) -> RunFolder:
    """Return a run folder with copies of the files of a model, by their path in it; made where it is missing.

    A copy that an earlier version made gets the files that it lacks, such as the fingerprints by which copies of
    training images are found.

    Raises:
        ConfigError: the folder contains something else, or is the current one.
    """
    run = RunFolder(folder)
    if run.best.is_file() and Downloaded.of(run.best) == Downloaded.of(files[run.best.name]):
        for path, file in files.items():
            if not (folder / path).exists():
                with replacing(folder / path) as part:
                    shutil.copyfile(file, part)
        return run
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = (
            f"other weights than {name}, as of an earlier version"
            if run.best.is_file()
            else f"something else than {name}"
        )
        raise ConfigError(f"{folder} contains {found}; choose another folder by --out, or move it away")
    with replacing(require_new_folder(folder)) as part:
        for path, file in files.items():
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, part / path)
    return run


def _files(run: RunFolder) -> list[Path]:
    lists = (run.images, run.fingerprints, run.prior.images, run.start.images, run.recalibration.images)
    every = (run.recipe, run.history, *lists, run.best.with_suffix(".json"))
    return [path for path in every if path.is_file()]


def _results(run: RunFolder) -> list[Path]:
    every = (run.leakage, run.measures, *(run.path / "predictions").glob("*"))
    return [path for path in every if path.is_file()]


def _weights_digest(path: Path) -> str:
    """Return a hash of the tensors of a safetensors file; the card before them changes with the temperature."""
    with path.open("rb") as file:
        file.seek(int.from_bytes(file.read(8), "little"), 1)
        return hashlib.file_digest(file, "sha256").hexdigest()
