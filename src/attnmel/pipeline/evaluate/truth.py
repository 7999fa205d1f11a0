"""The official truth of a fetched data set, and which images are of one lesion: what submissions are scored against."""

from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES
from attnmel.data.archives.fetch import archive_states
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ArchiveError, LabelError

SPLIT = "test"
"""The split whose truth a submission is scored against."""


def lesion_groups(dataset: str, home: Path) -> dict[str, str]:
    """Return the lesion of each image where the fetched data set records it; none where it was not fetched."""
    try:
        lesions = read_dataset(dataset, home).lesions
    except (ArchiveError, LabelError):
        return {}
    return {one.image_id: one.group for one in lesions if one.group is not None}


def fetched_truth(dataset: str, home: Path, split: str = SPLIT) -> Path:
    """Return the official table itself: a mirror may lack images that a submission has a row for.

    Raises:
        ArchiveError: the data set was not fetched, or without this table.
    """
    for one in ARCHIVES[dataset]:
        if (one.role, one.split) == ("labels", split) and one.location(home).is_file():
            return one.location(home)
    archive_states(dataset, home)  # raises, with what to do, where it was not fetched or is incomplete
    raise ArchiveError(f"{dataset} was fetched without the truth of its {split} images; name one with --truth")
