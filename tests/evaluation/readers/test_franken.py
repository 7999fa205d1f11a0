"""The readings of Franken et al. (1992), with a negative variance; skipped where they are not at hand.

Published with MRMCaov (github.com/brian-j-smith/MRMCaov, data/Franken.RData) and RJafroc (dataset03), both under GPL-3,
so they are not part of this project. Put Franken.imrmc into the folder ATTNMEL_READER_DATA, or into
../shared/data/readers.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from attnmel.evaluation.readers.inference.covariance import CovarianceMethod, auc_covariance
from attnmel.evaluation.readers.inference.estimates import NEGATIVE_VARIANCE
from attnmel.evaluation.readers.inference.obuchowski_rockette import obuchowski_rockette
from attnmel.evaluation.readers.inference.u_statistics import Moments, difference, single_modality
from attnmel.evaluation.readers.readings import reader_aucs
from attnmel.pipeline.study.analysis.read_study import read_study

FOLDER = Path(os.environ.get("ATTNMEL_READER_DATA", Path(__file__).parents[4] / "shared" / "data" / "readers"))
FILE = FOLDER / "Franken.imrmc"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not FILE.is_file(),
        reason=f"{FILE} is not there: published by RJafroc (github.com/dpc10ster/RJafroc, inst/MRMCRuns/FR/FR.lrc); "
        "expected in the .imrmc format: 2 modalities, 4 readers, 33 healthy and 67 diseased cases, ratings from 1 to 5",
    ),
]


def test_a_negative_variance_is_that_of_imrmc_and_gives_no_interval() -> None:
    readings = read_study(FILE).readings
    found = obuchowski_rockette(reader_aucs(readings), auc_covariance(readings))
    parts, test, one = found.components, found.random.test, found.random.differences[0, 1]
    own = (parts.error, parts.cov1, parts.cov2, parts.cov3, one.error)
    np.testing.assert_allclose(own, (0.00152578, 0.00079168, 0.00048364, 0.00051251, 0.00501012), rtol=0, atol=5e-9)
    np.testing.assert_allclose((test.statistic, test.df2, test.p), (4.694058, 3, 0.1188379), rtol=0, atol=5e-7)
    np.testing.assert_allclose((one.low, one.high), (-0.0050896, 0.0267993), rtol=0, atol=5e-8)
    moments = Moments(readings)
    single = [single_modality(moments, place).unbiased.variance for place in (0, 1)]
    np.testing.assert_allclose(single, (0.0005900405831, 0.0005505049376), rtol=0, atol=1e-12)
    both = difference(moments, 0, 1)
    assert both.unbiased.variance == pytest.approx(-3.161370706e-05, abs=1e-13)
    assert both.unbiased.t.note == NEGATIVE_VARIANCE
    np.testing.assert_allclose((both.biased.variance, both.biased.t.p), (0.000615386985, 0.661697433), atol=1e-9)
    np.testing.assert_allclose((both.biased.t.low, both.biased.t.high), (-0.03776599931, 0.05947563296), atol=1e-8)


def test_aucs_degrees_of_freedom_and_fixed_readers_are_the_published_ones() -> None:
    readings = read_study(FILE).readings
    aucs = reader_aucs(readings)
    published = [[0.85346, 0.8649932, 0.8573044, 0.815242], [0.8496156, 0.8435097, 0.8401176, 0.8143374]]
    np.testing.assert_allclose(aucs, published, rtol=0, atol=5e-7)
    np.testing.assert_allclose(aucs.mean(axis=1), (0.8477498869, 0.8368950701), rtol=0, atol=1e-9)
    known: tuple[tuple[CovarianceMethod, float, float], ...] = (
        ("jackknife", 0.321013, 0.5709992),
        ("delong", 0.325138, 0.5685362),
    )
    for method, chi2, p in known:
        test = obuchowski_rockette(aucs, auc_covariance(readings, method)).fixed_readers.test
        np.testing.assert_allclose((test.statistic, test.p), (chi2, p), rtol=0, atol=6e-7)
    moments = Moments(readings)
    degrees = [single_modality(moments, place).unbiased.degrees for place in (0, 1)]
    np.testing.assert_allclose(degrees, (32.868, 43.968), rtol=0, atol=5e-4)
    np.testing.assert_allclose(difference(moments, 0, 1).biased.degrees, 296.046, rtol=0, atol=5e-4)
