"""Less of the statistics where a run is only evaluated on the way to something else.

Most of the time of a tiny run's evaluation went into bootstraps and into the groups of its images. Both are tested in
`tests/evaluation` and `tests/statistics`, where all of it is computed, as by the test of a run's details that says so.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attnmel.evaluation.calibration import calibration, temperature
from attnmel.evaluation.classification import metric_intervals
from attnmel.evaluation.comparison import permutation, resampled_metrics
from attnmel.evaluation.maps.summary import summarised
from attnmel.evaluation.statistics import bootstrap as resampling
from attnmel.evaluation.statistics import estimators
from attnmel.evaluation.statistics.bootstrap import RESAMPLES, ResamplingConfig, Statistic
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.evaluation.subgroups import Subgroups, subgroups
from attnmel.pipeline.explain import split, stored_maps
from attnmel.pipeline.run.results import details
from attnmel.records import Predictions

DRAWS = 50
"""Resamples of each bootstrap and permutations of each test, at most."""

ATTRIBUTE = "sex"
"""The attribute by which images are grouped."""

ALL_FOLDERS = ("evaluation", "statistics", "figures", "report", "strangers")

_bootstrap, _p = resampling.bootstrap, permutation._p


def computes_all(test: Path) -> bool:
    """Say whether the tests of a file, relative to the folder of tests, are of the statistics themselves."""
    return test.parts[0] in ALL_FOLDERS


def _from_less(statistic: Statistic, sampling: Sampling, *, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    return _bootstrap(statistic, sampling, resamples=min(resamples, DRAWS), seed=seed)


def _from_less_p(differences: Any, unit: np.ndarray, permutations: int, seed: int) -> np.ndarray:  # noqa: ANN401 - handed on
    return _p(differences, unit, min(permutations, DRAWS), seed)


def _of_one_attribute(predictions: Predictions, *given: Any, **named: Any) -> Subgroups:  # noqa: ANN401 - handed on
    known = {name: words for name, words in predictions.attributes.items() if name == ATTRIBUTE}
    return subgroups(dataclasses.replace(predictions, attributes=known), *given, **named)


@contextmanager
def fewer_draws() -> Iterator[None]:
    """Draw few resamples and judge groups of one attribute, until the end of the block."""
    with _replaced(_from_less, _from_less_p, _of_one_attribute) as patch:
        few = partial(summarised, resampling=ResamplingConfig(resamples=DRAWS, permutations=DRAWS))
        for module in (split, stored_maps):
            patch.setattr(module, "summarised", few)
        yield


@contextmanager
def all_draws() -> Iterator[None]:
    """Compute all within a block of `fewer_draws`."""
    with _replaced(_bootstrap, _p, subgroups):
        yield


@contextmanager
def _replaced(bootstrap: object, p: object, groups: object) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (estimators, metric_intervals, calibration, temperature, resampled_metrics):
            patch.setattr(module, "bootstrap", bootstrap)
        patch.setattr(permutation, "_p", p)
        patch.setattr(details, "subgroups", groups)
        yield patch
