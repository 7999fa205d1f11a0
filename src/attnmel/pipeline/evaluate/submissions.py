"""Submissions read and written, and the official truth that they are scored against."""

from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, source_of
from attnmel.data.archives.fetch import archive_states
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ArchiveError, LabelError, PredictionsError
from attnmel.evaluation.challenge.entry import predictions_of, read_entry
from attnmel.evaluation.challenge.rules import CHALLENGES
from attnmel.evaluation.challenge.submission import SUBMISSIONS, official_categories, takes, write_submission
from attnmel.records import Predictions

SPLIT = "test"
"""The split whose truth a submission is scored against."""


def named_submission(given: str) -> tuple[str, Path]:
    """Return the data set and the path of "isic2017:FILE"; no data set where the name is that of a file alone."""
    dataset, sign, path = given.partition(":")
    return (dataset, Path(path)) if sign and dataset in SUBMISSIONS else ("", Path(given))


def is_submission(path: Path) -> bool:
    """Whether a file is none of our own predictions files, by its header."""
    with path.open(encoding="utf-8", errors="replace") as file:
        header = next((line for line in file if not line.startswith("#")), "")
    names = [name.strip().strip('\ufeff"') for name in header.split(",")]  # R writes names in quotes
    return not {"image", "label", "group"} <= set(names)


def incomplete(dataset: str, images: int, split: str = SPLIT) -> str:
    """Return "354 of the 379 test images of isic2016" where a split has fewer images than the official one; else ""."""
    challenge = source_of(dataset)
    official = [one.expected for one in ARCHIVES.get(challenge, ()) if (one.role, one.split) == ("images", split)]
    if split != SPLIT or not official or official[0] is None or images >= official[0]:
        return ""
    return f"{images:,} of the {official[0]:,} {split} images of {challenge}"


def write_if_official(predictions: Predictions, path: Path, dataset: str) -> str:
    """Write the probabilities where the challenge of a data set has a format that takes them; else return ""."""
    challenge = source_of(dataset)
    if challenge in SUBMISSIONS and takes(challenge, predictions.classes):
        return write_submission(predictions, path, challenge)
    return ""


def submission_predictions(
    path: Path,
    dataset: str,
    home: Path,
    *,
    run: Predictions | None = None,
    split: str = SPLIT,
) -> tuple[Predictions, tuple[str, ...]]:
    """Return a submission with the labels and lesions of the fetched data set, and notes on how it was read.

    `run` are the predictions of a run that it is compared with: then its images are taken, in its order, and its names
    of the classes. `split` is the one that the submission is of.

    Raises:
        PredictionsError: no submission of that data set, or anything wrong in it; lists all problems.
        ArchiveError: the data set was not fetched.
    """
    challenge = source_of(dataset)
    if challenge not in SUBMISSIONS:
        raise PredictionsError(
            f"{path} has no labels, as a predictions file of `attnmel evaluate` has; name a run or such a file too, "
            "whose labels count; if it is a submission, name its data set before it: "
            f"{' or '.join(f'{name}:{path.name}' for name in sorted(SUBMISSIONS))}"
        )
    truth, groups = fetched_truth(challenge, home, split), lesion_groups(challenge, home)
    entry = read_entry(challenge, path, truth, groups=groups)
    own = official_categories(run.classes, challenge) if run is not None else {}
    names = {name: own.get(name, name) for name in CHALLENGES[challenge].categories}
    found, notes = predictions_of(entry, names), list(entry.notes)
    if run is not None and set(run.image_ids) < set(found.image_ids):
        count = f"{len(run.image_ids)} of its {len(found.image_ids)}"
        notes.append(f"{path.name}: compared on the {count} images that the run has")
        found = found.of_images(run.image_ids)
    return found, tuple(notes)


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
