#!/usr/bin/env bash
# derm-ita's skin tone of a dermoscopy image turns from "light" to "very light" or "dark" with the black around it.
#
# What happens. The individual typology angle is taken of the mean L and mean b of pixels within one standard deviation
# of the mean, each by itself. Pixels that are exactly black are left out of L, not of b; nearly black ones are left out of
# neither. As soon as the dermoscope's opening is less than half of the picture, the surround is the majority: with exact
# black b becomes 0 and the angle 90 degrees, with a grey level of 3 the angle is that of the surround, -90. Until then
# the rule leaves the surround out, so that nothing is seen on pictures whose opening is large.
#
# From: derm-ita 0.0.8, derm_ita/ita_core_computations.py, `compute_ita_from_lab`.
#
# Why it matters here. Results by skin tone are asked of every classifier of skin lesions, and the angle is estimated from
# the pictures themselves. An opening that touches the long sides of a 16:9 photograph is 44 % of it, of a 4:3 one 59 %.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  derm-ita==0.0.8 numpy==1.26.4 scikit-image==0.26.0 patchify==0.2.3 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from derm_ita import get_ita, get_kinyanjui_groh_type
from PIL import Image

HEIGHT, WIDTH, SKIN = 360, 640, (200, 160, 140)


def angle(share: float, surround: int) -> float:
    """Return the angle of even skin with grain in a round opening of a share of the picture."""
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    beyond = (column - WIDTH / 2) ** 2 + (row - HEIGHT / 2) ** 2 > share * WIDTH * HEIGHT / np.pi
    picture = np.array(SKIN) + np.random.default_rng(0).normal(0, 4, (HEIGHT, WIDTH, 1))
    picture[beyond] = surround
    return get_ita(Image.fromarray(picture.clip(0, 255).astype(np.uint8)), remove_boarder=False)


names = ("derm-ita", "numpy", "scikit-image")
print(", ".join(f"{name} {version(name)}" for name in names))
print("guessed: the same skin has the same angle, since black pixels are ignored as the docstring says")
seen = {(share, grey): angle(share, grey) for grey in (0, 3) for share in (0.56, 0.44)}
for (share, grey), found in seen.items():
    print(
        f"seen: opening {share:.0%} of the picture, surround of grey level {grey}: {found:.1f} degrees, "
        f"Fitzpatrick type {get_kinyanjui_groh_type(found)}"
    )
wide = [seen[0.56, grey] for grey in (0, 3)]
sys.exit(not (abs(wide[0] - wide[1]) < 2 and 45 < wide[0] < 55 and seen[0.44, 0] > 85 and seen[0.44, 3] < -85))
PYTHON
