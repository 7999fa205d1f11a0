"""The official measures of a challenge to a section of the page: words and rounding only."""

from attnmel.evaluation.challenge.score import ChallengeReport
from attnmel.number_formats import stacked
from attnmel.report.html.sections import Section, Table
from attnmel.report.html.tables import MEASURE_WORDS, spaced, task_words

AT = "specificity_at_sensitivity_"


def official_section(judged: ChallengeReport) -> Section:
    """Return the measures as the challenge took them, a row a measure, a column a task."""
    tasks = tuple(dict.fromkeys(row.task for row in judged.rows))
    measures = tuple(dict.fromkeys(row.measure for row in judged.rows))
    cells = {(row.task, row.measure): stacked(row.interval) for row in judged.rows}
    task, measure = judged.ranked_by
    left_out = f" {', '.join(judged.left_out)} does not count." if judged.left_out else ""
    return Section(
        name="official",
        title=f"Official measures: {judged.title}",
        tables=(
            Table(
                f"Official measures with 95 % intervals, {judged.images:,} images.",
                ("Measure", *(task_words(name) for name in tasks)),
                tuple((_words(name), *(cells.get((one, name), "") for one in tasks)) for name in measures),
            ),
        ),
        notes=(
            f"The same figures, by the same rules, as attnmel score gives of the submission file.{left_out} The "
            f"challenge ranked by {_words(measure)} ({task_words(task).lower()}).",
            *judged.notes,
        ),
    )


def _words(measure: str) -> str:
    if measure.startswith(AT):
        return f"Specificity at sensitivity 0.{measure.removeprefix(AT)}"
    known = {"auc_above_sensitivity_80": "AUC above sensitivity 0.80", "f1": "F1", "ppv": "PPV", "npv": "NPV"}
    return known.get(measure) or MEASURE_WORDS.get(measure, (spaced(measure).capitalize(), ""))[0]
