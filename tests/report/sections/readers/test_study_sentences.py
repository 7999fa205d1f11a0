"""What a study's page and terminal say first, and of what is taken by default."""

from dataclasses import replace

import numpy as np
import pytest

from attnmel.evaluation.readers.inference.estimates import NO_VARIANCE
from attnmel.evaluation.readers.readings import Readings
from attnmel.evaluation.readers.study import analyse_readings
from attnmel.evaluation.readers.study_results import StudyOptions
from attnmel.files.table_files import nan_to_null
from attnmel.number_formats import DASH
from attnmel.pipeline.study.analysis.analysis_dict import analysis_dict
from attnmel.pipeline.study.analysis.analysis_rows import analysis_rows
from attnmel.pipeline.study.analysis.tables import study_tables
from attnmel.report.sections.readers.reader_study import study_sections
from attnmel.report.sections.readers.reader_tables import component_tables
from attnmel.report.sections.readers.study_sentences import answers_of, notes_of


def readings(*modalities: str, readers: int = 4, cases: int = 40, seed: int = 1, gain: float = 0.0) -> Readings:
    generator = np.random.default_rng(seed)
    diseased = np.arange(cases) % 2 == 0
    shape = len(modalities), readers, cases
    scores = generator.normal(size=shape) + 1.0 * diseased + generator.normal(size=cases)
    scores[0] += gain * diseased
    names = [f"r{number}" for number in range(readers)]
    return Readings(modalities, tuple(names), tuple(map(str, range(cases))), diseased, scores)


def with_machine(own: Readings) -> Readings:
    scores = np.full((len(own.modalities) + 1, len(own.readers) + 1, len(own.cases)), np.nan)
    scores[:-1, :-1] = own.scores
    scores[-1, -1] = own.scores[0, 0]
    return replace(own, modalities=(*own.modalities, "net"), readers=(*own.readers, "net"), scores=scores)


def test_the_answer_is_the_difference_to_the_reference_and_what_it_means() -> None:
    found = analyse_readings(readings("with net", "alone", gain=2.0))
    (sentence,) = answers_of(found)
    one, aucs = found.pairs[0].random, [own.analysis.random.means[0].value for own in found.modalities if own.analysis]
    assert sentence.startswith(
        f"Readers 'with net' reach a mean AUC of {aucs[0]:.3f}, readers 'alone' of {aucs[1]:.3f}: a difference of "
        f"{one.value:+.3f} (95 % interval {one.low:+.3f} to {one.high:+.3f}, p "
    )
    assert sentence.endswith("So the first is better for other readers and other cases, too.")
    (swapped,) = answers_of(
        analyse_readings(readings("with net", "alone", gain=2.0), StudyOptions(reference="with net"))
    )
    assert swapped.endswith("So the first is worse for other readers and other cases, too.")
    (same,) = answers_of(analyse_readings(readings("with net", "alone")))
    assert "So no difference is shown for other readers and other cases: for them the first may be up to" in same


@pytest.mark.parametrize("perfect", [True, False])
def test_where_no_test_is_possible_no_p_and_no_interval_without_width_is_shown(*, perfect: bool) -> None:
    """Of perfect readers, and of two modalities with the same scores: a note says why."""
    own = readings("with net", "alone", readers=2)
    own.scores[:] = own.diseased if perfect else own.scores[0]
    found = analyse_readings(own, StudyOptions(margin=0.05))
    (sentence,) = answers_of(found)
    assert sentence.endswith(
        ": a difference of +0.000, without an interval, so that nothing is known of other readers and cases."
    )
    (table,) = [one for one in study_tables(found, {}) if one.caption.startswith("Differences")]
    assert table.rows == ((table.rows[0][0], "+0.000", DASH, "+0.000", DASH, DASH),)
    (tests,) = [one for one in component_tables(found) if one.caption.startswith("Tests")]
    assert {row[1] for row in tests.rows} == {"+0.000"}
    assert {cell for row in tests.rows for cell in (row[2], row[4])} == {DASH}
    (row,) = [one for one in analysis_rows(found) if " - " in str(one["modality"])]
    assert np.isnan([row[name] for name in ("error", "low", "high", "p")]).all()  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert f"with net and alone: {NO_VARIANCE}" in notes_of(found)
    plain = nan_to_null(analysis_dict(found))["differences"][0]
    assert plain["random"]["p"] is plain["random"]["low"] is plain["u_statistic"]["t"]["p"] is None


