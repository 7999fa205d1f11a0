"""A table to its files: Markdown, CSV, LaTeX, and a page."""

from collections.abc import Sequence

from attnmel.errors import AttnmelError
from attnmel.evaluation.thesis.reproduced import ReproducedTable
from attnmel.files.folders import write_text
from attnmel.files.table_files import write_table as write_csv
from attnmel.pipeline.report.report import run_sections
from attnmel.pipeline.reproduce.folder import TableFolder
from attnmel.pipeline.run.run import Run
from attnmel.progress import SILENT, Progress
from attnmel.report.html.page import write_report
from attnmel.report.html.table_texts import CSV_COLUMNS, csv_rows, latex, markdown
from attnmel.report.sections.thesis_table import table_sections


def write_reproduced_table(folder: TableFolder, table: ReproducedTable) -> None:
    """Write the table in every form; its page without the runs, which `write_table_page` adds."""
    licence = dict(table.facts).get("licence", "nothing is trained yet")
    write_csv(folder.table("csv"), CSV_COLUMNS, csv_rows(table), licence=licence)
    for form, text in {"md": markdown(table), "tex": latex(table)}.items():
        write_text(folder.table(form), text)
    write_report(folder.table("html"), (), leading=table_sections(table), title=table.title)


def write_table_page(
    folder: TableFolder, table: ReproducedTable, runs: Sequence[Run], progress: Progress = SILENT
) -> None:
    """Write the page with the report of the runs below the table.

    Where a run's images are gone, as when runs come from another machine, the page has the table alone and a note says
    why.
    """
    if not runs:
        return
    split = table.blocks[-1].split
    try:
        sections = run_sections(runs, split=split, page=folder.table("html"))
    except AttnmelError as error:
        progress.note(f"{folder.table('html')} shows the table alone: {error}")
        return
    write_report(folder.table("html"), sections, leading=table_sections(table), title=table.title)
