#!/usr/bin/env bash
# krippendorff's alpha of ratings held as unsigned integers is .3 where the same ratings as signed integers have .8.
#
# What happens. The interval and ratio measures subtract two ratings in the type that they came in, and turn to floating point
# only then: in uint8, 2 - 3 is 255, whose square outweighs all others. The nominal and ordinal measures do not subtract, and
# with two categories the error cancels, so that a first try on calls of "melanoma, yes or no" is right. Interval is the default.
#
# From: krippendorff 0.9.0, krippendorff.py, `_interval_metric` and `_ratio_metric`; its `alpha` takes what `numpy.asarray` takes
# and has a branch for unsigned integers (kind "u"). The reference here is the definition: 1 - observed / expected
# disagreement, the mean squared differences within images and over all pairs of ratings.
#
# Why it matters here. Readers' grades of one to five are small numbers that are kept in one byte, as are grey levels and masks,
# and a study where every reader saw every image has no missing value that would have made them floating point. Good
# agreement of the readers would be reported as poor.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" krippendorff==0.9.0 numpy==2.4.6 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import krippendorff
import numpy as np

generator = np.random.default_rng(0)
image = generator.integers(1, 6, 200)
grades = np.clip(image + generator.integers(-1, 2, (3, 200)), 1, 5)  # three readers, five grades


def by_definition(ratings: np.ndarray) -> float:
    """Return alpha for squared differences of complete ratings (readers, images)."""
    readers, images = ratings.shape
    x = ratings.astype(float)
    within = ((x[:, None] - x[None]) ** 2).sum() / (readers * (readers - 1) * images)
    over_all = ((x.reshape(-1, 1) - x.reshape(1, -1)) ** 2).sum() / (x.size * (x.size - 1))
    return 1 - within / over_all


right = by_definition(grades)
seen = {kind: float(krippendorff.alpha(grades.astype(kind))) for kind in ("int64", "float64", "uint8", "uint16")}
nominal = {kind: float(krippendorff.alpha(grades.astype(kind), level_of_measurement="nominal")) for kind in ("int64", "uint8")}
two = {kind: float(krippendorff.alpha((grades > 3).astype(kind))) for kind in ("int64", "uint8")}
print(", ".join(f"{name} {version(name)}" for name in ("krippendorff", "numpy")))
print(f"guessed: an alpha of {right:.3f}, as the definition gives it, whatever integers hold the grades")
print("seen: " + ", ".join(f"{found:.3f} as {kind}" for kind, found in seen.items()))
print(f"seen: nominal {nominal['int64']:.3f} and {nominal['uint8']:.3f}; with two grades {two['int64']:.3f} and {two['uint8']:.3f} (int64 and uint8)")
same = [abs(found["int64"] - found["uint8"]) < 1e-9 for found in (nominal, two)]
signed = abs(seen["int64"] - right) < 1e-9 and abs(seen["float64"] - right) < 1e-9
sys.exit(not (signed and all(same) and max(seen["uint8"], seen["uint16"]) < right - 0.3))
PYTHON
