"""Every strange table of ages and sexes gives its right answer."""

from pathlib import Path

import pytest
from tests.strangers.tables.make_people import TABLES, StrangeTable, make_people

from attnmel.data.tables.age_and_sex import read_age_and_sex


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    make_people(folder)
    return folder


@pytest.mark.parametrize("strange", TABLES, ids=lambda one: one.name)
def test_a_table_of_another_form_is_read_right(place: Path, strange: StrangeTable) -> None:
    assert read_age_and_sex(place / strange.name) == strange.answer
