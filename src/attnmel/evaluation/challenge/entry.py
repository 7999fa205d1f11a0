"""A file of probabilities and a file of truth, both in an official format -> one challenge entry, joined by image.

ISIC 2016 part 3    image,confidence                            no header
ISIC 2017 part 3    image_id,melanoma,seborrheic_keratosis      the same columns as the truth
ISIC 2018 task 3    image,MEL,NV,BCC,AKIEC,BKL,DF,VASC          the same columns as the truth

The truth is an official table of labels (`data.tables.schema`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from attnmel.data.tables.labels import LABEL_SCHEMAS, SCORE_WEIGHT
from attnmel.data.tables.problems import Problem, refuse
from attnmel.data.tables.schema import CheckedTable, TableSchema, check_table
from attnmel.errors import ConfigError, PredictionsError, listed
from attnmel.evaluation.challenge.rules import CHALLENGES
from attnmel.evaluation.challenge.submission import SUBMISSIONS, official_categories
from attnmel.evaluation.challenge.submission_file import read_submission
from attnmel.records import REST, Predictions

NAMED = 10
"""Missing images that a message names; the others are counted."""


YEARS = {"isic2016": 2016, "isic2017": 2017, "isic2018": 2018, "phantoms": 2017}
"""Year of the table of truth, by data set."""


@dataclass(frozen=True)
class ChallengeEntry:
    """Probabilities and truth of the images that count."""

    image_ids: tuple[str, ...]
    categories: tuple[str, ...]
    probabilities: Float[np.ndarray, "N K"]
    truth: Bool[np.ndarray, "N K"]
    """Whether each image is of each category; of none where no category is true of it."""
    weights: Float[np.ndarray, " N"]
    """How much each image counts: above 0, 1 unless the truth says otherwise."""
    groups: tuple[str, ...]
    """The lesion of each image; its own id where that is not known."""
    left_out: tuple[str, ...] = ()
    """Images that do not count: excluded by the rules, or of weight 0."""
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> Int[np.ndarray, " N"]:
        """Place of each image's category; K where it is of none."""
        return np.where(self.truth.any(axis=1), self.truth.argmax(axis=1), len(self.categories))


