"""The real metadata of HAM10000: ages of 0 are ages, and two lesions have two sites."""

from collections import defaultdict
from pathlib import Path

import pytest

from attnmel.data.tables.metadata import HAM10000
from attnmel.files.table_files import read_table

TABLE = Path(__file__).parents[4] / "shared" / "data" / "tables" / "HAM10000_metadata.csv"

pytestmark = [pytest.mark.real, pytest.mark.skipif(not TABLE.is_file(), reason="no real tables beside the project")]


def test_its_ages_of_0_and_lesions_of_two_sites_are_read_as_they_are_written() -> None:
    known = HAM10000.read(TABLE)
    assert len(known) == 10_015
    assert sum(one.get("age") == "0" for one in known.values()) == 39
    assert sum("age" not in one for one in known.values()) == 57
    sites = defaultdict(set)
    for row in read_table(TABLE):
        sites[row["lesion_id"]].add(known[row["image_id"]].get("site"))
    assert {lesion: some for lesion, some in sites.items() if len(some) > 1} == {
        "HAM_0000871": {"trunk", "chest"},
        "HAM_0001726": {"trunk", "back"},
    }
