#!/usr/bin/env bash
# statkit gives graded scores a sensitivity and a specificity that no cut-off has together: ties with the threshold are positive for
# the one and negative for the other.
#
# What happens. `sensitivity` calls an image at the threshold positive, `specificity` and `false_negative_rate` call it negative, so
# that sensitivity and false negative rate add up to more than 1. And `youden_j_threshold` returns one of the scores, so that with
# grades the tie is the rule: Youden's index at its own best threshold is above the highest point of the ROC curve. Where all
# scores differ only the image at the threshold is counted twice, which hides it.
#
# From: statkit 1.1.0, metrics.py: `true_positive_rate` compares with >=, `false_positive_rate` and `false_negative_rate` with >, and
# all three docstrings say that the probability has to exceed the threshold. The reference here: scikit-learn's ROC curve.
#
# Why it matters here. Readers grade their suspicion from one to five, and probabilities of a network in half precision, or rounded in
# a table, tie as well. The program calls positive what is above a threshold, in every measure.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  statkit==1.1.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0 pandas==2.3.3 statsmodels==0.15.0 matplotlib==3.11.2 >&2 || exit 2

PYTHONPATH=$place MPLBACKEND=agg "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from sklearn.metrics import roc_curve
from statkit.metrics import false_negative_rate, sensitivity, specificity, youden_j_threshold

generator = np.random.default_rng(0)
melanoma = generator.integers(0, 2, 300)
suspicion = generator.normal(2.5 + 1.2 * melanoma, 1)
grades = np.clip(np.round(suspicion), 1, 5) / 5  # five grades, as a share of the highest
best, gaps = {}, {}
for name, score in {"five grades": grades, "no ties": suspicion}.items():
    false, true, cuts = roc_curve(melanoma, score, drop_intermediate=False)
    threshold = youden_j_threshold(melanoma, score)
    place = int(np.argmax(true - false))
    found = float(sensitivity(melanoma, score, threshold)), float(specificity(melanoma, score, threshold))
    missed = float(false_negative_rate(melanoma, score, threshold))
    best[name], gaps[name] = float((true - false).max()), sum(found) - 1 - float((true - false).max())
    if name == "five grades":
        print(", ".join(f"{one} {version(one)}" for one in ("statkit", "numpy", "scikit-learn")))
    print(f"guessed: {name}: sensitivity {true[place]:.3f} and specificity {1 - false[place]:.3f} at the best cut-off, Youden's index {best[name]:.3f}")
    print(f"seen: {name}: sensitivity {found[0]:.3f} and specificity {found[1]:.3f} there, together an index of {sum(found) - 1:.3f}")
    print(f"seen: {name}: sensitivity and false negative rate add up to {found[0] + missed:.3f}")
    if name == "five grades":
        impossible = found[0] + missed > 1.2 and threshold in grades
sys.exit(not (impossible and gaps["five grades"] > 0.2 and abs(gaps["no ties"]) < 0.01))
PYTHON
