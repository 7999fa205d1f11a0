#!/usr/bin/env bash
# Quantus' relevance rank accuracy gives a lesion at the top of the picture .97 and one at the bottom 0, for one and the same map.
#
# What happens. The measure takes as many pixels of the highest relevance as the mask has. Where the map is zero on more
# pixels than that, as after the ReLU of Grad-CAM or with a threshold, the rest is chosen among zeros by the order of a sort: from
# the top left corner. The pixels of a lesion there count as found.
#
# From: Quantus 0.6.0, quantus/metrics/localisation/relevance_rank_accuracy.py and top_k_intersection.py: `argsort` of the
# negative map, ties as they come. A map that is constant throughout is refused; one that is constant almost everywhere is not.
#
# Why it matters here. Maps of networks with attention are sparse, and lesions are not centred alike in all data sets.
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

maps, masks = np.zeros((2, 1, 16, 16)), np.zeros((2, 1, 16, 16))
maps[:, 0, 7, 7], maps[:, 0, 7, 8] = 1.0, 0.5  # the same map twice, zero but for two pixels outside both lesions
masks[0, 0, :4], masks[1, 0, 12:] = 1, 1
rank = quantus.RelevanceRankAccuracy(disable_warnings=True).evaluate_batch(a_batch=maps, s_batch=masks)
top = quantus.TopKIntersection(k=64, disable_warnings=True).evaluate_batch(a_batch=maps, s_batch=masks)
expected = 62 / 256  # the zeros that are taken, drawn at random: their share of a lesion of a quarter of the picture
print(f"quantus {quantus.__version__}, numpy {np.__version__}")
print(f"guessed: the same for both lesions, 0 or the {expected:.2f} of ties in random order")
print(f"seen: relevance rank accuracy {rank[0]:.2f} at the top, {rank[1]:.2f} at the bottom")
print(f"seen: intersection of the highest 64 {top[0]:.2f} at the top, {top[1]:.2f} at the bottom")
sys.exit(not (rank[0] > 0.8 and rank[1] == 0 and top[0] > 0.8 and top[1] == 0))
PYTHON
