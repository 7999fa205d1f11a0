#!/usr/bin/env bash
# grand-challenge-metrics (formerly evalutils) gives an accuracy of 0 unless every call is right, and never draws the last image.
#
# What happens. The accuracies of a confusion matrix are rounded down: right calls are divided by all calls with `//`. And the
# bootstraps of the ROC curve draw indices with `randint(0, n - 1, n)`, whose upper end is not drawn, so that the last image is
# in no sample: its score does not change the interval of the AUC, and the order of the images does.
#
# From: grand-challenge-metrics 0.6.0, stats.py line 111 (`accuracies_from_confusion_matrix`), roc.py (`get_bootstrapped_roc_ci_curves`
# and `get_bootstrapped_ci_point_error`). evalutils 0.6.0 says on its page that it is now this package. The reference here:
# scikit-learn's accuracy of each class against the rest, and its AUC.
#
# Why it matters here. It is made for the evaluation of models on medical images, as in challenges, where recognition is measured by
# accuracies and areas with an interval. Its Jaccard values of the same confusion matrix are right.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  grand-challenge-metrics==0.6.0 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from grand_challenge_metrics.roc import get_bootstrapped_roc_ci_curves
from grand_challenge_metrics.stats import (
    accuracies_from_confusion_matrix,
    calculate_confusion_matrix,
    jaccard_from_confusion_matrix,
)
from sklearn.metrics import accuracy_score, jaccard_score, roc_auc_score

generator = np.random.default_rng(0)
truth = generator.integers(0, 3, 300)
calls = np.where(generator.random(300) < 0.9, truth, generator.integers(0, 3, 300))
matrix = calculate_confusion_matrix(truth, calls, [0, 1, 2])
found = accuracies_from_confusion_matrix(matrix)
right = [accuracy_score(truth == one, calls == one) for one in range(3)]
overlap = np.allclose(jaccard_from_confusion_matrix(matrix), jaccard_score(truth, calls, average=None))

melanoma = np.tile([0, 1], 20)  # the last of 40 images is a melanoma
score = melanoma + generator.normal(0, 1, 40)
areas, intervals = [], []
for last in (9.0, -9.0):
    moved = np.append(score[:-1], last)
    areas.append(roc_auc_score(melanoma, moved))
    curve = get_bootstrapped_roc_ci_curves(moved, melanoma, num_bootstraps=500)
    intervals.append((float(curve.low_az_val), float(curve.high_az_val)))
names = ("grand-challenge-metrics", "numpy", "scikit-learn")
print(", ".join(f"{name} {version(name)}" for name in names))
print("guessed: accuracies of " + ", ".join(f"{one:.3f}" for one in right) + " for the three classes; another interval for another last image")
print("seen: accuracies of " + ", ".join(f"{one:.3f}" for one in found) + f"; the Jaccard values of the same matrix are {'right' if overlap else 'wrong'}")
for area, (low, high) in zip(areas, intervals, strict=True):
    print(f"seen: an AUC of {area:.3f} has the interval {low:.4f} to {high:.4f}")
sys.exit(not (min(right) > 0.9 and not any(found) and overlap and areas[0] - areas[1] > 0.04 and intervals[0] == intervals[1]))
PYTHON
