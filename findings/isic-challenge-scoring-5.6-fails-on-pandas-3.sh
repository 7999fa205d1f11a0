#!/usr/bin/env bash
# The official scoring program of ISIC 2018 in its last version for Python below 3.13 cannot read a file with pandas 3.
#
# What happens. isic-challenge-scoring 5.6.0 asks for pandas without an upper bound, so pip installs pandas 3. Reading a
# prediction file then ends with AttributeError, since `DataFrame.applymap` is gone; its measures alone work. With pandas 2
# the same file is read. A column of whole numbers alone (0, 1) is refused as "non-floating-point" by it in any case.
#
# From: the metadata of isic-challenge-scoring 5.6.0; pandas 3.0's removal of what 2.1 deprecated (`applymap`, now `map`).
# Version 5.8.0 is mended and needs Python 3.13.
#
# Why it matters here. It is the reference for balanced accuracy of ISIC 2018. A test that only calls its measures passes.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for pandas in 3.0.0 2.3.3; do
    "$python" -m pip install --quiet --disable-pip-version-check --target "$place/$pandas" \
        isic-challenge-scoring==5.6.0 "pandas==$pandas" >&2 || exit 2
done

cat >"$place/read.py" <<'PYTHON'
import sys
from pathlib import Path

import pandas
from isic_challenge_scoring.load_csv import parse_csv

classes = ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
path = Path(sys.argv[1])
path.write_text("image," + ",".join(classes) + "\nISIC_0000001,0.9,0.1,0.0,0.0,0.0,0.0,0.0\n")
try:
    with path.open() as file:
        parse_csv(file, pandas.Index(classes))
    print(pandas.__version__, "read")
except Exception as error:
    print(pandas.__version__, type(error).__name__, error)
PYTHON
new=$(PYTHONPATH="$place/3.0.0" "$python" "$place/read.py" "$place/p.csv")
old=$(PYTHONPATH="$place/2.3.3" "$python" "$place/read.py" "$place/p.csv")
echo "isic-challenge-scoring 5.6.0"
echo "guessed: a valid file is read with every pandas that pip takes"
echo "seen: pandas $new"
echo "seen: pandas $old"
[[ $new == *AttributeError*applymap* && $old == *" read" ]]
