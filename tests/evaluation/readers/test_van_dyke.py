"""The readings of Van Dyke et al. (1993), whose results the R packages print; skipped where they are not at hand.

Published with RJafroc (github.com/dpc10ster/RJafroc, inst/extdata/RocData.imrmc) and MRMCaov (data/VanDyke.RData), both
under GPL-3, so they are not part of this project. Put VanDyke.imrmc into the folder ATTNMEL_READER_DATA, or into
../shared/data/readers.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from attnmel.evaluation.readers.binormal import binormal_study
from attnmel.evaluation.readers.decisions import decisions, share_analysis
from attnmel.evaluation.readers.inference.covariance import CovarianceMethod, auc_covariance
from attnmel.evaluation.readers.inference.obuchowski_rockette import obuchowski_rockette
from attnmel.evaluation.readers.inference.u_statistics import Moments, difference, single_modality
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.pipeline.study.analysis.read_study import read_study

FOLDER = Path(os.environ.get("ATTNMEL_READER_DATA", Path(__file__).parents[4] / "shared" / "data" / "readers"))
FILE = FOLDER / "VanDyke.imrmc"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not FILE.is_file(),
        reason=f"{FILE} is not there: published by RJafroc (github.com/dpc10ster/RJafroc, inst/extdata/RocData.imrmc); "
        "expected in the .imrmc format: 2 modalities, 5 readers, 69 healthy and 45 diseased cases, ratings from 1 to 5",
    ),
]

TABLE: dict[CovarianceMethod, tuple[float, ...]] = {
    "jackknife": (
        0.0008022883,
        0.0003466137,
        0.0003440748,
        0.0002390284,
        4.456318693,
        15.259674589,
        0.051665686,
        -0.087959499,
        0.000358854,
    ),
    "delong": (
        0.0007921325,
        0.0003420090,
        0.0003395265,
        0.0002358497,
        4.484854,
        15.06611,
        0.05123303,
        -0.08786720,
        0.00026655,
    ),
    "unbiased": (
        0.0007883925,
        0.0003416706,
        0.0003390650,
        0.0002356148,
        4.489614,
        15.03418,
        0.0511618,
        -0.08785194,
        0.00025130,
    ),
}


@pytest.fixture(scope="module")
def van_dyke() -> Readings:
    """Two treatments, five readers, 69 healthy and 45 diseased cases."""
    return read_study(FILE).readings


def printed(found: npt.ArrayLike, published: npt.ArrayLike, digits: npt.ArrayLike = 1e-8) -> None:
    """Compare to the last digit that was printed."""
    assert (np.abs(np.asarray(found) - np.asarray(published)) <= np.asarray(digits)).all(), (found, published)


def test_aucs_by_reader(van_dyke: Readings) -> None:
    published = [
        [0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907],
        [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517],
    ]
    printed(reader_aucs(van_dyke), published, 5e-8)
    printed(reader_aucs(van_dyke).mean(axis=1), (0.8970370370, 0.9408373591))


@pytest.mark.parametrize("method", TABLE)
def test_obuchowski_rockette(van_dyke: Readings, method: CovarianceMethod) -> None:
    found = obuchowski_rockette(reader_aucs(van_dyke), auc_covariance(van_dyke, method))
    parts, test, one = found.components, found.random.test, found.random.differences[0, 1]
    *covariances, f, df2, p, low, high = TABLE[method]
    printed((parts.error, parts.cov1, parts.cov2, parts.cov3), covariances, 1e-10)
    printed((test.p, one.low, one.high), (p, low, high))
    printed((test.statistic, test.df2), (f, df2), 1e-8 if method == "jackknife" else 5e-6)
    printed((parts.ms_modality, parts.ms_interaction, parts.ms_reader), (0.004796171, 0.0005510306, 0.0038362))


def test_single_modalities_fixed_readers_and_fixed_cases(van_dyke: Readings) -> None:
    found = obuchowski_rockette(reader_aucs(van_dyke), auc_covariance(van_dyke))
    first, second = found.random.means
    printed((first.error, first.low, first.high), (0.033173597, 0.825223598, 0.968850477))
    printed((second.error, second.low, second.high), (0.021566368, 0.894137831, 0.987536887))
    printed((first.degrees, second.degrees), (12.7446, 12.7102), 5e-5)
    printed((found.components.var_reader, found.components.var_interaction), (0.001534999, 0.000200403))
    printed(found.random.differences[0, 1].error, 0.020748618)
    fixed, one = found.fixed_readers, found.fixed_readers.differences[0, 1]
    printed((one.error, one.low, one.high, fixed.test.p), (0.01871748, -0.08048591, -0.00711473, 0.01927984))
    printed(fixed.test.statistic, 5.475953, 5e-7)
    cases, one = found.fixed_cases, found.fixed_cases.differences[0, 1]
    printed((one.error, one.low, one.high, cases.test.p), (0.01484629, -0.08502022, -0.00258042, 0.04195875))
    printed((cases.test.statistic, cases.test.df2), (8.704, 4), 5e-5)


def test_fixed_readers_by_delong(van_dyke: Readings) -> None:
    test = obuchowski_rockette(reader_aucs(van_dyke), auc_covariance(van_dyke, "delong")).fixed_readers.test
    printed((test.statistic, test.p), (5.545789, 0.0185252), (5e-7, 5e-8))


def test_nested_designs(van_dyke: Readings) -> None:
    cases = len(van_dyke.cases)
    for axis, (f, df2, p) in ((1, (8.704, 4, 0.04195875)), (0, (2.104491, 68.42325, 0.1514363))):
        copies = van_dyke.scores.shape[axis]
        scores = np.full((*van_dyke.scores.shape[:2], copies, cases), np.nan)
        for place in range(copies):
            where = (place, slice(None)) if axis == 0 else (slice(None), place)
            scores[(*where, place)] = van_dyke.scores[where]
        nested = replace(
            van_dyke,
            cases=tuple(map(str, range(copies * cases))),
            diseased=np.tile(van_dyke.diseased, copies),
            scores=scores.reshape(*van_dyke.scores.shape[:2], -1),
        )
        test = obuchowski_rockette(reader_aucs(nested), auc_covariance(nested)).random.test
        printed((test.statistic, test.df2, test.p), (f, df2, p), 5e-6)


def test_sensitivity(van_dyke: Readings) -> None:
    found = share_analysis(van_dyke, decisions(van_dyke, 2), "sensitivity").averaged
    assert found is not None
    printed([one.value for one in found.means], (0.8222, 0.92), 5e-5)
    printed((found.test.statistic, found.test.df2, found.test.p), (6.689493, 15.71732, 0.02008822), 5e-6)


def test_binormal_areas(van_dyke: Readings) -> None:
    """As MRMCaov prints them, to the last digit.

    Without one case reader 4 has with treatment 1 a likelihood that is highest for a horizontal line at 21/22; MRMCaov
    gives .9545811 for it, the area of an approximate deviate.
    """
    found = binormal_study(van_dyke, degenerate="approximate").analysis
    assert found is not None
    printed([one.value for one in found.random.means], (0.9109867, 0.9515536), 5e-8)
    test, one = found.random.test, found.random.differences[0, 1]
    printed((test.statistic, test.df2, test.p), (2.67666, 10.51789, 0.1313682), (5e-6, 5e-6, 5e-8))
    printed((one.low, one.high), (-0.09544867, 0.01431471), 5e-9)


def test_the_limit_of_a_degenerate_fit_changes_the_fourth_digit(van_dyke: Readings) -> None:
    """That of one of 1,140 areas without a case: 21/22 in place of .9545811."""
    found = binormal_study(van_dyke).analysis
    assert found is not None
    test, one = found.random.test, found.random.differences[0, 1]
    printed((test.statistic, test.df2, test.p), (2.67666, 10.51789, 0.1313682), (1e-3, 1e-2, 5e-5))
    printed((one.low, one.high), (-0.09544867, 0.01431471), 5e-6)
    assert test.statistic > 2.677


def test_binormal_areas_of_the_first_reader(van_dyke: Readings) -> None:
    study = binormal_study(van_dyke.of_readers(np.arange(5) == 0))
    first, second = study.curves.values()
    printed((first.auc.value, second.auc.value), (0.93316085, 0.9508185), (5e-9, 5e-8))
    printed((first.a, first.b, second.a, second.b), (1.70, 0.537, 1.85, 0.503), (5e-3, 5e-4, 5e-3, 5e-4))
    assert study.analysis is not None
    parts, one = study.analysis.components, study.analysis.fixed_readers.differences[0, 1]
    printed((parts.error, parts.cov1), (0.0008371427, 0.0004275632), 1e-9)
    printed((one.value, one.error, one.low, one.high), (-0.01765762, 0.02862095, -0.07375366, 0.03843841), 2e-8)


def test_u_statistics(van_dyke: Readings) -> None:
    moments = Moments(van_dyke)
    published = (
        (
            single_modality(moments, 0),
            (
                0.0010937044899,
                11.75730811,
                0.82424780928,
                0.969826264799,
                0.0011466240218,
                12.92260238,
                0.8232584316,
                0.97081564247,
            ),
        ),
        (
            single_modality(moments, 1),
            (
                0.0004618715914,
                11.52334623,
                0.89353555123,
                0.988139166967,
                0.0005417650461,
                15.85470159,
                0.89122606593,
                0.99044865227,
            ),
        ),
        (
            difference(moments, 0, 1),
            (
                0.0004273125167,
                12.81341101,
                -0.08883973603,
                0.001239091906,
                0.0006261327259,
                27.51099737,
                -0.09514254716,
                0.00754190304,
            ),
        ),
    )
    for found, numbers in published:
        own = [(one.variance, one.degrees, one.t.low, one.t.high) for one in (found.unbiased, found.biased)]
        printed(np.concatenate(own), numbers)
    unbiased, biased = (found := difference(moments, 0, 1)).unbiased, found.biased
    printed((unbiased.normal.p, unbiased.t.p), (0.03410137875, 0.05564666432))
    printed((biased.normal.p, biased.t.p), (0.08004459198, 0.09140173))
    printed((unbiased.normal.low, unbiased.normal.high), (-0.08431579363, -0.00328485049))


def test_u_statistics_of_single_readers(van_dyke: Readings) -> None:
    found = [Moments(van_dyke.of_readers(np.arange(5) == reader)) for reader in range(5)]
    variances = [[single_modality(one, place).unbiased.variance for one in found] for place in (0, 1)]
    published = [
        [0.0008926414577, 0.00130369536, 0.0007831468371, 0.0002957440454, 0.001711086044],
        [0.0004790449624, 0.0008745104529, 0.000870064109, 4.148936446e-07, 0.0006735769547],
    ]
    printed(variances, published, 1e-12)
    differences = [difference(one, 0, 1).unbiased.variance for one in found]
    printed(differences, (0.0006360618921, 0.0006790364045, 0.0009523679597, 0.0002942381146, 0.0019055151797), 1e-12)
