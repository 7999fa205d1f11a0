import re
from xml.etree import ElementTree

import numpy as np
import pytest

from attnmel.evaluation.classification.confusion_matrix import Confusion, confusion
from attnmel.figures.confusion import DARKEST, confusion_figure
from attnmel.records import Predictions


def matrix(classes: int) -> Confusion:
    chance = np.random.default_rng(classes)
    labels = np.arange(50) % (classes - 1) if classes > 2 else np.arange(50) % 2
    shares = chance.dirichlet(np.ones(classes), 50)
    names = tuple(map(str, range(50)))
    return confusion(Predictions(names, tuple("abcdefg"[:classes]), shares, labels, names), "b")


def texts(svg: str) -> list[str]:
    return ["".join(one.itertext()).strip() for one in ElementTree.fromstring(svg).iter("text")]


@pytest.mark.parametrize("classes", [2, 7])
def test_every_cell_shows_its_share_and_its_count(classes: int) -> None:
    found = matrix(classes)
    shown = texts(confusion_figure(found, name="a"))
    for counts in found.counts:
        for count in counts if sum(counts) else ():
            assert f"{100 * count / sum(counts):.0f} %" in shown
    assert sum(int(one) for one in shown if one.isdigit()) == 50
    assert shown.count("a") == 2, "once down, once across"


def test_a_square_is_as_dark_as_its_share_and_never_hides_its_number() -> None:
    found = matrix(2)
    svg = confusion_figure(found, name="a")
    shades = [float(one) for one in re.findall(r"fill: var\(--series-1\); opacity: ([\d.]+)", svg)]
    expected = [DARKEST * count / sum(counts) for counts in found.counts for count in counts]
    assert shades == pytest.approx(expected, abs=1e-3)
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()


def test_a_class_without_images_shows_no_number() -> None:
    found = matrix(7)
    assert found.by_class[6].images == 0
    assert len([one for one in texts(confusion_figure(found, name="a")) if "%" in one]) == 6 * 7
