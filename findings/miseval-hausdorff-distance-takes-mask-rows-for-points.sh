#!/usr/bin/env bash
# miseval's Hausdorff distance of a lesion moved down is 0, and its average Hausdorff distance is the largest one.
#
# What happens. "HD" hands the two masks to a function that expects one point a row: each row of the mask becomes a point with as
# many coordinates as the mask has columns. A mask with the same rows in another order has distance 0, one moved sideways has
# the square root of the pixels by which its rows differ, and a stray pixel counts 1 however far away it is. The class asked for
# is ignored. "AHD" takes the distances between borders and returns their maximum: it is the Hausdorff distance, not an average.
#
# From: miseval 1.3.0, hausdorff.py, `calc_SimpleHausdorffDistance` (on `hausdorff_distance` of hausdorff 0.2.6, whose arguments are
# sets of points) and `calc_AverageHausdorffDistance`, called as "HD" and "AHD".
# The reference here: SciPy's `directed_hausdorff` and distance transform, and the shift itself: the distance of two equal discs is
# that between their centres.
#
# Why it matters here. The distance of two borders is read beside Dice where lesions are segmented. The package comes with a
# guideline that recommends AHD for the outline.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  miseval==1.3.0 hausdorff==0.2.6 numba==0.68.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0 scikit-image==0.26.0 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from miseval import evaluate
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.spatial.distance import directed_hausdorff


def disc(row: int, column: int) -> np.ndarray:
    """Return the mask (96, 128) of a lesion of radius 30 pixels."""
    rows, columns = np.mgrid[:96, :128]
    return ((rows - row) ** 2 + (columns - column) ** 2 < 30**2).astype(np.uint8)


def border(mask: np.ndarray) -> np.ndarray:
    """Return the mask's pixels that touch the background."""
    return mask.astype(bool) & ~binary_erosion(mask)


def reference(truth: np.ndarray, call: np.ndarray) -> tuple[float, float]:
    """Return the largest and the mean distance between two borders, in pixels, both ways."""
    one, other = np.argwhere(border(truth)), np.argwhere(border(call))
    largest = max(directed_hausdorff(one, other)[0], directed_hausdorff(other, one)[0])
    apart = (distance_transform_edt(~border(call))[border(truth)], distance_transform_edt(~border(truth))[border(call)])
    return largest, float(np.mean([distances.mean() for distances in apart]))


truth = disc(45, 60)
stray = truth.copy()
stray[90, 120] = 1
calls = {"10 pixels lower": disc(55, 60), "10 pixels to the right": disc(45, 70), "with a stray pixel": stray}
seen = {name: tuple(float(evaluate(truth, call, metric=one)) for one in ("HD", "AHD")) for name, call in calls.items()}
right = {name: reference(truth, call) for name, call in calls.items()}
print(", ".join(f"{name} {version(name)}" for name in ("miseval", "hausdorff", "numpy", "scipy")))
for name in calls:
    print(f"guessed: the lesion {name}: {right[name][0]:.2f}, on average {right[name][1]:.2f} pixels")
    print(f"seen: HD {seen[name][0]:.2f}, AHD {seen[name][1]:.2f}")
lower, sideways, far = seen.values()
largest = all(abs(seen[name][1] - right[name][0]) < 0.1 and right[name][1] < 0.8 * right[name][0] for name in calls)
moved = all(abs(right[name][0] - 10) < 1e-9 for name in list(calls)[:2])
sys.exit(not (largest and moved and lower[0] == 0 and 3 < sideways[0] < 6 and far[0] == 1))
PYTHON
