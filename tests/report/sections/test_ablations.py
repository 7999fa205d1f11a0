import math

import pytest

from attnmel.evaluation.comparison.ablations import AblationFinding
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.report.sections.ablations import ablation_sentence, controls_section


def finding(
    ablation: str,
    auc: Interval,
    difference: Interval,
    size: Interval | None = None,
    beyond: Interval | None = None,
) -> AblationFinding:
    return AblationFinding(
        ablation=ablation,
        images=529,
        positives=99,
        left_out=71,
        auc=auc,
        run_auc=Interval(0.8, 0.76, 0.84),
        difference=difference,
        painted_whole=0 if size is None else 31,
        size_auc=size,
        beyond_size=beyond if beyond or size is None else SAME,
    )


ABOVE, AT, BELOW = Interval(0.71, 0.66, 0.76), Interval(0.53, 0.47, 0.59), Interval(0.4, 0.34, 0.46)
LOWER, SAME, HIGHER = Interval(-0.09, -0.13, -0.05), Interval(-0.01, -0.04, 0.02), Interval(0.04, 0.01, 0.07)


@pytest.mark.parametrize(
    ("ablation", "auc", "difference", "size", "expected"),
    [
        (
            "background-only",
            ABOVE,
            LOWER,
            None,
            "0.710 (0.660\N{EN DASH}0.760); what the size of the painted box gives by itself is not known",
        ),
        (
            "background-only",
            ABOVE,
            LOWER,
            AT,
            "which the size of the painted box by itself gives as well, 0.530 (0.470",
        ),
        (
            "background-only",
            AT,
            LOWER,
            AT,
            "the AUC is 0.530 (0.470\N{EN DASH}0.590): nothing shows that the network finds",
        ),
        (
            "background-only",
            BELOW,
            LOWER,
            AT,
            "the AUC is 0.400 (0.340\N{EN DASH}0.460), below chance: what lies outside misl",
        ),
        ("lesion-only", ABOVE, LOWER, None, "0.090 lower than with the whole image (-0.130 to -0.050): what surrou"),
        ("lesion-only", ABOVE, HIGHER, None, "0.040 higher than with the whole image (+0.010 to +0.070): what surr"),
        ("lesion-only", ABOVE, SAME, None, "no difference from the whole image is shown (-0.040 to +0.020)."),
        ("shuffled-labels", AT, LOWER, None, "AUC of 0.530 (0.470\N{EN DASH}0.590): chance, as it should be."),
        (
            "shuffled-labels",
            BELOW,
            LOWER,
            None,
            "AUC of 0.400 (0.340\N{EN DASH}0.460), away from chance: train other seeds",
        ),
    ],
)
def test_each_outcome_has_its_plain_sentence(
    ablation: str, auc: Interval, difference: Interval, size: Interval | None, expected: str
) -> None:
    assert expected in ablation_sentence(finding(ablation, auc, difference, size), "melanoma")


def test_an_auc_without_an_interval_is_not_called_chance() -> None:
    """As an AUC of 1, which DeLong's method knows nothing of."""
    perfect, unknown = Interval(1.0, math.nan, math.nan), Interval(0.2, math.nan, math.nan)
    told = [
        ablation_sentence(finding("shuffled-labels", perfect, unknown), "melanoma"),
        ablation_sentence(finding("background-only", perfect, unknown, AT), "melanoma"),
        ablation_sentence(finding("lesion-only", ABOVE, unknown), "melanoma"),
        ablation_sentence(finding("background-only", ABOVE, LOWER, AT, unknown), "melanoma"),
    ]
    assert all("1.000, without an interval, so that it cannot" in one for one in told[:2])
    assert told[2].endswith("; how far that is from the whole image is not known.")
    assert "how far that is from the size of the painted box by itself, 0.530" in told[3]
    assert not [one for one in told if "as it should be" in one or "nothing shows" in one or "()" in one]


def test_beyond_the_size_of_the_box_something_else_lies_outside() -> None:
    told = ablation_sentence(finding("background-only", ABOVE, LOWER, AT, HIGHER), "melanoma")
    assert "more than the size of the painted box by itself, 0.530" in told
    assert told.endswith("some of what tells melanoma lies outside it.")


def test_the_section_has_a_row_an_ablation_and_says_what_was_left_out() -> None:
    found = [finding("background-only", ABOVE, LOWER, AT), finding("lesion-only", ABOVE, SAME)]
    section = controls_section(found, "melanoma")
    (table,) = section.tables
    assert [row[0] for row in table.rows] == ["without the lesion", "size of the box alone", "the lesion alone"]
    assert {len(row) for row in table.rows} == {len(table.heads)}
    assert table.rows[0][5] == "0.800 (0.760\N{EN DASH}0.840)"
    assert section.notes[1].startswith("Of 31 of 529 images the box covers all")
    assert section.notes[0].startswith("Without the lesion, the lesion alone: 71 of 600 images have no lesion mask")
