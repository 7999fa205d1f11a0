import math
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from attnmel.evaluation.classification.curves import PrecisionRecallCurve, RocCurve
from attnmel.figures.curves import learning_figure, precision_recall_figure, roc_figure
from attnmel.figures.svg import INK, SERIES

ROC = RocCurve(np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.6, 0.9, 1.0]), 0.825)
PRECISION_RECALL = PrecisionRecallCurve(np.array([0.0, 0.5, 1.0]), np.array([1.0, 1.0, 0.4]), 0.7, 0.4)


def figures() -> list[str]:
    learned = {"focal": [0.3, 0.2, 0.1], "Dice": [math.nan, math.nan, math.nan]}
    return [
        roc_figure([("first", ROC), ("second", ROC)], name="a", operating_point=(0.2, 0.7)),
        precision_recall_figure([("first", PRECISION_RECALL)], name="b"),
        learning_figure((1, 2, 3), learned, chosen=2, label="loss", name="c"),
        learning_figure((1,), {"AUC": [0.5]}, chosen=None, label="AUC", name="d"),
    ]


@pytest.fixture(scope="module")
def all_of_them() -> list[str]:
    return figures()


@pytest.fixture(params=range(4))
def svg(request: pytest.FixtureRequest, all_of_them: list[str]) -> str:
    return all_of_them[request.param]


def drawn(svg: str, series: int) -> np.ndarray:
    """Points of the first line of one series, in the figure's units."""
    line = next(
        one
        for one in ElementTree.fromstring(svg).iter("path")
        if f"stroke: var(--series-{series})" in one.get("style", "")
    )
    return np.array(re.findall(r"[ML] (\S+) (\S+)", line.get("d", "")), dtype=float)


def test_a_figure_is_drawn_in_the_ink_of_the_page(svg: str) -> None:
    assert "currentColor" in svg
    assert "var(--series-1)" in svg
    assert not any(colour in svg for colour in (INK, *SERIES))
    assert "font-family" not in svg
    # Nothing else has a colour: no white paper, no black tick.
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()


def test_a_figure_asks_nobody_and_styles_nothing_else(svg: str) -> None:
    assert not re.search(r"https?:|<style|<script|<metadata|<!|<\?", svg)


def test_a_figure_names_itself_for_those_who_do_not_see_it(svg: str) -> None:
    tree = ElementTree.fromstring(svg)
    title = tree.find("title")
    assert tree.get("role") == "img"
    assert title is not None
    assert title.text
    assert tree.get("aria-labelledby") == title.get("id")


def test_names_of_several_figures_do_not_meet() -> None:
    page = "".join(figures())
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)) <= {
        pair for name in names for pair in ((name, ""), ("", name))
    }


def test_a_curve_lies_where_its_numbers_say() -> None:
    points = drawn(roc_figure([("one", ROC)], name="a"), 1)
    width, height = np.ptp(points, axis=0)
    assert width == pytest.approx(height, rel=1e-3), "both axes have one scale"
    placed = (points - [points[0, 0], points[0, 1]]) / [width, -height]
    expected = np.stack([ROC.false_positive_rate, ROC.true_positive_rate], axis=1)
    assert placed == pytest.approx(expected, abs=1e-4)


def test_precision_holds_between_the_recall_before_and_its_own() -> None:
    points = drawn(precision_recall_figure([("one", PRECISION_RECALL)], name="a"), 1)
    recall = (points[:, 0] - points[0, 0]) / np.ptp(points[:, 0])
    precision = 1 - (points[:, 1] - points[0, 1]) / np.ptp(points[:, 1]) * 0.6
    # Falls to 0.4 at once after recall 0.5: the area under the steps is 0.5 * 1 + 0.5 * 0.4, the average precision.
    assert np.trapezoid(precision, recall) == pytest.approx(PRECISION_RECALL.average_precision, abs=1e-4)


def test_a_name_is_text_whatever_stands_in_it() -> None:
    svg = roc_figure([('<b> & "$x_$', ROC)], name="a")
    assert '<b> & "$x_$' in "".join(ElementTree.fromstring(svg).itertext())


def test_the_same_numbers_give_the_same_text() -> None:
    assert figures() == figures()


def test_drawing_leaves_no_setting_behind() -> None:
    before = dict(matplotlib.rcParams)
    figures()
    assert dict(matplotlib.rcParams) == before


def test_twenty_five_series_differ() -> None:
    svg = roc_figure([(f"run {number}", ROC) for number in range(25)], name="a")
    styles = re.findall(r'clip-path="[^"]+" style="([^"]*var\(--series[^"]*)"', svg)
    assert len(styles) == 25
    assert len(set(styles)) == 25
