"""The order of cases and machines: the same for the same seed and reader, balanced, and repeats far apart."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from tests.pipeline.study.small_study import READERS, small_study

from attnmel.pipeline.study.reading_order import reading_order
from attnmel.pipeline.study.study_file import ALONE, SUPPORT, Study

NAMES = [one.partition("=")[0] for one in READERS]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return small_study(tmp_path_factory.mktemp("order"), cases=30, count=10, wrong=True, repeats=3, training=2)[1]


def test_each_reader_has_an_own_order_that_never_changes(study: Study) -> None:
    orders = [[item.case.case for item in reading_order(study, name)] for name in NAMES]
    assert orders == [[item.case.case for item in reading_order(study, name)] for name in NAMES]
    for one, other in pairwise(orders):
        assert one != other
    other_seed = study.model_copy(update={"seed": 9})
    assert [item.case.case for item in reading_order(other_seed, "ana")] != orders[0]


def test_no_update_changes_the_order_of_readers_who_paused(study: Study) -> None:
    found = " ".join(item.case.case[-2:] for item in reading_order(study, "ana"))
    assert found == "13 00 21 26 02 19 22 23 16 20 03 05 06 18 01 09 27 29 08 15 28 26 10 21 02"


def test_every_case_is_read_once_and_some_again_far_apart(study: Study) -> None:
    for name in NAMES:
        items = reading_order(study, name)
        assert [item.position for item in items] == list(range(1, 26))
        assert [item.case.training for item in items[:3]] == [True, True, False]
        read = [item.case.case for item in items if not item.case.training]
        assert sorted(Counter(read).values()) == [1] * 17 + [2] * 3
        for again in (item for item in items if item.repeat):
            assert again.stages == (ALONE,), "after support was shown, an answer alone means something else"
            assert again.position - (read.index(again.case.case) + 3) >= 7


def test_machines_are_balanced_over_classes_and_readers(study: Study) -> None:
    counts: Counter[tuple[str | None, bool]] = Counter()
    for name in NAMES:
        own = Counter(
            (item.machine, item.case.diseased)
            for item in reading_order(study, name)
            if SUPPORT in item.stages and not item.case.training
        )
        assert set(own.values()) == {5}
        counts += own
    assert len(counts) == 4
    by_reader = [
        {item.case.case: item.machine for item in reading_order(study, name) if SUPPORT in item.stages}
        for name in NAMES
    ]
    assert by_reader[0] != by_reader[1]


def test_a_crossed_study_balances_the_order_of_its_sessions(tmp_path: Path) -> None:
    study = small_study(tmp_path, design="crossed", repeats=0, training=0)[1]
    first = [reading_order(study, name)[0].stages[0] for name in NAMES]
    assert first == [ALONE, SUPPORT, ALONE]
    for name in NAMES:
        items = reading_order(study, name)
        assert [item.session for item in items] == [1] * 8 + [2] * 8
        for stage in (ALONE, SUPPORT):
            assert len({item.case.case for item in items if item.stages == (stage,)}) == 8


def test_readers_alone_see_no_machine(tmp_path: Path) -> None:
    study = small_study(tmp_path, design="alone")[1]
    assert {(item.stages, item.machine) for name in NAMES for item in reading_order(study, name)} == {((ALONE,), None)}
