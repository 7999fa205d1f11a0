"""Every kind of column that pandas users have is read as what it is, and a hole in one is an error."""

import pandas as pd
import pytest
from tests.strangers.tables.make_frames import FRAMES, HOLES, NAMED, RIGHT

from attnmel import statistics
from attnmel.errors import PredictionsError


@pytest.mark.parametrize("kind", FRAMES)
def test_the_auc_is_the_same_for_every_kind_of_column(kind: str) -> None:
    table = FRAMES[kind]()
    assert statistics.auc("truth", "score", data=table).value == pytest.approx(RIGHT)
    assert statistics.auc(table.truth, table.score).value == pytest.approx(RIGHT)


@pytest.mark.parametrize("kind", NAMED)
def test_the_positive_one_is_found_by_its_name(kind: str) -> None:
    positive = 2 if kind == "categories of integers" else "melanoma"
    assert statistics.auc("truth", "score", data=NAMED[kind](), positive=positive).value == pytest.approx(RIGHT)


@pytest.mark.parametrize("kind", HOLES)
def test_a_hole_is_named(kind: str) -> None:
    make, sentence = HOLES[kind]
    with pytest.raises(PredictionsError) as error:
        statistics.auc("truth", "score", data=make())
    assert str(error.value) == sentence


def test_groups_that_are_missing_are_groups_of_their_own() -> None:
    table = FRAMES["plain"]()
    for empty in (pd.array([pd.NA] * 6, dtype="string"), pd.Categorical([None] * 6), [float("nan")] * 6):
        assert statistics.auc("truth", "score", empty, data=table).groups == 6
