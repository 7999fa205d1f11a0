#!/usr/bin/env bash
# calikit's isotonic calibration of graded scores takes the benign images of one grade together with the melanomas of the grade below,
# and its calibration error of them depends on the order of the rows.
#
# What happens. Images with the same score are sorted by their label, benign first, and are not united before neighbours are pooled: in
# each grade a run of 0 is followed by a run of 1, which joins the 0s of the next grade. A grade is then given the share of that
# mixture, 0 for the lowest and 1 for the highest. The mapping stays monotone and looks right; on the very data it was fitted to it
# is worse than no calibration. Bins of equal mass, the default, cut through a grade in the order of the rows: a table sorted by
# diagnosis has bins of one diagnosis only. Bins of equal width do not.
#
# From: calikit 0.1.0, fit.py (`fit_isotonic`) and binning.py (`bin_predictions`, scheme "mass"); grades from 1 to 10 are one of the uses
# on its page. The reference here: the share of melanomas of each grade, which scikit-learn's isotonic regression gives too.
#
# Why it matters here. Readers grade from one to five, and probabilities that were rounded for a table tie as well; a calibrator of
# such scores would say "no melanoma" of the lowest grade. The program's bins of equal mass keep equal probabilities together;
# it has no isotonic calibration.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  calikit==0.1.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import calikit
import numpy as np
from sklearn.isotonic import IsotonicRegression

generator = np.random.default_rng(0)
melanoma = generator.integers(0, 2, 400)
score = (np.clip(np.round(generator.normal(2.5 + 1.2 * melanoma, 1)), 1, 5) - 1) / 4  # five grades, as 0 to 1
grades = np.unique(score)


def fitted(scores: np.ndarray) -> calikit.Mapping:
    return calikit.fit_isotonic(scores.tolist(), melanoma.tolist())


def error(order: np.ndarray, scheme: str) -> float:
    return calikit.ece(calikit.bin_predictions(score[order].tolist(), melanoma[order].tolist(), 10, scheme))


def brier(scores: np.ndarray) -> float:
    return calikit.brier(np.asarray(scores).tolist(), melanoma.tolist())


share = np.array([melanoma[score == one].mean() for one in grades])
pooled = IsotonicRegression().fit(score, melanoma)
right = pooled.predict(grades)
seen = np.array(fitted(score).apply(grades.tolist()))
spread = score + generator.uniform(0, 1e-6, 400)  # the same grades, all different
calibrated = [brier(fitted(score).apply(score.tolist())), brier(pooled.predict(score)), brier(fitted(spread).apply(spread.tolist()))]
print(", ".join(f"{name} {version(name)}" for name in ("calikit", "numpy", "scikit-learn")))
print("guessed: the grades are given " + ", ".join(f"{one:.3f}" for one in right) + ", their shares of melanoma")
print("seen: " + ", ".join(f"{one:.3f}" for one in seen))
print(f"guessed: a Brier score of {calibrated[1]:.4f} on the data of the fit, at most the {brier(score):.4f} before")
print(f"seen: {calibrated[0]:.4f}; with grades that differ in the seventh decimal {calibrated[2]:.4f}")
drawn, by_diagnosis = np.arange(400), np.argsort(melanoma, kind="stable")
found = {scheme: (error(drawn, scheme), error(by_diagnosis, scheme)) for scheme in ("mass", "width")}
for scheme, (first, second) in found.items():
    print(f"seen: calibration error in ten bins of equal {scheme}: {first:.4f} as drawn, {second:.4f} with the rows sorted by diagnosis")
worse = calibrated[0] > brier(score) + 0.01 and brier(score) > calibrated[1] and np.abs(seen - right).max() > 0.15
order = found["mass"][1] > 2 * found["mass"][0] and abs(found["width"][0] - found["width"][1]) < 1e-9
sys.exit(not (worse and order and np.allclose(right, share) and seen[0] == 0 and seen[-1] == 1))
PYTHON
