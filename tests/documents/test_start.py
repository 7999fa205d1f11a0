"""What the pages show of the pretrained network is what it gives now: figures, maps, and the notebook's table."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

import attnmel
from attnmel.files.folders import RunFolder
from attnmel.pretrained.catalogue import find_model
from attnmel.pretrained.examples import FOLDER
from attnmel.records import Predictions

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = "ISIC_0012395"


@pytest.fixture(scope="module")
def melanoma() -> dict[str, float]:
    """Return the probability of each example image."""
    predictor = attnmel.Predictor("pretrained")
    return {path.stem: predictor.predict(path).probabilities["melanoma"] for path in sorted(FOLDER.glob("*.jpg"))}


def test_the_figures_of_the_first_page_are_the_cards(melanoma: dict[str, float]) -> None:
    page = " ".join((DOCS / "start.md").read_text(encoding="utf-8").split())
    shown = re.search(r"probability of melanoma, here ([\d.]+)", page)
    assert shown
    assert float(shown[1]) == pytest.approx(melanoma[EXAMPLE], abs=0.006)
    found = re.search(r"sensitivity of ([\d.]+) found ([\d.]+) % \(([\d.]+) to ([\d.]+)\).* right on ([\d.]+) %", page)
    assert found
    model = find_model("pretrained")
    assert model
    point = next(one for one in model.card.operating if one.target == float(found[1]))
    reached = (point.sensitivity.value, point.sensitivity.low, point.sensitivity.high, point.specificity.value)
    assert [float(one) / 100 for one in found.groups()[1:]] == pytest.approx(reached, abs=0.0006)


def test_what_dermatologists_are_told_of_the_test_images_is_so() -> None:
    page = " ".join((DOCS / "how-to" / "dermatologists.md").read_text(encoding="utf-8").split())
    model = find_model("pretrained")
    assert model
    found = Predictions.read(RunFolder(model.folder).predictions("test"))
    probability, is_melanoma = found.probability("melanoma"), found.is_class("melanoma")
    within = (probability >= 0.25) & (probability < 0.4)
    some, melanomas = int(within.sum()), int(is_melanoma[within].sum())
    low, high = binomtest(melanomas, some).proportion_ci(method="wilson")
    share = f"{100 * melanomas / some:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f}"
    assert (
        f"{100 * probability.mean():.0f} % on average, while {100 * is_melanoma.mean():.1f} % were melanomas, and of "
        f"the {some} images with 25 to 40 %, {melanomas} were ({share})"
    ) in page
    point = next(one for one in model.card.operating if one.target == 0.89)
    missed = int((is_melanoma & (probability <= point.threshold)).sum())
    assert f"missed {missed} of the {is_melanoma.sum()} in the test images" in page


def test_the_notebook_has_the_probabilities_of_today(melanoma: dict[str, float]) -> None:
    text = (DOCS / "notebooks" / "own-folder.ipynb").read_text(encoding="utf-8")
    shown = {name: float(value) for name, value in re.findall(r"(ISIC_\d+)\.jpg +\w+ +melanoma ([\d.]+)", text)}
    assert shown == pytest.approx(melanoma, abs=0.006)


def test_the_maps_of_the_first_page_are_those_of_today(tmp_path: Path) -> None:
    attnmel.predict("pretrained", [f"example:{EXAMPLE}"], maps=tmp_path)
    for stage in ("pool3", "pool4"):
        shown = Image.open(DOCS / "pictures" / f"example-{stage}.jpg").convert("RGB")
        drawn = Image.open(tmp_path / f"{EXAMPLE}-{stage}.png").convert("RGB")
        assert shown.size == drawn.size
        # JPEG moves each value by one or two grey levels in the mean; the maps of another network by 30.
        assert np.abs(np.asarray(shown, dtype=float) - np.asarray(drawn)).mean() < 4
