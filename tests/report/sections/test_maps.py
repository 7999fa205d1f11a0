import math

import pytest

from attnmel.evaluation.maps.summary import MapMean, MapSummary
from attnmel.evaluation.maps.table import MapColumn
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.report.sections.maps import evaluation_section, summary_text

NONE = Interval(math.nan, math.nan, math.nan)
NO_MASK = "No image has a lesion mask, so the overlap with the lesion is not measured."


def summary(*means: MapMean) -> MapSummary:
    return MapSummary(
        licence="CC-0",
        name="run",
        split="test",
        epoch=1,
        methods=("cam", "gaussian"),
        images=9,
        masks=0,
        means=means,
        differences=(),
    )


@pytest.fixture
def overlap() -> list[MapMean]:
    return [MapMean(MapColumn(name, "jaccard", "lesion"), "all", 0, NONE) for name in ("cam", "gaussian")]


def test_without_a_mask_there_is_no_table_of_dashes_but_the_reason(overlap: list[MapMean]) -> None:
    section, text = evaluation_section(summary(*overlap)), summary_text(summary(*overlap))
    assert not section.tables
    assert "|" not in text
    for said in (str(section.prose), text):
        assert "None of these is measured." in said
        assert "Here each is measured" not in said
    assert section.notes[0].startswith(NO_MASK)
    assert f"* {NO_MASK}" in text


def test_without_a_mask_what_needs_none_is_shown(overlap: list[MapMean]) -> None:
    faithful = [MapMean(MapColumn(name, "deletion", ""), "all", 9, Interval(0.4, 0.3, 0.5)) for name in ("cam",)]
    section = evaluation_section(summary(*overlap, *faithful))
    assert [table.caption.split(":")[0] for table in section.tables] == ["Faithfulness"]
    assert "Here each is measured" in str(section.prose)
    assert section.notes[0].startswith(NO_MASK)
