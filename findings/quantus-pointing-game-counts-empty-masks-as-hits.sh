#!/usr/bin/env bash
# Quantus' pointing game counts an image without a lesion mask as a hit, and its weighted form fails on every image.
#
# What happens. The hits are an array of booleans. The line that should give images with an empty mask NaN writes NaN into
# that array, where it becomes True, so that a set with missing masks scores higher. With `weighted=True` the weights are
# written into the same array: with a shape that numpy refuses.
#
# From: Quantus 0.6.0, quantus/metrics/localisation/pointing_game.py, `evaluate_batch`, whose comment says that NaN is
# returned. Relevance rank accuracy in the same folder does give NaN.
#
# Why it matters here. Sets of dermoscopy images lack some masks (71 of ISIC 2017's 600 test masks at hand); the share of
# attention maps that point at the lesion would be too high by as many.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" quantus==0.6.0 numpy==2.4.6 >&2 || exit 2

PYTHONPATH=$place "$python" - <<'PYTHON'
import sys
import warnings

warnings.simplefilter("ignore")
import numpy as np
import quantus

maps = np.random.default_rng(0).random((6, 1, 8, 8))
masks = np.zeros(maps.shape)  # none at all
empty = quantus.PointingGame(disable_warnings=True).evaluate_batch(a_batch=maps, s_batch=masks)
ranks = quantus.RelevanceRankAccuracy(disable_warnings=True).evaluate_batch(a_batch=maps, s_batch=masks)
for image in range(6):
    masks[image, 0].flat[maps[image, 0].argmax()] = 1  # one pixel, at the maximum
try:
    weighted = str(quantus.PointingGame(weighted=True, disable_warnings=True).evaluate_batch(a_batch=maps, s_batch=masks))
except TypeError as error:
    weighted = "TypeError: " + str(error)
print(f"quantus {quantus.__version__}, numpy {np.__version__}")
print("guessed: NaN for six images with empty masks, as relevance rank accuracy gives; weights near 1 for hits of small masks")
print(f"seen: {int(empty.sum())} of 6 are hits (relevance rank accuracy: {int(np.isnan(ranks).sum())} NaN)")
print(f"seen: weighted, {weighted}")
sys.exit(not (empty.all() and np.isnan(ranks).all() and weighted.startswith("TypeError")))
PYTHON
