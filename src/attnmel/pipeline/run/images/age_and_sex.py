"""The prior of age and sex of a run: fitted on its training images, applied to evaluated ones."""

import dataclasses

from attnmel.errors import require_known
from attnmel.models.weights.age_sex_prior import AGE_SEX, NO_PRIOR, AgeSexPrior, cell_of, fit_age_sex_prior
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.records import Predictions


def score_prior(name: str, prepared: Prepared, seed: int) -> AgeSexPrior | None:
    """Return the prior of a name, fitted on the training images in use; None for "none".

    Its labels are those that the run of a seed learns from: by an ablation that shuffles them nothing can be learnt of
    age and sex either.

    Raises:
        ConfigError: no such prior.
        LabelError: as `fit_age_sex_prior`.
    """
    require_known("prior", name, (NO_PRIOR, AGE_SEX))
    if name == NO_PRIOR:
        return None
    rows = prepared.rows("train")
    return fit_age_sex_prior(prepared.training_labels(seed).tolist(), prepared.classes, prepared.attributes(rows))


def with_prior(
    prior: AgeSexPrior | None, predictions: Predictions, temperature: float | None = None
) -> tuple[Predictions, tuple[str, ...]]:
    """Return predictions at a temperature with the prior by age and sex, and a note of how many it changes."""
    if prior is None:
        return predictions, ()
    unknown = ("",) * len(predictions.image_ids)
    ages, sexes = (predictions.attributes.get(name, unknown) for name in ("age", "sex"))
    known = sum(cell_of(*pair) is not None for pair in zip(ages, sexes, strict=True))
    found = prior.adjusted(predictions.probabilities, predictions.classes, ages, sexes, temperature)
    note = (
        f"age and sex change the probabilities of {known} of {len(ages)} images, by how often each class has them in "
        f"{prior.images} training images; those of the others stay"
    )
    return dataclasses.replace(predictions, probabilities=found), (note,)
