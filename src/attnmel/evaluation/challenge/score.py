"""A challenge entry -> every official measure with its interval, and the rules it was computed by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attnmel.errors import require_known
from attnmel.evaluation.challenge.entry import ChallengeEntry
from attnmel.evaluation.challenge.metrics import READ_OFF, official_measures
from attnmel.evaluation.challenge.rules import CHALLENGES, OFFICIAL, Rules
from attnmel.evaluation.challenge.submission import SUBMISSIONS
from attnmel.evaluation.classification.metric_intervals import metric_rows
from attnmel.evaluation.classification.metric_set import RECALL, MetricSet
from attnmel.evaluation.classification.ranking import Ranking, TopOneHits
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.evaluation.statistics.bootstrap import RESAMPLES


@dataclass(frozen=True, kw_only=True)
class ChallengeReport(ClassificationReport):
    """Every official measure of one entry, with the challenge's rules."""

    dataset: str
    title: str
    ranked_by: tuple[str, str]
    """Task and measure that ranked the challenge."""
    rules: Rules
    left_out: tuple[str, ...]
    """Images that do not count."""


def evaluate_challenge(
    dataset: str, entry: ChallengeEntry, rules: Rules | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> ChallengeReport:
    """Measure an entry as the data set's challenge did, with 95 % intervals; `rules` replace the official ones.

    Rows are ordered by category, then by measure as in the official tables; then the means over the categories, then
    the balanced accuracy, as far as the challenge had them. All measures share the resamples, which are
    stratified by class and drawn by lesion.

    Raises:
        ConfigError: a data set whose classes were never scored, or fewer than one resample.
        PredictionsError: no image that counts.
    """
    require_known("challenge with a table of classes", dataset, SUBMISSIONS)
    challenge, rules = CHALLENGES[dataset], OFFICIAL[dataset] if rules is None else rules
    rows = metric_rows(
        official_metrics(entry, dataset, rules),
        entry.groups,
        entry.classes,
        percentile_only=READ_OFF,
        resamples=resamples,
        seed=seed,
    )
    counts = {name: int(entry.truth[:, place].sum()) for place, name in enumerate(entry.categories)}
    return ChallengeReport(
        dataset=dataset,
        title=challenge.title,
        rows=tuple(row for row in rows if not row.measure.startswith(RECALL)),
        ranked_by=challenge.ranked_by,
        rules=rules,
        counts=counts,
        images=len(entry.image_ids),
        units=len(set(entry.groups)),
        left_out=entry.left_out,
        resamples=resamples,
        seed=seed,
        notes=(*entry.notes, *_absent_notes(counts, len(entry.image_ids)), *_constant_notes(entry)),
    )


def official_metrics(entry: ChallengeEntry, dataset: str, rules: Rules) -> MetricSet:
    """Return the challenge's measures of an entry as one function of the resample weights."""
    challenge, measures = CHALLENGES[dataset], official_measures(dataset, rules)
    rankings = {
        name: Ranking.of(entry.truth[:, place], entry.probabilities[:, place])
        for place, name in enumerate(entry.categories)
    }
    # Without all the classes, the highest probability of those there are means nothing.
    has_all = challenge.balanced_accuracy and entry.categories == challenge.categories
    present = [entry.categories[place] for place in np.unique(entry.classes)] if has_all else []
    hits = _hits(entry, rules) if has_all else None
    at_half = rules.threshold == "at_or_above"
    return MetricSet(rankings, hits, tuple(present), measures, tuple(measures), entry.weights, at_half)


def _hits(entry: ChallengeEntry, rules: Rules) -> TopOneHits:
    if rules.ties == "wrong":
        return TopOneHits.of(entry.classes, entry.probabilities)
    return TopOneHits(entry.classes, entry.probabilities.argmax(axis=1) == entry.classes)


def _absent_notes(counts: dict[str, int], images: int) -> Sequence[str]:
    return [
        f"{name}: {count} of {images} images; measures that need both kinds are not defined and left out of the means"
        for name, count in counts.items()
        if count in (0, images)
    ]


def _constant_notes(entry: ChallengeEntry) -> Sequence[str]:
    return [
        f"{name}: every image has the same probability ({column[0]:g}); this column is measured as it is"
        for name, column in zip(entry.categories, entry.probabilities.T, strict=True)
        if np.ptp(column) == 0
    ]