def test_a_machine_or_the_mean_is_the_answer_where_no_modalities_are_compared() -> None:
    (machine,) = answers_of(analyse_readings(with_machine(readings("alone")), StudyOptions(margin=0.2)))
    assert machine.startswith("The machine 'net' reaches an AUC of ")
    assert "shown not to be" in machine
    assert "worse by 0.2 or more (one-sided p" in machine
    (mean,) = answers_of(analyse_readings(readings("alone")))
    assert mean.startswith("Readers 'alone' reach a mean AUC of ")
    (single,) = answers_of(analyse_readings(readings("alone", readers=1)))
    assert single.endswith(", without an interval, so that nothing is known of other readers and cases.")


def test_every_caption_and_answer_says_the_confidence_that_was_chosen() -> None:
    own = with_machine(readings("alone", "with net"))
    options = StudyOptions(threshold=0.5, binormal=True, confidence=0.9)
    experience = {reader: "resident" for reader in own.readers}
    found = analyse_readings(own, options, experience=experience)
    captions = [table.caption for table in study_tables(found, {}) if " intervals" in table.caption]
    assert len(captions) == 8
    assert all("with 90 % intervals" in one for one in captions)
    assert all("(90 % interval" in one for one in answers_of(found))
    (alone,) = answers_of(analyse_readings(readings("alone"), StudyOptions(confidence=0.9)))
    assert alone.endswith("(90 % interval).")


@pytest.mark.parametrize("name", ["alone", "Alone", "ohne KI", "allein", "without AI"])
def test_the_reference_is_found_by_its_name_and_named(name: str) -> None:
    found = analyse_readings(readings("mit net", name))
    assert found.reference == name
    assert notes_of(found)[0] == f"'{name}' was taken as the reference; --reference names another one"


def test_a_missing_reference_is_said_with_the_option() -> None:
    found = analyse_readings(readings("A", "B"))
    assert found.reference is None
    assert notes_of(found)[0] == (
        "no modality has a name such as 'alone', so changed answers are not analysed; --reference names the one that "
        "others are compared with (A, B)"
    )
    assert not [
        one for one in notes_of(analyse_readings(readings("A", "B"), StudyOptions(reference="A"))) if "reference" in one
    ]


def test_german_readings_with_a_machine_have_changed_answers() -> None:
    found = analyse_readings(with_machine(readings("allein", "mit net")), StudyOptions(threshold=0.5))
    assert list(found.changes) == ["mit net"]


def test_intervals_beyond_the_possible_are_named() -> None:
    found = analyse_readings(
        readings("with net", "alone", readers=2, cases=10, seed=3, gain=3.0), StudyOptions(threshold=0.5)
    )
    highs = {one.name: one.analysis.random.means[0].high for one in found.modalities if one.analysis is not None}
    beyond = [name for name, high in highs.items() if high > 1]
    assert beyond
    (note,) = [one for one in notes_of(found) if "reach below 0 or above 1" in one]
    assert all(name in note for name in beyond)
    many = analyse_readings(readings("with net", "alone", readers=8, cases=200))
    assert not [one for one in notes_of(many) if "reach below" in one]


def test_the_same_share_of_every_reader_has_no_interval_instead_of_one_without_width() -> None:
    own = readings("alone", readers=3, cases=20)
    scores = np.where(own.diseased, 1.0, 0.0) * np.ones((1, 3, 1))
    for reader in range(3):
        scores[0, reader, 4 * reader] = 0.0  # each misses another one of ten
    found = analyse_readings(replace(own, scores=scores), StudyOptions(threshold=0.5))
    averaged = found.shares["sensitivity"].averaged
    assert averaged is not None
    (mean,) = averaged.means
    assert mean.value == pytest.approx(0.9)
    assert np.isnan(mean.low) or mean.high - mean.low > 1e-6


def test_two_readers_say_nothing_of_readers_in_general() -> None:
    (pair,) = answers_of(analyse_readings(readings("with net", "alone", gain=2.0, readers=2), StudyOptions(margin=0.2)))
    (mean,) = answers_of(analyse_readings(readings("alone", readers=2)))
    (machine,) = answers_of(analyse_readings(with_machine(readings("alone", readers=2))))
    for sentence in (pair, mean, machine):
        assert "95 % interval" in sentence
        assert sentence.endswith(
            ". With two readers nothing can be said of readers in general: the result is of these two, and the "
            "interval, which rests on the one difference between them, is no more than a formality."
        )
        assert "other readers" not in sentence


