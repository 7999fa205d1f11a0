#!/usr/bin/env bash
# Local binary patterns of scikit-image compare the pixels at the border with black, not with a repeated border.
#
# What happens. `skimage.feature.local_binary_pattern` (0.26.0) takes neighbours outside of the image for 0. On an evenly
# grey picture every pixel inside has the code "no neighbour is darker" (255 with 8 neighbours), and the pixels of the
# border have others. The result is that of the picture with a black frame, and of neither a repeated nor a mirrored edge.
#
# From: seen by running; the documentation of the function names no rule for the border.
#
# Why it matters here. A histogram of such codes is a texture feature of skin lesions. In a crop of 64 pixels at radius 3
# some 18 % of the pixels are border, so the histogram says how large the crop is. Cut off the radius on each side first.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place/packages" \
    scikit-image==0.26.0 numpy==2.4.6 >&2 || exit 2

PYTHONPATH="$place/packages" "$python" - <<'PYTHON'
import sys

import numpy as np
import skimage
from skimage.feature import local_binary_pattern

print("scikit-image", skimage.__version__, "numpy", np.__version__)
picture = np.random.default_rng(0).integers(60, 200, (64, 64)).astype(np.uint8)
found = local_binary_pattern(picture, 8, 3)
same = {
    mode: bool((local_binary_pattern(np.pad(picture, 3, mode=mode), 8, 3)[3:-3, 3:-3] == found).all())
    for mode in ("constant", "edge", "reflect")
}
flat = local_binary_pattern(np.full((64, 64), 128, dtype=np.uint8), 8, 3)
inside, border = set(flat[3:-3, 3:-3].ravel().tolist()), float((flat != 255).mean())

print("guessed: as with a repeated or mirrored edge; an even picture has one code")
print("seen: the same codes as with a frame of black:", same["constant"], "| repeated:", same["edge"], "| mirrored:", same["reflect"])
print(f"seen: an even picture has the code 255 inside, and others in {border:.0%} of all its pixels")
sys.exit(0 if same == {"constant": True, "edge": False, "reflect": False} and inside == {255.0} and border > 0.1 else 1)
PYTHON
