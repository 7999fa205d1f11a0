#!/usr/bin/env bash
# safetensors 0.8 saves numpy arrays that are not in C order as other values, without an error; 0.7 saved them right.
#
# What happens. Since 0.8.0 `safetensors.numpy` gives the array's memory as it lies to the serialiser, with the shape
# alone; strides are not looked at. An array in Fortran order, or a transposed one, is read back with its values in
# another order, of the right shape and type, with nothing that a check of names, shapes or finite values could see.
# Principal axes, as scikit-learn fits them, come in Fortran order. `safetensors.torch` refuses tensors that are not
# contiguous.
#
# From: safetensors 0.8.0, `safetensors/numpy.py` (the pointer of the array); its issue 825 is open as of 2026-11.
#
# Why it matters here. Systems of fixed features and linear classifiers store means, axes and coefficients: after such a
# file a system predicts, calibrates and reports as if nothing had happened. `numpy.ascontiguousarray` before saving
# is what the program does.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for version in 0.7.0 0.8.0; do
  "$python" -m pip install --quiet --disable-pip-version-check --target "$place/$version" \
    safetensors==$version numpy==2.4.6 scikit-learn==1.8.0 >&2 || exit 2
done

echo "guessed: every version gives back what was saved, or refuses it"
status=0
for version in 0.7.0 0.8.0; do
  PYTHONPATH=$place/$version "$python" - "$version" <<'PYTHON' || status=1
import sys

import numpy as np
import safetensors
import sklearn
from safetensors.numpy import load, save
from sklearn.decomposition import PCA

features = np.random.default_rng(0).normal(size=(200, 12)) @ np.diag(np.arange(1.0, 13))
axes = PCA(n_components=4, svd_solver="full").fit(features).components_
order = "C" if axes.flags.c_contiguous else "Fortran"
back = load(save({"axes": axes}))["axes"]
mended = load(save({"axes": np.ascontiguousarray(axes)}))["axes"]
same = np.array_equal(back, axes)
print(f"safetensors {safetensors.__version__}, numpy {np.__version__}, scikit-learn {sklearn.__version__}")
print(
    f"seen: axes of shape {axes.shape} in {order} order come back {'the same' if same else 'as other values'} "
    f"(largest difference {np.abs(back - axes).max():.2f}, all finite: {np.isfinite(back).all()}); "
    f"made contiguous first: {'the same' if np.array_equal(mended, axes) else 'other values'}"
)
sys.exit(not (order == "Fortran" and same == (sys.argv[1] == "0.7.0") and np.array_equal(mended, axes)))
PYTHON
done
exit $status
