import re
from xml.etree import ElementTree

import numpy as np
import pytest

from attnmel.evaluation.classification.decision_curve import DecisionCurve
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.figures.decision import decision_figure

THRESHOLDS = (0.1, 0.2, 0.4, 0.8)
NETS = (0.25, 0.2, 0.15, -0.02)
CURVE = DecisionCurve(
    "melanoma",
    THRESHOLDS,
    tuple(Interval(net, net - 0.05, net + 0.03) for net in NETS),
    (0.22, 0.125, -0.17, -2.5),
    0.3,
    80,
    20,
)


def points(svg: str, series: int) -> np.ndarray:
    line = next(
        one
        for one in ElementTree.fromstring(svg).iter("path")
        if f"stroke: var(--series-{series})" in one.get("style", "")
    )
    return np.array(re.findall(r"[ML] (\S+) (\S+)", line.get("d", "")), dtype=float)


def test_the_curve_lies_where_its_numbers_say() -> None:
    drawn = points(decision_figure(CURVE, name="a"), 1)
    placed = (drawn - drawn[0]) / (drawn[-1] - drawn[0])
    expected = np.stack([np.array(THRESHOLDS), np.array(NETS)], axis=1)
    expected = (expected - expected[0]) / (expected[-1] - expected[0])
    assert placed == pytest.approx(expected, abs=1e-4)


def test_the_figure_is_in_the_ink_of_the_page_and_names_all_three() -> None:
    svg = decision_figure(CURVE, name="a")
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()
    for words in ("acting above the threshold", "acting on all", "acting on none", "Net benefit of melanoma"):
        assert words in svg


def test_a_loss_beyond_measure_does_not_squeeze_the_curve() -> None:
    drawn = points(decision_figure(CURVE, name="a"), 1)
    height = float(decision_figure(CURVE, name="a").split('viewBox="')[1].split('"')[0].split()[3])
    assert np.ptp(drawn[:, 1]) > height / 3, "acting on all loses 2.5 an image at the end"
