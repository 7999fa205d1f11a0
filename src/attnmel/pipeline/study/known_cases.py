"""Cases of a study that a machine learnt from: what it says of them is too good to be compared with readers."""

from collections.abc import Sequence
from pathlib import Path

from attnmel.errors import listed
from attnmel.files.folders import RunFolder
from attnmel.files.seeds import runs_in, runs_to_average
from attnmel.pipeline.run.images.fingerprints import copied_images, read_fingerprints
from attnmel.pipeline.run.images.seen_images import known_images, read_images, shared_images
from attnmel.pretrained.catalogue import find_copied
from attnmel.pretrained.named import exported_file
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion


def known_cases(
    source: str, lesions: Sequence[Lesion], home: Path, progress: Progress = SILENT
) -> tuple[str, ...] | None:
    """Return the cases that a model's run learnt from, by id, file, lesion or picture; None where no list says what.

    `source` is the model as `machine_output` takes it. An ONNX file outside a run folder has no list of images, unless
    it is a copy of a pretrained model's.

    Raises:
        PredictionsError, CheckpointError: a list of images, or their fingerprints, is damaged.
        ImageError: an image cannot be read.
    """
    found: dict[str, None] = {}
    listed_images = False
    for run in _runs(exported_file(source) or Path(source)):
        own = read_images(run)
        learnt = (*own, *read_images(run.start), *read_images(run.recalibration))
        listed_images = listed_images or bool(learnt)
        shared = shared_images(learnt, known_images(lesions, home), "study") if learnt else ()
        copies = ()
        if run.fingerprints.is_file():
            copies = copied_images(read_fingerprints(run, len(own)), own, lesions, "study", progress)
        found |= dict.fromkeys(one.image for one in (*shared, *copies))
    return tuple(one.image_id for one in lesions if one.image_id in found) if listed_images else None


def unknown_note(machine: str) -> str:
    """Return what is said of a machine of which it is not known what it learnt from."""
    return (
        f"{machine}: what it learnt from is not known here, so that cases among its training images are not found; "
        "where you have its run folder, name that as the machine"
    )


def learnt_note(machine: str, known: Sequence[str], cases: int) -> str:
    """Return what is said of a machine that learnt from some of the cases."""
    return (
        f"{machine}: learnt from {len(known):,} of the {cases:,} cases ({listed(known)}). What readers are shown of "
        "them, and its AUC, are better than on new images"
    )


def _runs(model: Path) -> tuple[RunFolder, ...]:
    """Return the run of a folder or of a file in it, or the runs of a folder of seeds or folds.

    Of a copy of a pretrained model's file it is that model's.
    """
    if model.is_dir():
        return runs_to_average(model) or runs_in(model)
    own_run = RunFolder(model.parent)
    if own_run.recipe.is_file():
        return (own_run,)
    copied = find_copied(model) if model.is_file() else None
    return () if copied is None else (RunFolder(copied.folder),)
