"""The tables of a study that a terminal shows, in their order."""

from collections.abc import Iterator, Mapping

from attnmel.evaluation.readers.study_results import StudyAnalysis
from attnmel.report.html.sections import Table
from attnmel.report.sections.readers import reader_tables as tables


def study_tables(found: StudyAnalysis, seconds: Mapping[str, Mapping[str, float]]) -> Iterator[Table]:
    """Yield each table that the readings allow."""
    yield tables.auc_table(found)
    if tables.every_difference(found):
        yield tables.reader_difference_table(found)
    yield tables.reader_table(found)
    yield from tables.binormal_tables(found)
    if tables.decided(found):
        yield tables.share_table(found)
    for name in found.changes:
        yield tables.change_table(name, found)
    yield from (table for table in (tables.agreement_table(found), tables.repeat_table(found)) if table is not None)
    if found.groups:
        yield tables.experience_table(found)
    if seconds:
        yield tables.time_table(seconds)
