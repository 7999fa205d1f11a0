"""Members and a rule -> the fusion, fitted on their validation predictions where the rule needs that."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from attnmel.config.fusion import FITTED_RULES, STACKS, Rule
from attnmel.errors import LabelError, PredictionsError
from attnmel.evaluation.fusion.align import Aligned, align_members
from attnmel.evaluation.fusion.fusion import FOLDS, Fusion, fit_fusion, unfitted
from attnmel.features.folds import draw_folds
from attnmel.features.packages import needed
from attnmel.pipeline.fuse.members import Member, member_predictions, recalibrated_on
from attnmel.pipeline.run.results.results import CHOOSES
from attnmel.records import Predictions, choosing_images


class Fitted(NamedTuple):
    """A fusion, and the fused predictions of the validation images."""

    fusion: Fusion
    validation: Predictions | None
    """Of a stack by models that were fitted without the image's lesion; None where the members have none in common."""
    fitted_on: str
    note: str = ""
    """Why there are no validation predictions."""


def gathered_predictions(
    members: Sequence[Member], name: str, classes: Sequence[str], dataset: str, home: Path, *, labelled: bool = False
) -> Aligned:
    """Return the members' predictions of a split, in the classes of the fusion and the order of the first's images.

    With `labelled`, labels come from the data set where no member has them.

    Raises:
        PredictionsError: as `member_predictions` and `align_members`.
    """
    found = {one.name: member_predictions(one, name, dataset, home) for one in members}
    if labelled and not any((one.labels >= 0).any() for one in found.values()):
        # A submission has no labels of its own; other members hold what labels there are.
        known = next((one for one in members if one.kind == "submission"), members[0])
        found[known.name] = member_predictions(known, name, dataset, home, labelled=True)
    return align_members(_in_common(found) if name == CHOOSES else found, classes, dataset)


def _in_common(found: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Return the predictions of the images that all members have: none of these was trained on by any of them."""
    common = set.intersection(*(set(one.image_ids) for one in found.values()))
    if not common:
        counts = ", ".join(f"{name}: {len(one.image_ids)}" for name, one in found.items())
        raise PredictionsError(
            f"the members have no validation image in common ({counts}), so they are of other splits, such as folds; "
            "fuse by mean, rank or extreme"
        )
    return {
        name: one.of_images([image_id for image_id in one.image_ids if image_id in common])
        for name, one in found.items()
    }


def fit_rule(
    by: Rule, members: Sequence[Member], classes: Sequence[str], dataset: str, home: Path, *, seed: int, labelled: bool
) -> Fitted:
    """Fit a rule on the members' validation predictions alone, of the images that all members have them of.

    `labelled` says whether they are wanted where the rule needs none: for temperature and thresholds.

    Raises:
        PredictionsError: the rule is fitted, and a member has no validation predictions or none of the same images.
        LabelError: too few validation images for a stack.
        ConfigError: a stack without scikit-learn.
    """
    is_fitted = by in FITTED_RULES
    if not is_fitted and not labelled:
        return Fitted(unfitted(by, len(members)), None, "nothing")
    try:
        validation = gathered_predictions(members, CHOOSES, classes, dataset, home, labelled=True)
    except PredictionsError as error:
        if is_fitted:
            raise
        return Fitted(unfitted(by, len(members)), None, "nothing", f"no temperature and operating points: {error}")
    truth = validation.truth
    folds = _folds(by, truth, seed) if by in STACKS else None
    found = fit_fusion(by, validation.members, truth.labels, folds, seed=seed)
    what = choosing_images(len(truth.image_ids), recalibrated_on(members)) if is_fitted else "nothing"
    return Fitted(found.fusion, validation.with_probabilities(found.validation), what)


def _folds(by: Rule, truth: Predictions, seed: int) -> Int[np.ndarray, " N"]:
    needed("sklearn")
    try:
        return draw_folds(truth.labels, truth.groups, truth.classes, folds=FOLDS, seed=seed)
    except LabelError:
        raise LabelError(
            f"the {len(truth.image_ids)} validation images do not give {FOLDS} folds by lesion with each of the "
            f"classes {', '.join(truth.classes)}, which '{by}' needs; fuse by mean, rank, weighted or confidence"
        ) from None
