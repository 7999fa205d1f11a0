#!/usr/bin/env bash
# confidenceinterval's interval of macro recall (balanced accuracy) can be seven times too narrow, and that of an AUC exceeds 1.
#
# What happens. The interval of macro-averaged recall and precision follows from the delta method, variance = d' (diag(p) - p p') d
# with the confusion shares as a vector p. In the code p p' is a vector times itself, so that the squares of the shares are
# subtracted from every row, and the derivative by a class's right calls lacks the division by its share of the images. Where
# classes differ in recall the interval can nearly vanish. The interval of the AUC is the plain normal one, not cut off at 1.
#
# From: confidenceinterval 1.0.5, takahashi_methods.py, `recall_score_takahashi` (`p * p.transpose()` of a flat array), and delong.py; Takahashi et al., Applied
# Intelligence 52, 2022, for the formula. The reference here: classes are independent, so that the variance of their mean
# is the sum of recall (1 - recall) / images over the squared number of classes; and a simulation.
#
# Why it matters here. Balanced accuracy is ISIC 2018's and 2019's official measure, and this is the package that a search for
# intervals of it in Python finds.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" confidenceinterval==1.0.5 numpy==2.4.6 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
import warnings

warnings.simplefilter("ignore")
import numpy as np
from confidenceinterval import recall_score, roc_auc_score

rng = np.random.default_rng(0)


def drawn(images: int) -> tuple[list[int], list[int]]:
    """Classes of images, a third each, and calls: classes 0 and 1 always right, class 2 half the time, else called 1."""
    truth = np.repeat([0, 1, 2], images // 3)
    return truth.tolist(), np.where((truth == 2) & (rng.random(images) < 0.5), 1, truth).tolist()


truth, calls = [0, 1, 2] * 20, [0, 1, 1] * 10 + [0, 1, 2] * 10
recall, (low, high) = recall_score(truth, calls, confidence_level=0.95, average="macro")
right = 1.959964 * np.sqrt(0.5 * 0.5 / 20) / 3
covered = 0
for _ in range(200):
    _, (below, above) = recall_score(*drawn(300), confidence_level=0.95, average="macro")
    covered += below <= 2.5 / 3 <= above
melanoma = [0] * 12 + [1] * 8
score = list(range(12)) + [11.5, 10.5, 13, 14, 15, 16, 17, 18]
area, (_, highest) = roc_auc_score(melanoma, score, confidence_level=0.95)
print(f"confidenceinterval 1.0.5, numpy {np.__version__}")
print(f"guessed: macro recall {recall:.3f} of 3 x 20 images within {recall - right:.3f} to {recall + right:.3f}; 95 % of intervals hold the truth")
print(f"seen: {low:.3f} to {high:.3f}; of 200 draws of 3 x 100 images {covered / 2:.0f} % of intervals hold the truth")
print(f"seen: an AUC of {area:.3f} with an upper limit of {highest:.3f}")
sys.exit(not (high - low < right and covered < 120 and highest > 1))
PYTHON
