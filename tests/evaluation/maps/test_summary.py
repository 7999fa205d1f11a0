import dataclasses

import numpy as np
import pytest

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.summary import map_differences, map_means
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig

FEW = ResamplingConfig(resamples=400, permutations=500)
CAM, POOL4, OTHER = (MapColumn(name, "jaccard", "lesion") for name in ("cam", "attention-pool4", "other"))


def table(images: int = 60, lesions: int = 40) -> MapTable:
    generator = np.random.default_rng(0)
    groups = tuple(f"lesion {number % lesions}" for number in range(images))
    cam = generator.random(images)
    cam[::7] = np.nan
    better = cam + 0.2 + generator.normal(0, 0.1, images)
    labels = tuple("melanoma" if number % 3 == 0 else "rest" for number in range(images))
    called = tuple("melanoma" if number % 2 == 0 else "rest" for number in range(images))
    values = {CAM: cam, POOL4: better, OTHER: generator.permutation(generator.random(images))}
    return MapTable(tuple(map(str, range(images))), groups, labels, called, values)


def with_column(measured: MapTable, column: MapColumn, values: np.ndarray) -> MapTable:
    return dataclasses.replace(measured, values={**measured.values, column: values})


def plain_bootstrap(values: np.ndarray, groups: np.ndarray, resamples: int) -> np.ndarray:
    """Draw lesions one by one, and average all their images."""
    generator = np.random.default_rng(1)
    values, groups = values[~np.isnan(values)], groups[~np.isnan(values)]
    of_group = [values[groups == group] for group in np.unique(groups)]
    means = []
    for _ in range(resamples):
        drawn = generator.integers(len(of_group), size=len(of_group))
        means.append(np.concatenate([of_group[place] for place in drawn]).mean())
    return np.quantile(means, [0.025, 0.975])


def test_means_are_of_each_part_with_the_interval_of_a_plain_bootstrap_by_lesion() -> None:
    measured = table()
    found = map_means(measured, [CAM], ResamplingConfig(resamples=4000))
    assert [one.part for one in found] == ["all", "label melanoma", "label rest", "hit", "miss"]
    for one in found:
        members = measured.parts()[one.part]
        values = np.where(members, measured.values[CAM], np.nan)
        assert one.images == (~np.isnan(values)).sum()
        assert one.interval.value == pytest.approx(np.nanmean(values))
        expected = plain_bootstrap(values, np.array(measured.groups), 4000)
        width = expected[1] - expected[0]
        assert one.interval[1:] == pytest.approx(expected, abs=0.08 * width)


def test_a_part_without_a_figure_has_a_mean_of_nothing() -> None:
    measured = MapTable(("a",), ("a",), ("rest",), ("rest",), {CAM: np.array([np.nan])})
    assert all(one.images == 0 and np.isnan(one.interval.value) for one in map_means(measured, resampling=FEW))


def test_one_image_has_a_mean_but_no_interval() -> None:
    measured = MapTable(("a",), ("a",), ("rest",), ("rest",), {CAM: np.array([0.25])})
    value, low, high = map_means(measured, resampling=FEW)[0].interval
    assert value == 0.25
    assert np.isnan([low, high]).all()


def test_a_difference_is_paired_has_the_interval_of_its_gains_and_a_corrected_p() -> None:
    measured = table()
    shown, hidden = map_differences(measured, [(CAM, POOL4), (CAM, OTHER)], resampling=FEW)
    gains = measured.values[POOL4] - measured.values[CAM]
    assert shown.images == (~np.isnan(gains)).sum()
    assert shown.interval.value == pytest.approx(np.nanmean(gains))
    expected = plain_bootstrap(gains, np.array(measured.groups), 4000)
    assert shown.interval[1:] == pytest.approx(expected, abs=0.15 * (expected[1] - expected[0]))
    assert shown.p == pytest.approx(1 / 501)
    assert shown.corrected == pytest.approx(2 / 501)
    assert shown.shown
    assert not hidden.shown
    assert shown.sentence.startswith("jaccard lesion of attention-pool4 higher than of cam (+0.2")
    assert hidden.sentence.startswith("no difference shown between other and cam in jaccard lesion (")


def test_images_that_all_have_one_figure_have_a_mean_without_an_interval_but_a_difference_with_p() -> None:
    """As where one map points at each lesion and another one at none."""
    names = tuple(map(str, range(12)))
    hit, miss = MapColumn("cam", "pointing", "lesion"), MapColumn("other", "pointing", "lesion")
    measured = MapTable(names, names, ("rest",) * 12, ("rest",) * 12, {hit: np.ones(12), miss: np.zeros(12)})
    assert [one.interval.value for one in map_means(measured, [hit, miss], FEW)] == [1, 1, 1, 0, 0, 0]
    assert np.isnan([one.interval[1:] for one in map_means(measured, [hit, miss], FEW)]).all()
    (found,) = map_differences(measured, [(miss, hit)], resampling=FEW)
    assert found.interval == (1, 1, 1)
    assert found.shown


def test_a_difference_of_one_lesion_says_that_its_uncertainty_is_not_known() -> None:
    one = MapTable(("a", "b"), ("l", "l"), ("", ""), ("", ""), {CAM: np.array([0.2, 0.3]), POOL4: np.array([0.4, 0.6])})
    (found,) = map_differences(one, [(CAM, POOL4)], resampling=FEW)
    assert found.sentence.endswith("in jaccard lesion (+0.250, its uncertainty is not known, 2 images)")


def test_a_map_does_not_differ_from_itself() -> None:
    (same,) = map_differences(table(), [(CAM, CAM)], resampling=FEW)
    assert (same.interval, same.p) == ((0, 0, 0), 1)


def test_a_difference_is_of_one_part_where_asked() -> None:
    measured = table()
    (found,) = map_differences(measured, [(CAM, POOL4)], "miss", FEW)
    members = measured.parts()["miss"]
    assert found.images == (~np.isnan(measured.values[CAM][members])).sum()


def test_what_cannot_be_compared_is_refused() -> None:
    measured = with_column(table(), MapColumn("cam", "ap", "lesion"), np.zeros(60))
    with pytest.raises(PredictionsError, match="are not of one measure and target"):
        map_differences(measured, [(CAM, MapColumn("cam", "ap", "lesion"))])
    with pytest.raises(PredictionsError, match="no images in part 'some'; known: all, label melanoma"):
        map_differences(measured, [(CAM, POOL4)], "some")
    empty = with_column(measured, OTHER, np.full(60, np.nan))
    with pytest.raises(PredictionsError, match="no image has both"):
        map_differences(empty, [(CAM, OTHER)])