def read_entry(
    dataset: str,
    predictions: Path,
    truth: Path,
    *,
    excluded: Sequence[str] = (),
    groups: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> ChallengeEntry:
    """Read and join the two files of a challenge; excluded images may be missing in both.

    `groups` gives the lesion of images by id, as far as it is known; `columns` are those of `read_submission`.

    Raises:
        ConfigError: a data set whose classes were never scored.
        PredictionsError: no such file, or anything wrong in one of them; lists all problems.
    """
    if dataset not in SUBMISSIONS:
        raise ConfigError(f"no official table of {dataset}; known: {', '.join(sorted(SUBMISSIONS))}")
    submitted, labelled = SUBMISSIONS[dataset], LABEL_SCHEMAS[YEARS[dataset]]
    given, true = read_submission(predictions, dataset, columns), check_table(truth, labelled)
    weights = true.values([SCORE_WEIGHT])[:, 0] if SCORE_WEIGHT in true.columns else np.ones(len(true.ids))
    counts = ~np.isin(np.array(true.ids, dtype=np.str_), excluded) & (weights > 0)
    wrong_truth = list(true.problems)
    if not wrong_truth:
        wrong_truth += _one_class(true, labelled, counts, CHALLENGES[dataset].categories)
    ids_compared = [] if any(problem.line == 0 for problem in true.problems) else _ids(given, true, excluded)
    name = true.name if true.name != given.name else str(truth)
    if true.problems and _swapped(dataset, predictions, truth):
        raise PredictionsError(
            f"{truth} holds probabilities and {predictions} true classes: they are swapped; name the probabilities as "
            "the predictions, and the true classes as the truth (--truth)"
        )
    refuse({given.name: sorted([*given.problems, *ids_compared]), name: wrong_truth})
    shares, classes = given.values(tuple(submitted.columns)), true.values(tuple(labelled.columns))[counts] > 0
    kept = [image_id for image_id, keep in zip(true.ids, counts, strict=True) if keep]
    place = {image_id: row for row, image_id in enumerate(given.ids)}
    shares = shares[[place[one] for one in kept]]
    return ChallengeEntry(
        image_ids=tuple(kept),
        categories=CHALLENGES[dataset].categories,
        probabilities=shares,
        truth=classes,
        weights=weights[counts],
        groups=tuple((groups or {}).get(one) or one for one in kept),
        left_out=tuple(image_id for image_id, keep in zip(true.ids, counts, strict=True) if not keep),
        notes=(*given.notes, *([is_truth_note(given.name)] if np.array_equal(shares, classes) else [])),
    )


def is_truth_note(name: str) -> str:
    """Return what is said of a submission that is the truth itself."""
    return (
        f"every probability of {name} is 0 or 1 and equal to the true class: it looks like the table of the truth "
        "itself, so the measures say nothing of a network; name the file of its probabilities"
    )


def entry_of(predictions: Predictions, dataset: str, *, excluded: Sequence[str] = ()) -> ChallengeEntry:
    """Return the entry that a network's predictions of a challenge's images are.

    Categories that the network does not know, by any of `SAME_DIAGNOSES`, are left out; case is ignored.

    Raises:
        ConfigError: a data set whose classes were never scored.
        PredictionsError: an unlabelled image, or no category of the challenge among the classes.
    """
    if dataset not in SUBMISSIONS:
        raise ConfigError(f"no official measures of {dataset}; known: {', '.join(sorted(SUBMISSIONS))}")
    names = official_categories(predictions.classes, dataset)
    if not names:
        categories = CHALLENGES[dataset].categories
        raise PredictionsError(f"none of {', '.join(categories)} is among the classes {', '.join(predictions.classes)}")
    if unlabelled := [one for one, label in zip(predictions.image_ids, predictions.labels, strict=True) if label < 0]:
        raise PredictionsError(f"{len(unlabelled)} images have no label ({listed(unlabelled)}); leave them out")
    counts = ~np.isin(np.array(predictions.image_ids, dtype=np.str_), excluded)
    kept = np.flatnonzero(counts).tolist()
    return ChallengeEntry(
        image_ids=tuple(predictions.image_ids[row] for row in kept),
        categories=tuple(names),
        probabilities=np.stack([predictions.probability(name)[kept] for name in names.values()], axis=1).astype(float),
        truth=np.stack([predictions.is_class(name)[kept] for name in names.values()], axis=1),
        weights=np.ones(len(kept)),
        groups=tuple(predictions.groups[row] for row in kept),
        left_out=tuple(predictions.image_ids[row] for row in np.flatnonzero(~counts).tolist()),
    )


def predictions_of(entry: ChallengeEntry, names: Mapping[str, str]) -> Predictions:
    """Return an entry as predictions, the reverse of `entry_of`; `names` give the class of each category.

    Images of no category are of `REST`, whose probability is what the others leave of 1.
    """
    rest = np.clip(1 - entry.probabilities.sum(axis=1), 0, 1)[:, None]
    has_rest = not entry.truth.any(axis=1).all()
    return Predictions(
        image_ids=entry.image_ids,
        classes=(*(names[name] for name in entry.categories), *([REST] if has_rest else [])),
        probabilities=np.hstack([entry.probabilities, rest]) if has_rest else entry.probabilities,
        labels=entry.classes.astype(np.int64),
        groups=entry.groups,
    )


def _swapped(dataset: str, predictions: Path, truth: Path) -> bool:
    """Whether each of two files, at least one of them in a form that it is not named as, has that of the other."""
    is_truth = not check_table(predictions, LABEL_SCHEMAS[YEARS[dataset]]).problems
    return is_truth and truth.is_file() and not read_submission(truth, dataset).problems


def _ids(given: CheckedTable, true: CheckedTable, excluded: Sequence[str]) -> list[Problem]:
    """Compare the ids of the two files: an unknown one is reported with its line, missing ones in one sentence."""
    if any(problem.line == 0 for problem in given.problems) or not given.ids:
        return []
    unknown = [one for one in given.ids if one not in true.lines and one not in excluded]
    missing = sorted(one for one in true.ids if one not in given.lines and one not in excluded)
    problems = [Problem(given.lines[one], "", f"the image {one}", f"an image of {true.name}") for one in unknown]
    if missing:
        found = f"no row for {len(missing)} of {len(true.ids)} images ({listed(missing, NAMED)})"
        problems.append(Problem(0, "", found, f"one for each image of {true.name}"))
    return problems


def _one_class(
    true: CheckedTable, schema: TableSchema, counts: Bool[np.ndarray, " N"], categories: Sequence[str]
) -> list[Problem]:
    truth = true.values(tuple(schema.columns))[counts] > 0
    kinds = np.unique(truth, axis=0)
    if len(kinds) > 1:
        return []
    if not len(kinds):
        return [Problem(0, "", "no image that counts", "images of at least two classes")]
    names = [name for name, yes in zip(categories, kinds[0].tolist(), strict=True) if yes]
    only = names[0] if names else f"not {' or '.join(categories)}"
    return [Problem(0, "", f"only one class ({len(truth)} images, all {only})", "at least two")]
