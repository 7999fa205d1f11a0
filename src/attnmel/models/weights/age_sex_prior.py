"""How often each class has which age and sex among training images, and what that adds to a probability. No torch.

After Matsunaga et al. (arXiv 1703.03108), who adjusted scores by age and sex: in place of their thresholds, the
log-odds of a class against another get the logarithm of the ratio of their shares of patients of this age and sex.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attnmel.errors import LabelError
from attnmel.shapes import Float, Float64

NO_PRIOR = "none"
AGE_SEX = "age-sex"

BANDS = (30.0, 40.0, 50.0, 60.0, 70.0)
"""Years at which the next age band begins; the first begins at 0, the last has no end."""

SEXES = ("female", "male")
CELLS = len(SEXES) * (len(BANDS) + 1)
SMOOTHING = 1.0
"""Images that are added to each cell of a class, so that no share is 0."""


def cell_of(age: str, sex: str) -> str | None:
    """Return the name of the cell of an age in years and a sex, "50-59 male"; None where either is not known."""
    try:
        years = float(age)
    except ValueError:
        return None
    if sex not in SEXES or not math.isfinite(years) or years < 0:
        return None
    place = bisect_right(BANDS, years)
    low = int(BANDS[place - 1]) if place else 0
    band = f"{low}-{int(BANDS[place]) - 1}" if place < len(BANDS) else f"{low}+"
    return f"{band} {sex}"


@dataclass(frozen=True, kw_only=True)
class AgeSexPrior:
    """The numbers of training images by class and cell, of those whose age and sex are known."""

    counts: dict[str, dict[str, int]]
    """By class and name of the cell; cells without an image are left out."""

    @property
    def images(self) -> int:
        """Number of training images with age and sex."""
        return sum(sum(cells.values()) for cells in self.counts.values())

    def share(self, name: str, cell: str) -> float:
        """Return P(age band, sex | class): (images of the cell + 1) / (images of the class + number of cells)."""
        cells = self.counts[name]
        return (cells.get(cell, 0) + SMOOTHING) / (sum(cells.values()) + SMOOTHING * CELLS)

    def adjusted(
        self,
        probabilities: Float[np.ndarray, "N K"],
        classes: Sequence[str],
        ages: Sequence[str],
        sexes: Sequence[str],
        temperature: float | None = None,
    ) -> Float64[np.ndarray, "N K"]:
        """Return the probabilities with age and sex: p_c * P(age band, sex | c), divided by the sum over classes.

        Of two classes that is log-odds + log(P(age band, sex | class) / P(age band, sex | rest)). Images whose age or
        sex is not known stay as they are, to the last bit. `temperature`: what the scores were divided by; it divides
        the logarithm of the shares, too, since they belong to the scores.
        """
        found = np.array(probabilities, dtype=np.float64)
        for row, (age, sex) in enumerate(zip(ages, sexes, strict=True)):
            if (cell := cell_of(age, sex)) is not None:
                shares = np.array([self.share(name, cell) for name in classes])
                weighted = found[row] * shares ** (1 / (1 if temperature is None else temperature))
                found[row] = weighted / weighted.sum()
        return found


def fit_age_sex_prior(
    labels: Sequence[int], classes: Sequence[str], attributes: Mapping[str, Sequence[str]]
) -> AgeSexPrior:
    """Count the images of each class by age and sex, those of training; `attributes` has an age and a sex for each.

    Raises:
        LabelError: a class without an image whose age and sex are known.
    """
    unknown = [""] * len(labels)
    ages, sexes = attributes.get("age", unknown), attributes.get("sex", unknown)
    counts: dict[str, Counter[str]] = {name: Counter() for name in classes}
    for label, age, sex in zip(labels, ages, sexes, strict=True):
        if cell := cell_of(age, sex):
            counts[classes[label]][cell] += 1
    if missing := [name for name, cells in counts.items() if not cells]:
        raise LabelError(
            "a prior of age and sex needs training images of each class whose age and sex are known, but there is none "
            f"of {', '.join(missing)}; add the columns age and sex to the labels, or leave the prior out"
        )
    return AgeSexPrior(counts={name: dict(sorted(cells.items())) for name, cells in counts.items()})
