"""An entry to a challenge -> every official measure with its interval, under rules that are told with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from attnmel.errors import PredictionsError, require_known
from attnmel.evaluation.challenge.entry import ChallengeEntry
from attnmel.evaluation.challenge.intervals import OfficialRow, official_row
from attnmel.evaluation.challenge.metrics import official_measures
from attnmel.evaluation.challenge.rules import CHALLENGES, OFFICIAL, Rules
from attnmel.evaluation.challenge.submission import SUBMISSIONS
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN
from attnmel.evaluation.classification.ranking import Measure, Ranking, TopOneHits
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, Sampling, bootstrap, jackknife


@dataclass(frozen=True)
class OfficialJudgement:
    """Every official measure of one entry, the rules, and how the intervals were made."""

    dataset: str
    title: str
    rows: tuple[OfficialRow, ...]
    ranked_by: tuple[str, str]
    """Task and measure that ranked the challenge."""
    rules: Rules
    counts: dict[str, int]
    """Images of each category that count; empty for masks."""
    images: int
    units: int
    """Lesions that were resampled; as many as images where none is shown twice."""
    left_out: tuple[str, ...]
    """Images that do not count."""
    resamples: int
    seed: int
    notes: tuple[str, ...] = ()
    """What a reader must know, a sentence each."""

    def row(self, task: str, measure: str) -> OfficialRow:
        """Return one row.

        Raises:
            PredictionsError: there is none; lists those there are.
        """
        for row in self.rows:
            if (row.task, row.measure) == (task, measure):
                return row
        known = ", ".join(f"{row.task}/{row.measure}" for row in self.rows)
        raise PredictionsError(f"no official measure '{task}/{measure}'; known: {known}")


@dataclass(frozen=True)
class OfficialPanel:
    """All official measures of an entry as one function of the resample weights."""

    rankings: dict[str, Ranking]
    measures: dict[str, Measure]
    hits: TopOneHits | None
    """For the balanced accuracy, where the challenge measured it."""
    sample_weights: Float[np.ndarray, " N"]

    @staticmethod
    def of(entry: ChallengeEntry, dataset: str, rules: Rules) -> "OfficialPanel":
        """Sort the images once for each category."""
        rankings = {
            name: Ranking.of(entry.truth[:, place], entry.probabilities[:, place])
            for place, name in enumerate(entry.categories)
        }
        # Without all the classes, the highest probability of those there are means nothing.
        challenge = CHALLENGES[dataset]
        several = challenge.balanced_accuracy and entry.categories == challenge.categories
        return OfficialPanel(
            rankings, official_measures(dataset, rules), _hits(entry, rules) if several else None, entry.weights
        )

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Task and measure of each column."""
        tasks = [*self.rankings, *([MEAN] if len(self.rankings) > 1 else [])]
        names = [(task, measure) for task in tasks for measure in self.measures]
        return (*names, *([(ALL_CLASSES, "balanced_accuracy")] if self.hits is not None else []))

    def __call__(self, weights: Float[np.ndarray, "R N"]) -> Float[np.ndarray, "R M"]:
        """Compute every measure on every resample."""
        weighted = weights * self.sample_weights
        every = (ranking.counts(weighted) for ranking in self.rankings.values())
        # One category after the other, so that only one's counts are held.
        table = np.stack([[measure(counts) for measure in self.measures.values()] for counts in every])
        tasks = [*table, *([_mean_defined(table)] if len(table) > 1 else [])]
        columns = [column for task in tasks for column in task]
        if self.hits is not None:
            columns.append(self.hits.mean_recall(weighted))
        return np.stack(columns, axis=1)


def judge_official(
    dataset: str, entry: ChallengeEntry, rules: Rules | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> OfficialJudgement:
    """Measure an entry as the data set's challenge did, with 95 % intervals; own rules by name.

    Rows stand by category, then by measure as in the official tables; then the means over the categories, then the
    balanced accuracy, as far as the challenge had them. All measures share the resamples, which are
    stratified by class and drawn by lesion.

    Raises:
        ConfigError: a data set whose classes were never scored, or fewer than one resample.
        PredictionsError: no image that counts.
    """
    require_known("challenge with a table of classes", dataset, SUBMISSIONS)
    rules = OFFICIAL[dataset] if rules is None else rules
    panel = OfficialPanel.of(entry, dataset, rules)
    sampling = Sampling.of(entry.groups, entry.classes)
    draws = bootstrap(panel, sampling, resamples=resamples, seed=seed)
    values = panel(np.ones((1, len(entry.image_ids))))[0].tolist()
    left_out = jackknife(panel, sampling)
    rows = tuple(
        official_row(
            entry,
            name,
            value,
            draws[:, column],
            error=float(left_out.error[column]),
            acceleration=float(left_out.acceleration[column]),
        )
        for column, (name, value) in enumerate(zip(panel.names, values, strict=True))
    )
    counts = {name: int(entry.truth[:, place].sum()) for place, name in enumerate(entry.categories)}
    return OfficialJudgement(
        dataset=dataset,
        title=CHALLENGES[dataset].title,
        rows=rows,
        ranked_by=CHALLENGES[dataset].ranked_by,
        rules=rules,
        counts=counts,
        images=len(entry.image_ids),
        units=sampling.units,
        left_out=entry.left_out,
        resamples=resamples,
        seed=seed,
        notes=(*entry.notes, *_absent_notes(counts, len(entry.image_ids)), *_constant_notes(entry)),
    )


def _hits(entry: ChallengeEntry, rules: Rules) -> TopOneHits:
    if rules.ties == "wrong":
        return TopOneHits.of(entry.classes, entry.probabilities)
    return TopOneHits(entry.classes, entry.probabilities.argmax(axis=1) == entry.classes)


def _mean_defined(table: Float[np.ndarray, "K M R"]) -> Float[np.ndarray, "M R"]:
    """Average over the categories where a measure is defined, as the official program does; NaN where it never is."""
    defined = ~np.isnan(table)
    many = defined.sum(axis=0)
    total = np.where(defined, table, 0).sum(axis=0)
    return np.divide(total, many, out=np.full(many.shape, np.nan), where=many > 0)


def _absent_notes(counts: dict[str, int], images: int) -> Sequence[str]:
    return [
        f"{name}: {count} of {images} images; what needs both kinds is not defined and left out of the means"
        for name, count in counts.items()
        if count in (0, images)
    ]


def _constant_notes(entry: ChallengeEntry) -> Sequence[str]:
    return [
        f"{name}: every image has the same probability ({column[0]:g}); this column is judged as it stands"
        for name, column in zip(entry.categories, entry.probabilities.T, strict=True)
        if np.ptp(column) == 0
    ]
