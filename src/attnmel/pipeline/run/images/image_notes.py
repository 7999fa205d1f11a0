"""Notes on the images that a run uses: how their table was read, which are left out, and which leak."""

from typing import TYPE_CHECKING

from attnmel.data.datasets.splits import excluded_sentence
from attnmel.progress import Progress
from attnmel.records import INTERNAL

if TYPE_CHECKING:
    from attnmel.pipeline.run.images.dataset import Prepared


def note_images(prepared: "Prepared", ablation: str, progress: Progress) -> None:
    """Say how the table of a folder was read, and which images leak or are left out."""
    dataset, images = prepared.dataset, len(prepared.lesions)
    for note in dataset.notes:
        progress.note(note)
    if dataset.leaks:
        _note_leaks(prepared, progress)
    if excluded := prepared.excluded:
        progress.note(excluded_sentence(len(excluded), images, dataset.name))
    if bare := sum(prepared.left_out.values()):
        by_split = ", ".join(f"{count} of {split}" for split, count in prepared.left_out.items())
        progress.note(f"{ablation}: {bare} of {images} images have no lesion mask and are left out ({by_split})")


def _note_leaks(prepared: "Prepared", progress: Progress) -> None:
    trained = {lesion.group for lesion in prepared.used if lesion.split == "train"} - {None}
    for split in ("validation", INTERNAL):
        groups = [lesion.group for lesion in prepared.used if lesion.split == split]
        known = sum(group in trained for group in groups)
        progress.note(
            f"{prepared.dataset.name} leaks on purpose: {known} of {len(groups)} images of its split '{split}' show a "
            "lesion that is trained on"
        )
