import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.factories import two_class_predictions

from attnmel.evaluation.classification.curves import roc_curve
from attnmel.evaluation.classification.operating_points import operating_points
from attnmel.figures.operating import operating_figure
from attnmel.figures.svg import INK, SERIES
from attnmel.records import Predictions


def predicted(side: str) -> Predictions:
    labels = np.repeat([1, 0], [20, 40])
    share = 1 / (1 + np.exp(1 - np.random.default_rng(len(side)).normal(size=60) - 1.6 * labels))
    return two_class_predictions(labels, share, prefix=f"{side}-")


TEST = predicted("test")
KNOWN = operating_points(TEST, "melanoma", validation=predicted("validation"), resamples=50)
ALONE = operating_points(TEST, "melanoma", resamples=50)


def bars(svg: str, series: int) -> np.ndarray:
    """Ends of every straight line of one series, in the figure's units."""
    lines = [
        re.findall(r"[ML] (\S+) (\S+)", one.get("d", ""))
        for one in ElementTree.fromstring(svg).iter("path")
        if f"stroke: var(--series-{series})" in one.get("style", "")
    ]
    return np.array([line for line in lines if len(line) == 2], dtype=float)


@pytest.mark.parametrize("operating", [KNOWN, ALONE])
def test_the_figure_is_in_the_ink_of_the_page_and_names_every_aim(operating: object) -> None:
    svg = operating_figure(roc_curve(TEST, "melanoma"), operating, name="a")  # pyright: ignore[reportArgumentType]
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()
    assert not any(colour in svg for colour in (INK, *SERIES))
    assert ("aimed at 0.89" in svg) == (operating is KNOWN)
    assert "threshold 0.5" in svg


def test_bars_are_as_long_as_the_intervals() -> None:
    svg = operating_figure(roc_curve(TEST, "melanoma"), KNOWN, name="a")
    lengths = [np.abs(np.diff(bars(svg, series), axis=1))[:, 0] for series in (2, 3)]
    # The first two bars of a series are its point's on the axes; the legend's follow.
    for rate, axis in (("sensitivity", 1), ("specificity", 0)):
        widths = [getattr(point.reached, rate) for point in KNOWN.points[:2]]
        expected = (widths[0].high - widths[0].low) / (widths[1].high - widths[1].low)
        drawn = [max(one[:2, axis]) for one in lengths]
        assert drawn[0] / drawn[1] == pytest.approx(expected, rel=1e-3)
        assert not math.isnan(expected)
