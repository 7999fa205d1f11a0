import math
import re
from xml.etree import ElementTree

import pytest

from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.evaluation.subgroups import Subgroup, Subgroups
from attnmel.figures.subgroups import subgroup_forest_figure

NOTHING = Interval(math.nan, math.nan, math.nan)


def group(attribute: str, name: str, auc: Interval, *, few: bool = False) -> Subgroup:
    return Subgroup(attribute, name, 1200, 40, auc, NOTHING, NOTHING, NOTHING, few)


FOUND = Subgroups(
    "melanoma",
    group("", "all images", Interval(0.8, 0.75, 0.85)),
    (
        group("sex", "female", Interval(0.7, 0.6, 0.8)),
        group("sex", "male", Interval(0.9, 0.8, 1.0), few=True),
        group("site", "back", NOTHING, few=True),
    ),
    {},
)


def drawn(svg: str) -> list[str]:
    return ["".join(one.itertext()).strip() for one in ElementTree.fromstring(svg).iter("text")]


def test_groups_stand_under_their_attribute_with_their_counts() -> None:
    words = drawn(subgroup_forest_figure(FOUND, "auc", label="AUC", name="a"))
    names = [word for word in words if word in {"all images", "sex", "female", "male", "site", "back"}]
    assert names == ["all images", "sex", "female", "male", "site", "back"]
    assert words.count("40 of 1,200") == 4


def test_a_line_is_as_long_as_the_interval_and_none_is_drawn_of_nothing() -> None:
    svg = subgroup_forest_figure(FOUND, "auc", label="AUC", name="a")
    lines = [
        re.findall(r"[ML] (\S+) (\S+)", one)
        for one in re.findall(r'd="([^"]*)" clip-path="[^"]*" style="fill: none; stroke: var\(--series-1\)', svg)
    ]
    widths = [float(line[1][0]) - float(line[0][0]) for line in lines if len(line) == 2]
    assert len(widths) == 3
    assert [width / widths[0] for width in widths] == pytest.approx([1, 2, 2], rel=1e-3)


def test_small_groups_are_hollow() -> None:
    svg = subgroup_forest_figure(FOUND, "auc", label="AUC", name="a")
    marks = re.findall(r'<use [^>]*style="([^"]*series-1[^"]*)"', svg)
    assert ["fill-opacity: 0" in mark for mark in marks] == [False, False, True]


def test_nothing_known_of_any_group_is_still_a_figure() -> None:
    assert "0 groups" in subgroup_forest_figure(
        Subgroups("melanoma", group("", "all images", NOTHING), (), {}), "auc", label="AUC", name="a"
    )
