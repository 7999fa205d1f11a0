#!/usr/bin/env bash
# Eigen-CAM of grad-cam shows a map for one image and its negative for the mirrored image, about every fourth time.
#
# What happens. The map is the projection of the activations on their first principal component, whose sign is left as the
# linear algebra library returns it. Mirroring the activations only reorders the rows of the matrix, so that the map should
# be mirrored and nothing else; in a share of cases it is mirrored and changes its sign. `BaseCAM` then cuts off what is below
# zero, so that the surround is shown where the object was. A function with a rule for the sign is in the same file since
# Seg-Eigen-CAM was added, but `EigenCAM` and `eigen_smooth` do not call it.
#
# From: grad-cam 1.5.7, pytorch_grad_cam/utils/svd_on_activations.py, `get_2d_projection`, and base_cam.py; issue 315 of
# jacobgil/pytorch-grad-cam names the sign.
#
# Why it matters here. Whoever compares attention maps with Eigen-CAM, over turns and flips or over images, averages maps
# with their negatives.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" --no-deps grad-cam==1.5.7 >&2 || exit 2
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" numpy==2.4.6 scikit-learn==1.8.0 >&2 || exit 2

# The file alone, for the package itself imports torch, which this function does not use.
PYTHONPATH=$place OMP_NUM_THREADS=1 "$python" - "$place" <<'PYTHON'
import importlib.util
import sys
from pathlib import Path

import numpy as np

source = Path(sys.argv[1], "pytorch_grad_cam", "utils", "svd_on_activations.py")
spec = importlib.util.spec_from_file_location("svd_on_activations", source)
svd = importlib.util.module_from_spec(spec)
spec.loader.exec_module(svd)

rng = np.random.default_rng(0)
down, right = np.mgrid[:14, :14]
unequal = negative = corrected = 0
for _ in range(200):  # a bright disc in 64 channels that are all positive, as after ReLU
    (y, x), radius = rng.uniform(4, 10, 2), rng.uniform(2, 4)
    disc = (down - y) ** 2 + (right - x) ** 2 < radius**2
    channels = np.maximum(0, rng.uniform(0.2, 1, (64, 1, 1)) * disc + rng.normal(0.2, 0.1, (64, 14, 14)))
    for project in (svd.get_2d_projection, svd.get_2d_projection_with_sign_correction):
        (plain,), (mirrored,) = project(channels[None]), project(channels[None, :, :, ::-1])
        likeness = np.corrcoef(plain.ravel(), mirrored[:, ::-1].ravel())[0, 1]
        if project is svd.get_2d_projection:
            negative += likeness < 0
            unequal += abs(likeness) < 0.999
        else:
            corrected += likeness < 0
print(f"grad-cam 1.5.7, numpy {np.__version__}")
print("guessed: the map of a mirrored image is the mirrored map")
print(f"seen: {negative} of 200 are its negative, {unequal} are anything else; with the corrected sign {corrected} are the negative")
sys.exit(not (negative > 10 and unequal == 0 and corrected == 0))
PYTHON
