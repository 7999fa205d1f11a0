#!/usr/bin/env bash
# The official scoring program of ISIC 2018 cannot score with numpy 2.5: rdp, by which it thins ROC curves, ends in an error.
#
# What happens. isic-challenge-scoring 5.8.0 asks for rdp and numpy without upper bounds, so pip installs rdp 0.8 and, on
# Python 3.13, numpy 2.5. rdp takes numpy.cross of vectors of two dimensions, which numpy 2.0 deprecated and 2.5 refuses.
# With numpy 2.4 the same curve is thinned.
#
# From: numpy 2.0's release notes (2-dimensional vectors in `cross` are deprecated); the source of rdp 0.8, `pldist`.
#
# Why it matters here. It is the reference for balanced accuracy and AUC of ISIC 2018 on Python 3.13.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3.13}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for numpy in 2.5.0 2.4.6; do
    "$python" -m pip install --quiet --disable-pip-version-check --target "$place/$numpy" \
        rdp==0.8 "numpy==$numpy" >&2 || exit 2
done

cat >"$place/thin.py" <<'PYTHON'
import numpy
from rdp import rdp

try:
    print(numpy.__version__, "thinned to", len(rdp(numpy.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]), epsilon=0.001)))
except Exception as error:
    print(numpy.__version__, type(error).__name__, str(error)[:60])
PYTHON
new=$(PYTHONPATH="$place/2.5.0" "$python" "$place/thin.py")
old=$(PYTHONPATH="$place/2.4.6" "$python" -W ignore "$place/thin.py")
echo "rdp 0.8"
echo "guessed: a curve is thinned with every numpy that pip takes"
echo "seen: numpy $new"
echo "seen: numpy $old"
[[ $new == *ValueError* && $old == *"thinned to 2" ]]
