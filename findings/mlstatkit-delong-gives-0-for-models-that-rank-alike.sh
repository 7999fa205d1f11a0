#!/usr/bin/env bash
# MLstatkit's DeLong test gives p = 0 for two models that rank all images alike, as a model and its calibrated form do.
#
# What happens. The variance of the difference in AUC is 0 then, and the function goes over to a bootstrap. Every drawn
# difference is 0; the two-sided p is twice the smaller share of draws at most 0 (all of them) and above 0 (none): 0. One
# image whose order differs is enough for the ordinary test and a p near 1.
#
# From: MLstatkit 0.1.91, MLstatkit/delong.py, `bootstrap_diff`, for the degenerate case that its docstring announces.
#
# Why it matters here. AUCs of a network before and after temperature scaling, of two exports of it, or of logits and
# probabilities, are compared by such tests; "p < .001" would be reported for what is the same ranking. The program
# gives p = 1 (tests/evaluation/comparison).
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  MLstatkit==0.1.91 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from MLstatkit import Delong_test

generator = np.random.default_rng(0)
malignant = generator.integers(0, 2, 300)
logits = generator.normal(malignant * 1.0, 1)
plain, calibrated = (1 / (1 + np.exp(-logits / temperature)) for temperature in (1.0, 2.0))
one_swapped = calibrated.copy()
first, second = np.argsort(logits)[[100, 110]]
one_swapped[[first, second]] = one_swapped[[second, first]]
z, p, *_, auc, other, how = Delong_test(malignant, plain, calibrated, random_state=0)
z_swapped, p_swapped, *_, how_swapped = Delong_test(malignant, plain, one_swapped, random_state=0)
print(", ".join(f"{name} {version(name)}" for name in ("MLstatkit", "numpy", "scipy")))
print("guessed: p = 1 for two models with the same ranking, whose AUCs are equal")
print(f"seen: AUC {auc:.4f} and {other:.4f}, z = {z}, p = {p} (by {how['method']})")
print(f"seen: two images exchanged, p = {p_swapped:.2f} (by {how_swapped['method']})")
sys.exit(not (auc == other and z == 0 and p == 0 and p_swapped > 0.05))
PYTHON
