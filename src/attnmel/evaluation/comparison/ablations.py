"""AUC of an ablation, compared with chance, with its run and with the size of the painted area."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from attnmel.errors import PredictionsError
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.statistics.delong import areas
from attnmel.records import Predictions

CHANCE = 0.5


@dataclass(frozen=True, kw_only=True)
class AblationFinding:
    """One ablation and its run, on the images that both were evaluated on."""

    ablation: str
    images: int
    positives: int
    left_out: int
    """Images that the run was evaluated on and the ablation was not: those without a mask."""
    auc: Interval
    run_auc: Interval
    """Of the run, on these images alone."""
    difference: Interval
    """The ablation's AUC minus the run's, paired by image."""
    size_auc: Interval | None = None
    """AUC of the share of the image that was painted over, taken as the only sign; None where nothing was,
    or where the images are not at hand."""
    painted_whole: int = 0
    """Images of which nothing was left to see."""
    beyond_size: Interval | None = None
    """The ablation's AUC minus that one, paired by image: what the network found beyond the size of the box."""


def find_ablation(
    ablation: str,
    judged: Predictions,
    run: Predictions,
    positive: str,
    painted: Mapping[str, float] | None = None,
) -> AblationFinding:
    """Compare an ablation's predictions with the run's, joined by image id.

    AUCs have DeLong's interval on the logit scale, their difference DeLong's paired one. `painted` is the share of each
    image that was painted over, by image id.

    Raises:
        PredictionsError: an image that the run was not evaluated on or that has another label there, or images
            of one kind alone.
    """
    if strange := set(judged.image_ids) - set(run.image_ids):
        raise PredictionsError(
            f"{len(strange)} images of the ablation were not evaluated with the run, such as {min(strange)}; evaluate "
            "both on the same split"
        )
    same, truly = run.of_images(judged.image_ids), judged.is_class(positive)
    if not np.array_equal(same.is_class(positive), truly):
        raise PredictionsError(
            f"{ablation} and the run differ in what is {positive}; evaluate both anew on the same data"
        )
    scores = [judged.probability(positive), same.probability(positive)]
    if painted is not None:
        scores.append(np.array([painted[image_id] for image_id in judged.image_ids], dtype=np.float64))
    found = areas(truly, np.stack(scores, axis=1), judged.groups)
    return AblationFinding(
        ablation=ablation,
        images=len(truly),
        positives=int(truly.sum()),
        left_out=len(run.image_ids) - len(truly),
        auc=found.interval(0),
        run_auc=found.interval(1),
        difference=found.difference(1, 0)[0],
        size_auc=found.interval(2) if painted is not None else None,
        painted_whole=sum(painted[image_id] >= 1 for image_id in judged.image_ids) if painted is not None else 0,
        beyond_size=found.difference(2, 0)[0] if painted is not None else None,
    )
