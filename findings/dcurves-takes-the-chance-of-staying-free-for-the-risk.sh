#!/usr/bin/env bash
# dcurves' decision curve of a marker and a time to an event treats those at low risk: `models_to_prob` gives the chance to stay free.
#
# What happens. For data with a time to the event, `models_to_prob` fits a Cox model to a marker and takes its survival function at
# the time asked for: the share without the event, where the documentation says risk. The good marker's curve then lies below
# "treat all" and below 0. The marker's sign does not matter, as the Cox model finds it. Without times the same argument fits a
# logistic regression and is right, as are columns that hold risks already.
#
# From: dcurves 1.1.7, risks.py, `_calc_surv_risks` (`predict_survival_function` with no "1 -"), called by `dca`, whose docstring and
# whose `models_to_prob` say risk scores. The reference here: counts of events before the time, as nobody is lost before it, and
# the risk that the data were made with.
#
# Why it matters here. Moles are followed up until they are excised as melanoma, and the net benefit of a score over the years is
# asked for as that of a single call is. The program has decision curves of calls only, without times.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place" \
  dcurves==1.1.7 lifelines==0.30.3 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 statsmodels==0.15.0 >&2 || exit 2

PYTHONPATH=$place MPLBACKEND=agg "$python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import numpy as np
import pandas as pd
from dcurves import dca

YEARS, THRESHOLDS = 3, [0.1, 0.2, 0.3]
generator = np.random.default_rng(0)
marker = generator.normal(0, 1, 800)
until = generator.exponential(10 * np.exp(-marker))  # years to melanoma: the higher the marker, the sooner
risk = 1 - np.exp(-YEARS / (10 * np.exp(-marker)))
followed = generator.uniform(4, 9, 800)
table = pd.DataFrame({"marker": marker, "minus": -marker, "risk": risk})
table["years"], table["melanoma"] = np.minimum(until, followed), (until <= followed).astype(int)


def counted(threshold: float) -> float:
    """Return the net benefit of excising every mole whose true risk reaches the threshold."""
    excised, event = risk >= threshold, until <= YEARS
    return float(np.mean(excised & event) - np.mean(excised & ~event) * threshold / (1 - threshold))


found = dca(
    table,
    outcome="melanoma",
    modelnames=["marker", "minus", "risk"],
    models_to_prob=["marker", "minus"],
    thresholds=THRESHOLDS,
    time=YEARS,
    time_to_outcome_col="years",
).pivot(index="threshold", columns="model", values="net_benefit")
right = [counted(threshold) for threshold in THRESHOLDS]
names = ("dcurves", "lifelines", "numpy", "pandas")
print(", ".join(f"{name} {version(name)}" for name in names))
for threshold, expected in zip(THRESHOLDS, right, strict=True):
    row = found.loc[threshold]
    print(f"guessed: at a threshold of {threshold:.0%} the marker's net benefit is near {expected:.3f}, counted; by a column of risks {row['risk']:.3f}")
    print(f"seen: marker {row['marker']:.3f}, its negative {row['minus']:.3f}; treat all {row['all']:.3f}, treat none 0")
agree = np.abs(found["risk"] - right).max() < 0.02
below = (found["marker"] < found["all"]).all() and (found["marker"] < found["risk"] - 0.02).all()
sys.exit(not (agree and below and np.allclose(found["marker"], found["minus"], atol=0.005) and found["marker"].iloc[-1] < 0))
PYTHON
