import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.figures.differences import Bar, differences_figure

BARS = (
    Bar("AUC", Interval(0.03, 0.01, 0.05), True),
    Bar("balanced accuracy, seborrheic keratosis", Interval(-0.02, -0.06, 0.02), False),
)


def lines(svg: str) -> list[np.ndarray]:
    """Points of each interval, in the figure's units."""
    drawn = [
        np.array(re.findall(r"[ML] (\S+) (\S+)", one.get("d", "")), dtype=float)
        for one in ElementTree.fromstring(svg).iter("path")
        if "fill: none" in one.get("style", "") and "var(--series-1)" in one.get("style", "")
    ]
    return [points for points in drawn if len(points) == 2]


def test_intervals_lie_one_below_the_other_on_one_scale() -> None:
    upper, lower = lines(differences_figure(BARS, label="difference", name="a"))
    assert upper[0, 1] == upper[1, 1] < lower[0, 1] == lower[1, 1]
    assert np.ptp(lower[:, 0]) == pytest.approx(2 * np.ptp(upper[:, 0]), rel=1e-3)
    shift = upper[0, 0] - lower[0, 0]
    assert shift == pytest.approx(np.ptp(upper[:, 0]) * 0.07 / 0.04, rel=1e-3)


def test_only_a_shown_difference_is_filled() -> None:
    none = [Bar(bar.label, bar.interval, False) for bar in BARS]
    some, hollow = (differences_figure(bars, label="difference", name="a") for bars in (BARS, none))
    assert "fill: var(--series-1)" in some
    assert "fill: var(--series-1)" not in hollow


def test_the_figure_tells_its_numbers_in_the_ink_of_the_page() -> None:
    svg = differences_figure(BARS, label="difference", name="a")
    title = ElementTree.fromstring(svg).find("title")
    assert title is not None
    assert title.text is not None
    assert "AUC +0.030 (+0.010 to +0.050)" in title.text
    assert "currentColor" in svg
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()


def test_what_is_not_defined_leaves_its_row_empty() -> None:
    svg = differences_figure((*BARS, Bar("AP", Interval(math.nan, math.nan, math.nan), False)), label="d", name="a")
    assert len(lines(svg)) == 2
    assert "AP" in "".join(ElementTree.fromstring(svg).itertext())
