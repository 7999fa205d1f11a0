"""Official tables of labels: the ids of their rows, and every problem as a finding. No torch."""

from pathlib import Path

from attnmel.data.archives.catalog import Archive
from attnmel.data.tables.labels import LABEL_SCHEMAS
from attnmel.data.tables.schema import check_table
from attnmel.data.verify.findings import Finding

KINDS = {"row": "label value", "doubled": "id doubled"}
"""Kind of the finding by the kind of the problem."""


def labelled_ids(table: Path, archive: Archive) -> tuple[tuple[str, ...], list[Finding]]:
    """Return the image ids of a table of labels and what is wrong with it; no ids where its header or text is wrong."""
    checked = check_table(table, LABEL_SCHEMAS[archive.year])
    unusable = [problem.sentence() for problem in checked.problems if problem.kind == "file"]
    if unusable:
        return (), [Finding("table unusable", "", table.name, "; ".join(unusable))]
    return checked.ids, [
        Finding(KINDS[problem.kind], problem.image_id, table.name, problem.sentence()) for problem in checked.problems
    ]
