import numpy as np
import pytest

from attnmel.evaluation.comparison.align import RecipeRuns, RunPredictions
from attnmel.evaluation.comparison.recipes import Comparison, compare_recipes
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.records import Predictions
from attnmel.report.sections.comparison import comparison_section, difference_table, sentences, summary_table

LABELS = (np.arange(90) < 30).astype(np.int64)
NAMES = tuple(f"i{n}" for n in range(90))


def entrant(name: str, apart: float, seeds: int) -> RecipeRuns:
    runs = []
    for seed in range(seeds):
        noise = np.random.default_rng([len(name), seed]).normal(size=90)
        score = 1 / (1 + np.exp(-(LABELS * apart - apart / 2 + noise)))
        held = Predictions(NAMES, ("rest", "melanoma"), np.stack([1 - score, score], axis=1), LABELS, NAMES)
        runs.append(RunPredictions(f"{name}{seed}", held))
    return RecipeRuns(name, tuple(runs))


def comparison(*entrants: RecipeRuns) -> Comparison:
    return compare_recipes(entrants, resampling=ResamplingConfig(resamples=100, permutations=100))


@pytest.fixture(scope="module")
def single() -> Comparison:
    return comparison(entrant("plain", 0.5, 1), entrant("lesion", 4.0, 1))


def test_rows_are_as_long_as_the_heads_and_hold_what_was_found(single: Comparison) -> None:
    table = difference_table(single, "plain", "lesion")
    assert all(len(row) == len(table.heads) for row in table.rows)
    auc = single.differences[0]
    assert table.rows[0][:4] == (
        "AUC, melanoma",
        f"{auc.first_value:.3f}",
        f"{auc.second_value:.3f}",
        f"{auc.value:+.3f}",
    )
    assert table.rows[0][table.heads.index("detectable")] == f"{auc.detectable:.3f}"
    assert table.rows[1][-1] == "bootstrap and permutation"
    assert summary_table(single) is None


def test_no_difference_above_1_is_called_detectable() -> None:
    seeds = comparison(entrant("plain", 0.5, 2), entrant("lesion", 4.0, 1))
    assert seeds.differences[0].detectable > 1
    table = difference_table(seeds, "plain", "lesion")
    assert table.rows[0][table.heads.index("detectable")] == "over 1"


def test_images_right_alone_are_no_column_where_seeds_are_compared(single: Comparison) -> None:
    assert "alone right" in difference_table(single, "plain", "lesion").heads
    seeds = comparison(entrant("plain", 0.5, 2), entrant("lesion", 4.0, 2))
    table = difference_table(seeds, "plain", "lesion")
    assert "alone right" not in table.heads
    assert all(len(row) == len(table.heads) for row in table.rows)


def test_the_section_says_what_is_shown_and_how_it_was_tested(single: Comparison) -> None:
    section = comparison_section(single, ("the runs differ in their training ablation: x",))
    shown = sum(one.shown for one in single.differences)
    assert 0 < shown <= 5
    assert f"a difference is shown in {shown} of 5 rows" in section.prose
    assert section.notes[0] == sentences(single)[0]
    assert "the runs differ in their training ablation: x" in section.notes
    assert "p is corrected by Holm over 5 rows" in section.notes[-1]
    assert len(section.figures) == 1


def test_nothing_shown_is_not_said_to_be_no_difference() -> None:
    one = entrant("plain", 1.0, 1)
    section = comparison_section(
        comparison(one, RecipeRuns("again", (RunPredictions("again0", one.runs[0].predictions),)))
    )
    assert "no difference is shown in any of 5 rows. That does not show that there is none." in section.prose


def test_seeds_are_summed_up_above_the_differences() -> None:
    found = comparison(entrant("plain", 1.0, 3), entrant("lesion", 2.0, 2))
    section = comparison_section(found)
    assert [table.caption for table in section.tables] == ["Mean over seeds", "First: plain. Second: lesion."]
    rows = section.tables[0].rows
    assert [row[:2] for row in (rows[0], rows[-1])] == [
        ("plain: AUC, melanoma", "3"),
        ("lesion: balanced accuracy, melanoma", "2"),
    ]
    assert all(len(row) == len(section.tables[0].heads) for row in rows)