def test_the_readers_who_are_counted_are_those_that_the_result_rests_on() -> None:
    own = with_machine(readings("with net", "alone", gain=2.0, readers=5))
    scores = own.scores.copy()
    scores[0, 2:] = np.nan  # three of five readers did not come to the second session
    (pair,) = answers_of(analyse_readings(replace(own, scores=scores)))
    assert "With two readers nothing can be said of readers in general" in pair
    scores = own.scores[1:].copy()
    scores[0, 2:, own.diseased] = np.nan
    found = analyse_readings(replace(own, modalities=own.modalities[1:], scores=scores))
    (machine,) = answers_of(found)
    assert found.against_machine[0].readers == 2
    assert "With two readers nothing can be said of readers in general" in machine


def test_a_machine_that_read_more_cases_than_a_reader_is_judged_on_those_of_the_reader() -> None:
    own = with_machine(readings("alone", cases=80))
    (same,) = answers_of(analyse_readings(own))
    assert "on the cases that" not in same
    scores = own.scores.copy()
    scores[0, 0, :20] = np.nan
    found = analyse_readings(replace(own, scores=scores))
    (fewer,) = answers_of(found)
    assert " on the cases that each of them read: a difference of " in fewer
    assert f"an AUC of {found.against_machine[0].aucs[0]:.3f}" in fewer


@pytest.mark.parametrize(("threshold", "kind"), [(0.25, "positive"), (100.0, "negative")])
def test_a_threshold_beside_the_scores_is_noted_with_their_range(threshold: float, kind: str) -> None:
    own = with_machine(readings("alone"))
    own = replace(own, scores=50 + 5 * own.scores)
    low, high = np.nanmin(own.scores[1]), np.nanmax(own.scores[1])
    notes = notes_of(analyse_readings(own, StudyOptions(machine_threshold=threshold, threshold=50)))
    assert (
        f"net: the threshold {threshold:g} decides all cases alike ({kind}), since the scores are from {low:.6g} to "
        f"{high:.6g}; give one of that scale by --machine-threshold"
    ) in notes
    assert not [one for one in notes if one.startswith("alone: the threshold")]
    notes = notes_of(analyse_readings(own, StudyOptions(machine_threshold=50, threshold=0.5)))
    assert [one.partition(" decides")[0] for one in notes if "alike" in one] == ["alone: the threshold 0.5"]


def test_the_machines_of_a_study_with_one_reader_are_known_by_their_names() -> None:
    own = with_machine(readings("alone", readers=1))
    own.scores[1, 1] = own.scores[1, 1, ::-1]
    assert analyse_readings(own).machine_names == ("net",)
    (sentence,) = answers_of(analyse_readings(own))
    assert sentence.startswith("The machine 'net' reaches an AUC of ")
    assert sentence.endswith(". With one reader nothing can be said of readers in general: the result is of this one.")
    other = replace(own, readers=("r0", "somebody"))
    assert analyse_readings(other).machine_names == (), "may be a reader"


def test_readers_with_a_single_answer_of_a_kind_are_named_since_the_mean_share_leaves_them_out() -> None:
    """A mean share of 0 beside "1 of 3" answers would deny the automation bias that the counts show."""
    own = with_machine(readings("with net", "alone", readers=2, cases=4))
    own.scores[:] = np.nan
    own.scores[2, 2] = [1, 0, 0, 1]  # right, right, wrong, wrong; the cases are diseased and healthy in turn
    own.scores[1, :2] = [[1, 0, 1, 0], [1, 0, 1, 1]]  # alone: the second reader is right in one of the latter
    own.scores[0, :2] = [[1, 0, 1, 0], [1, 0, 0, 1]]
    found = analyse_readings(own, StudyOptions(threshold=0.5))
    toward = found.changes["with net"].toward_wrong
    assert toward.by_reader == {0: (0, 2), 1: (1, 1)}
    assert toward.mean is not None
    assert toward.mean.value == 0
    assert (
        "with net, right answers that became wrong, where the machine is wrong: r1 gave one such answer only, so the "
        "mean share is of the others; read the counts"
    ) in notes_of(found)
    (changes,) = [one for one in study_sections(found, {}) if one.name == "changes-1"]
    assert any("r1 gave one such answer only" in one for one in changes.notes)
