"""The tables are those of the slides, and a changed one says so."""

import pytest

from attnmel.config.load import load_recipe
from attnmel.evaluation.thesis.published import PUBLISHED
from attnmel.evaluation.thesis.tables import TABLES, TablePlan, table_title


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_published_row_of_the_thesis_is_a_row_in_the_order_of_the_slides(table: TablePlan) -> None:
    ours = [load_recipe(row).published for row in table.rows]
    slides = [key for key, row in PUBLISHED.items() if row.own and row.dataset == table.name]
    assert [key for key in ours if key] == slides


def test_a_shrunken_table_says_so_in_its_title() -> None:
    plan = TABLES["isic2017"]
    assert table_title(plan, {"training.device": "cpu"}) == "ISIC 2017"
    assert table_title(plan, {"data.size": "64", "training.epochs": "8", "data.limit": "500"}) == (
        "ISIC 2017, shrunken: 64 pixels, 8 epochs, 500 training images; these figures say nothing of the published ones"
    )
    assert table_title(plan, {"model.trunk": '"mobilenet_v2"'}) == (
        "ISIC 2017, changed: trunk mobilenet_v2; the published figures are of the unchanged recipes"
    )
    assert "light.safetensors start; " in table_title(plan, {"model.weights": "/data/light.safetensors"})
    assert "changed: data.dataset clinic, data.fold 2/5; " in table_title(
        plan, {"data.dataset": "/data/clinic/", "data.fold": '"2/5"'}
    )
    assert table_title(plan, {"training.threads": "2", "training.log": '"mlflow"'}) == "ISIC 2017"
    assert ", shrunken: 1 epoch;" in table_title(plan, {"training.epochs": "1"})
