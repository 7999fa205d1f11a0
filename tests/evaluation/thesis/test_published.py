import re
from pathlib import Path
from typing import get_args

import pytest

from attnmel.config.load import load_run_recipe, recipe_names
from attnmel.config.recipe import Prior, Recipe
from attnmel.config.settings.model import Network
from attnmel.evaluation.thesis.published import CLASSES_2018, FOOTNOTES, PUBLISHED, PublishedRow
from attnmel.evaluation.thesis.tables import TABLES

SLIDES = Path(__file__).parents[3] / "shared/slides.md"
TICKS = {
    "Lesion": "lesion",
    "Dermo": "dermo",
    "Interp": "interpretability",
    "Ensemble": "ensemble",
    "External": "external",
}


def shown(row: PublishedRow, column: str) -> str:
    """Write one value as the slides' tables do."""
    if column in TICKS:
        return "✓" if getattr(row, TICKS[column]) else "✗"
    recalls = row.recalls or {}
    value = {"AP": row.ap, "AUC": row.auc, "AVG": row.average_recall, **recalls}[column]
    return "–" if value is None else "1.0" if value == 1 else f"{value:.3f}"  # noqa: RUF001 - the slides' own dash


def tables() -> dict[str, list[list[str]]]:
    """Read the first table of each year out of the slides: header, then rows, without marks of emphasis."""
    found: dict[str, list[list[str]]] = {}
    parts = re.split(r"^# ", SLIDES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for part in parts:
        title = part.split("\n", 1)[0]
        lines = [re.sub(r"</?[ib]>|\*\*", "", line).split("\t") for line in part.splitlines() if line.count("\t") > 4]
        if title.startswith("Results on ISIC") and lines:
            found.setdefault(title.removeprefix("Results on ").lower(), lines)
    return found


@pytest.mark.real
@pytest.mark.skipif(not SLIDES.is_file(), reason="../shared/slides.md is not next to the project")
def test_every_row_of_the_slides_is_here_in_order() -> None:
    seen = []
    for dataset, (header, *rows) in tables().items():
        for cells in rows:
            name, *reference = re.split(r" (?=\[)", cells[1])
            row = PUBLISHED[f"{dataset}/{name}"]
            assert [shown(row, column) for column in header[2:]] == cells[2:], row.name
            assert [row.reference] == (reference or [""])
            seen.append(f"{dataset}/{name}")
    assert seen == list(PUBLISHED)


def test_the_main_row_is_the_best_of_its_table() -> None:
    row = PUBLISHED["isic2017/AttnMel-CNN-Lesion"]
    assert (row.ap, row.auc, row.overlap) == (0.672, 0.883, {"pool3": 0.5533, "pool4": 0.6560})
    rows = [other for other in PUBLISHED.values() if other.dataset == "isic2017"]
    assert max(rows, key=lambda other: other.auc or 0) is row
    assert (row.lesion, row.dermo, row.interpretability, row.ensemble, row.external) == (
        True,
        False,
        True,
        False,
        False,
    )


def test_each_table_has_its_rows_a_source_and_footnotes() -> None:
    counts = {dataset: sum(row.dataset == dataset for row in PUBLISHED.values()) for dataset in FOOTNOTES}
    assert counts == {"isic2016": 7, "isic2017": 12, "isic2018": 5}
    assert all(row.source and row.own == (not row.reference) for row in PUBLISHED.values())
    assert sum(row.own for row in PUBLISHED.values()) == 4 + 7 + 5


def test_the_average_of_2018_is_the_mean_of_its_recalls() -> None:
    for row in PUBLISHED.values():
        if row.recalls:
            assert tuple(row.recalls) == CLASSES_2018
            assert sum(row.recalls.values()) / 7 == pytest.approx(row.average_recall, abs=6e-4)


def test_own_rows_say_their_network_and_prior_in_the_words_of_a_recipe() -> None:
    for row in PUBLISHED.values():
        assert (row.network is not None) == (row.prior is not None) == row.own, row.name
        if row.own:
            assert row.network in get_args(Network)
            assert row.prior in get_args(Prior)
            spelt = row.name.lower().replace("vgg-16", "vgg16")
            assert spelt.startswith(str(row.network))
            assert (row.prior == "lesion") == row.name.startswith("AttnMel-CNN-Lesion")
            assert row.masks == ("predicted" if row.name.endswith("*") else "")
            assert (row.prior == "none") == (spelt == row.network)


def test_every_recipe_names_the_row_of_its_own_data_network_and_prior() -> None:
    named = set()
    for recipe in map(load_run_recipe, recipe_names()):
        if recipe.published is None:
            continue
        row = PUBLISHED[recipe.published]
        assert row.dataset == recipe.data.dataset
        if row.own:
            assert isinstance(recipe, Recipe)
            assert row.network == recipe.model.network
            assert (row.prior, row.masks, "none") == (recipe.loss.prior, recipe.loss.masks, recipe.loss.spoil)
            named.add(recipe.published)
        else:
            assert recipe.name in TABLES[row.dataset].rivals
            assert recipe.title.startswith("after ")
    assert named == {key for key, row in PUBLISHED.items() if row.own}
