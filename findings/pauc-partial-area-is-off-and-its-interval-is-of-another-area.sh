#!/usr/bin/env bash
# pauc's partial area above sensitivity .8 is too small with few melanomas, and its intervals are those of other areas.
#
# What happens. The area is read off the curve with interpolation at distinct values of one rate. Where the curve is a step, one of
# its two corners is kept, and the trapezoids cut across the other: the area above a sensitivity is too small, the one above a
# specificity too large, and "the part" from 0 to 1 is not the whole area. Both vanish with many images only. The bootstrap draws
# the area above a *specificity* whichever was asked for, and without the standardisation; DeLong's interval and test put the
# variance of the whole area around the partial one. `var` passes all three options on; `ci_auc` and `compare` pass one.
#
# From: pauc 0.2.2, roc_core.py (`_calculate_auc`) and stats.py (`ci_auc`, `compare`); the package's page promises intervals of the
# partial area by either way. The reference here: scikit-learn's partial area, with the classes exchanged for the one above a
# sensitivity, without its standardisation.
#
# Why it matters here. The area above sensitivity .8 is a measure of ISIC 2018 and ISIC 2024, test sets have few melanomas, and an
# interval that belongs to another area can look right. The program's area keeps the steps and its interval redraws that area.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  pauc==0.2.2 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0 matplotlib==3.11.2 >&2 || exit 2

PYTHONPATH=$place MPLBACKEND=agg "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from pauc import ROC, ci_auc
from sklearn.metrics import roc_auc_score


def area(negative: np.ndarray, score: np.ndarray, most: float) -> float:
    """Return scikit-learn's area up to a false positive rate, without its standardisation."""
    least = most**2 / 2
    return least + (2 * roc_auc_score(negative, score, max_fpr=most) - 1) * (most - least)


def interval(roc: ROC, method: str) -> tuple[float, float]:
    np.random.seed(0)
    low, high = ci_auc(roc, method=method, n_boot=500)
    return float(low), float(high)


generator = np.random.default_rng(0)
melanoma = np.repeat([1, 0], [20, 400])
score = np.where(melanoma == 1, generator.normal(2, 2, 420), generator.normal(0, 1, 420))
right = area(1 - melanoma, -score, 0.2)
above = ROC(melanoma, score, partial_auc=(0.8, 1), partial_auc_focus="sensitivity")
specific = ROC(melanoma, score, partial_auc=(0.8, 1))
standard = ROC(melanoma, score, partial_auc=(0.9, 1), standardize_pauc=True)
plain = roc_auc_score(melanoma, score)
whole = [float(ROC(melanoma, score, partial_auc=(0, 1), partial_auc_focus=one).auc) for one in ("sensitivity", "specificity")]
names = ("pauc", "numpy", "scikit-learn")
print(", ".join(f"{name} {version(name)}" for name in names))
print(f"guessed: an area above sensitivity .8 of {right:.4f}; {plain:.4f} from 0 to 1, as without limits; estimates inside their intervals")
print(f"seen: above sensitivity .8 {above.auc:.4f}; from 0 to 1 {whole[0]:.4f} by sensitivity and {whole[1]:.4f} by specificity")
boot, other, lone = interval(above, "bootstrap"), interval(specific, "bootstrap"), interval(standard, "bootstrap")
wide, delong = interval(ROC(melanoma, score), "delong"), interval(above, "delong")
print(f"seen: bootstrap interval {boot[0]:.4f} to {boot[1]:.4f}, the same as that of the area above specificity .8")
print(f"seen: DeLong interval {delong[0]:.4f} to {delong[1]:.4f}, as wide as that of the whole area, around an area of at most .2")
print(f"seen: a standardised area of {standard.auc:.3f} has the bootstrap interval {lone[0]:.3f} to {lone[1]:.3f}")
many = np.repeat([1, 0], [4000, 4000])
scores = np.where(many == 1, generator.normal(2, 2, 8000), generator.normal(0, 1, 8000))
close = ROC(many, scores, partial_auc=(0.8, 1), partial_auc_focus="sensitivity").auc - area(1 - many, -scores, 0.2)
print(f"seen: with 4000 melanomas and 4000 others the area above sensitivity .8 is off by {abs(close):.4f}")
off = above.auc < right * 0.9 and whole[0] < plain - 0.005 and whole[1] > plain and abs(close) < 0.001
foreign = boot == other and not boot[0] <= right <= boot[1] and abs((wide[1] - wide[0]) - (delong[1] - delong[0])) < 1e-9
sys.exit(not (off and foreign and not lone[0] <= standard.auc <= lone[1]))
PYTHON
