#!/usr/bin/env bash
# Pillow reads an uncompressed 16-bit TIFF in separate planes as 8-bit, and a 16-bit white-is-zero one without inverting.
#
# What happens. A TIFF may store red, green and blue one after the other (PlanarConfiguration 2). With 16 bits a channel
# and no compression, Pillow 13.0.0 sets up each plane as if it had 8 bits: the picture opens as RGB of the right size,
# and its pixels are other bytes of the file. Deflated, or with the channels side by side, the same picture is right. A
# grey picture of 16 bits whose PhotometricInterpretation says that 0 is white is given as stored, where one of 8 bits is
# inverted; in the other order of bytes it is "cannot identify image file".
#
# From: TIFF 6.0, sections 3, 4 and 8 (PhotometricInterpretation 0, PlanarConfiguration 2); seen by running. The tiles
# that `Image.open` prepares say it: ('raw', ('R', 0, 1)) in place of a 16-bit one.
#
# Why it matters here. Microscopes and scanners write such files. Nothing fails: a network is given noise, or a negative.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place/packages" \
    pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6 >&2 || exit 2

PYTHONPATH="$place/packages" "$python" - <<'PYTHON'
import io
import sys

import numpy as np
import PIL
import tifffile
from PIL import Image, UnidentifiedImageError

print("pillow", PIL.__version__, "tifffile", tifffile.__version__, "numpy", np.__version__)
colours = np.random.default_rng(0).integers(0, 1 << 16, (16, 24, 3)).astype(np.uint16)
upper = (colours >> 8).astype(np.uint8)  # what Pillow keeps of 16-bit colour


def opened(pixels, **options):
    """Return what Pillow reads of a TIFF that tifffile writes; None if it does not know the file."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    try:
        return np.asarray(Image.open(io.BytesIO(file.getvalue())))
    except UnidentifiedImageError:
        return None


def right(**options):
    """Return the share of right numbers; two independent bytes are equal in 1 of 256."""
    planes = options.get("planarconfig") == "separate"
    found = opened(colours.transpose(2, 0, 1) if planes else colours, photometric="rgb", **options)
    return float((found == upper).mean())


shares = {
    "side by side": right(),
    "in planes, deflated": right(planarconfig="separate", compression="zlib"),
    "in planes": right(planarconfig="separate"),
}
grey = np.arange(0, 1 << 16, 1 << 12, dtype=np.uint16).reshape(4, 4)
eight = opened((grey >> 8).astype(np.uint8), photometric="miniswhite")
little, big = (opened(grey, photometric="miniswhite", byteorder=order) for order in "<>")

print("guessed: every number is right, and 0 is white in both depths")
for name, share in shares.items():
    print(f"seen: 16-bit colour {name}: {share:.0%} of the numbers are right")
print("seen: 0 is white, first pixel 0:", eight[0, 0], "of 255 in 8 bits,", little[0, 0], "of 65535 in 16 bits; big-endian:",
      "not identified" if big is None else big[0, 0])
as_described = (
    shares["side by side"] == shares["in planes, deflated"] == 1
    and shares["in planes"] < 0.05
    and (eight[0, 0], little[0, 0]) == (255, 0)
    and big is None
)
sys.exit(0 if as_described else 1)
PYTHON
