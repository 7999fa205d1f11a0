"""A planned study: the sizes that reach a power or a width are the smallest ones, and are said in plain sentences."""

import dataclasses
from functools import cache

import pytest

from attnmel.pipeline.study.analysis.power import MOST_READERS, Plan, power_rows, power_sentences
from attnmel.progress import SILENT

PLAN = Plan(readers=(5,), cases=(400,), prevalence=0.5, aucs=(0.85, 0.80), target_width=0.05)


@cache
def row(**other: object) -> dict[str, object]:
    return power_rows(dataclasses.replace(PLAN, **other), SILENT)[0].as_dict()  # pyright: ignore[reportArgumentType]


def expected(what: str, **other: object) -> float:
    return row(**other)["expected"][what]  # pyright: ignore[reportIndexIssue]


def test_the_numbers_that_are_needed_are_the_smallest_that_are_enough() -> None:
    found = row()
    readers, cases = int(str(found["readers_for_power"])), int(str(found["cases_for_power"]))
    assert expected("power", readers=(readers,)) >= 0.8 > expected("power", readers=(readers - 1,))
    assert expected("power", cases=(cases,)) >= 0.8 > expected("power", cases=(cases - 1,))
    readers, cases = int(str(found["readers_for_width"])), int(str(found["cases_for_width"]))
    assert expected("half_width", readers=(readers,)) <= 0.05 < expected("half_width", readers=(readers - 1,))
    assert expected("half_width", cases=(cases,)) <= 0.05 < expected("half_width", cases=(cases - 1,))


def test_more_cases_are_needed_where_no_number_of_readers_is_enough() -> None:
    assert expected("power", readers=(MOST_READERS,), cases=(60,)) < 0.8
    assert row(cases=(60,))["readers_for_power"] is None


def test_what_was_assumed_and_what_is_needed_is_said() -> None:
    found = row()
    sentences = list(power_sentences(PLAN, power_rows(PLAN, SILENT)))
    assert sentences == [
        "Assumed: an AUC of 0.85 of the first modality and 0.8 of the second, a difference of +0.05; readers of "
        "moderate variance. Intervals are for other readers and other cases.",
        "For a power of 0.8 of finding that difference are needed: with 400 cases "
        f"{found['readers_for_power']} readers; with 5 readers {found['cases_for_power']:,} cases.",
        f"For an interval of +-0.05 are needed: with 400 cases {found['readers_for_width']} readers; with 5 readers "
        f"{found['cases_for_width']} cases.",
    ]
    same = dataclasses.replace(PLAN, aucs=(0.8, 0.8), target_width=None)
    assert len(list(power_sentences(same, power_rows(same, SILENT)))) == 1, "no difference to find"
    machine = dataclasses.replace(same, machine=True, margin=0.1, cases=(60,))
    assert "showing it not worse by 0.1" in list(power_sentences(machine, power_rows(machine, SILENT)))[1]


@pytest.mark.parametrize("prevalence", [0.05, 0.9])
def test_rare_kinds_need_more_cases(prevalence: float) -> None:
    assert int(str(row(prevalence=prevalence)["cases_for_width"])) > int(str(row()["cases_for_width"]))
