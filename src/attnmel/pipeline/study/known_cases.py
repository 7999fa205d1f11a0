"""Cases of a study that a machine learnt from: what it says of them is too good to be compared with readers."""

from collections.abc import Sequence
from pathlib import Path

from attnmel.errors import listed
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.fingerprints import copied_images, read_fingerprints
from attnmel.pipeline.run.images.seen_images import known_images, read_images, shared_images
from attnmel.pretrained.named import exported_file
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion


def known_cases(source: str, lesions: Sequence[Lesion], home: Path, progress: Progress = SILENT) -> tuple[str, ...]:
    """Return the cases that a model's run learnt from, by id, file, lesion or picture.

    `source` is the model as `machine_output` takes it. A file beside no run has no list of images, so that nothing is
    known of it.

    Raises:
        PredictionsError, CheckpointError: a list of images, or their fingerprints, is damaged.
        ImageError: an image cannot be read.
    """
    found: dict[str, None] = {}
    for run in _runs(exported_file(source) or Path(source)):
        own = read_images(run)
        learnt = (*own, *read_images(run.start), *read_images(run.recalibration))
        shared = shared_images(learnt, known_images(lesions, home), "study") if learnt else ()
        copies = ()
        if run.fingerprints.is_file():
            copies = copied_images(read_fingerprints(run, len(own)), own, lesions, "study", progress)
        found |= dict.fromkeys(one.image for one in (*shared, *copies))
    return tuple(one.image_id for one in lesions if one.image_id in found)


def known_note(machine: str, known: Sequence[str], cases: int) -> str:
    """Return what is said of a machine that knows some of the cases."""
    return (
        f"{machine}: learnt from {len(known):,} of the {cases:,} cases ({listed(known)}). What readers are shown of "
        "them, and its AUC, are better than on new images; make the study of other images before you invite anybody"
    )


def _runs(model: Path) -> list[RunFolder]:
    """Return the run of a folder or of a file in it, or the runs of a folder of seeds or folds."""
    folder = model if model.is_dir() else model.parent
    places = [folder]
    if model.is_dir() and not RunFolder(folder).recipe.is_file():
        places = sorted({one.parent for depth in ("*", "*/*") for one in folder.glob(f"{depth}/recipe.toml")})
    return [run for run in map(RunFolder, places) if run.recipe.is_file()]
