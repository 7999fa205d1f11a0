"""Readings with published results.

`input.imrmc` is from the tests of FDA's iMRMC (github.com/DIDSR/iMRMC, Rpackage/iMRMC/tests/testthat), under CC0.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attnmel.evaluation.readers.readings import Readings
from attnmel.pipeline.study.analysis.read_study import read_study

INPUT = Path(__file__).with_name("input.imrmc")


@pytest.fixture(scope="session")
def complete() -> Readings:
    """Two modalities, five readers, 40 healthy and 40 diseased cases, all read."""
    return read_study(INPUT).readings


@pytest.fixture(scope="session")
def every_seventh_missing(complete: Readings) -> Readings:
    """The readings in the order of reader, case and modality as text, without the 7th, 14th, ..."""
    places = np.argwhere(complete.read)
    names = [(complete.readers[r], complete.cases[c], complete.modalities[m]) for m, r, c in places]
    scores = complete.scores.copy()
    for number, place in enumerate(sorted(range(len(names)), key=names.__getitem__), 1):
        if number % 7 == 0:
            scores[tuple(places[place])] = np.nan
    return replace(complete, scores=scores)


@pytest.fixture(scope="session")
def split_plot(complete: Readings) -> Readings:
    """Readers 1 and 2 read the cases with odd numbers, the others those with even ones."""
    odd = np.array([int("".join(filter(str.isdigit, name))) % 2 == 1 for name in complete.cases])
    scores = complete.scores.copy()
    scores[:, :2, ~odd] = np.nan
    scores[:, 2:, odd] = np.nan
    return replace(complete, scores=scores)


@pytest.fixture(scope="session")
def with_machine(complete: Readings) -> Readings:
    """The third reader's first modality as a machine, and all readers' second modality."""
    scores = np.full((2, 6, 80), np.nan)
    scores[0, 5], scores[1, :5] = complete.scores[0, 2], complete.scores[1]
    return replace(complete, modalities=("AI", "testB"), readers=(*complete.readers, "network"), scores=scores)


@pytest.fixture
def drawn() -> Callable[..., Readings]:
    """Draw readings of no published kind, with ties."""

    def draw(modalities: int = 2, readers: int = 4, cases: int = 30, seed: int = 0) -> Readings:
        generator = np.random.default_rng(seed)
        diseased = np.arange(cases) % 3 == 0
        scores = np.round(
            generator.normal(size=(modalities, readers, cases)) + diseased + generator.normal(size=cases), 1
        )
        names = [tuple(f"{kind}{n}" for n in range(count)) for kind, count in zip("mrc", scores.shape, strict=True)]
        return Readings(names[0], names[1], names[2], diseased, scores)

    return draw
