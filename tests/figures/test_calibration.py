import re
from xml.etree import ElementTree

import numpy as np
import pytest

from attnmel.evaluation.calibration.reliability import Bin
from attnmel.evaluation.statistics.proportions import wilson_interval
from attnmel.figures.calibration import probability_figure, reliability_figure
from attnmel.figures.svg import INK, SERIES

BINS = [
    Bin(20, hits, mean - 0.05, mean + 0.05, mean, wilson_interval(hits / 20, 20))
    for hits, mean in ((0, 0.1), (5, 0.4), (20, 0.8))
]


def figures() -> list[str]:
    return [
        reliability_figure([("before", BINS), ("after", BINS[:1])], positive="melanoma", name="a"),
        probability_figure([("before", [3, 0, 1]), ("after", [2, 1, 1])], positive="melanoma", name="b"),
    ]


def paths(svg: str, colour: str) -> list[np.ndarray]:
    """Points of each line of one colour, in the figure's units."""
    lines = (one for one in ElementTree.fromstring(svg).iter("path") if f"stroke: {colour}" in one.get("style", ""))
    return [np.array(re.findall(r"[ML] (\S+) (\S+)", line.get("d", "")), dtype=float) for line in lines]


@pytest.mark.parametrize("svg", figures())
def test_a_figure_is_drawn_in_the_ink_of_the_page_and_names_itself(svg: str) -> None:
    assert "currentColor" in svg
    assert "var(--series-2)" in svg
    assert not any(colour in svg for colour in (INK, *SERIES))
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()
    title = ElementTree.fromstring(svg).find("title")
    assert title is not None
    assert "melanoma: before; after" in (title.text or "")


def test_the_points_and_their_intervals_lie_where_the_bins_say() -> None:
    svg = reliability_figure([("one", BINS)], positive="melanoma", name="a")
    found = paths(svg, "var(--series-1)")
    curve = next(one for one in found if len(one) == 3)
    bars = [one for one in found if len(one) == 2 and np.ptp(one[:, 0]) == 0]
    # The first and the last bin fix the scale, the one between and the bars must follow.
    across = np.interp(curve[:, 0], curve[[0, 2], 0], [0.1, 0.8])
    assert across == pytest.approx([0.1, 0.4, 0.8], abs=1e-4)

    def share(height: np.ndarray) -> np.ndarray:
        return (curve[0, 1] - height) / (curve[0, 1] - curve[2, 1])

    assert share(curve[:, 1]) == pytest.approx([0, 0.25, 1], abs=1e-4)
    ends = [(one.observed.low, one.observed.high) for one in BINS]
    assert [sorted(share(bar[:, 1])) for bar in bars] == [pytest.approx(pair, abs=1e-4) for pair in ends]


def test_the_same_numbers_give_the_same_text() -> None:
    assert figures() == figures()
