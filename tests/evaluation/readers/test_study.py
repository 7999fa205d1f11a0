"""The whole analysis of a study: what is found in its readings, and that it finds what was put in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from tests.strangers.readings.make_readers import READERS, write_sequential

from attnmel.errors import ConfigError, ReadingsError
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.evaluation.readers.inference.estimates import Estimate
from attnmel.evaluation.readers.machines import NAMED, OF_READERS, machine_threshold
from attnmel.evaluation.readers.readings import Readings, reader_aucs
from attnmel.evaluation.readers.study import analyse_readings
from attnmel.evaluation.readers.study_results import StudyAnalysis, StudyOptions
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.pipeline.study.analysis.read_study import read_study


@pytest.fixture(scope="module")
def sequential(tmp_path_factory: pytest.TempPathFactory) -> StudyAnalysis:
    data = read_study(write_sequential(tmp_path_factory.mktemp("study") / "readings.csv"))
    options = StudyOptions(threshold=data.threshold, margin=0.05)
    return analyse_readings(data.readings, options, second=data.second, experience=data.experience)


def test_machine_reference_and_threshold_are_found(sequential: StudyAnalysis, complete: Readings) -> None:
    assert sequential.machine_names == ("machine",)
    assert sequential.human == ("with machine", "alone"), "the reference last"
    assert sequential.threshold == 50
    assert analyse_readings(complete).machines == ()
    binary = replace(complete, scores=(complete.scores > 1).astype(float))
    assert analyse_readings(binary).threshold == 0.5


def test_each_part_is_there(sequential: StudyAnalysis) -> None:
    assert set(sequential.modalities[0].readers) == set(READERS)
    assert [(one.first, one.second) for one in sequential.pairs] == [("with machine", "alone")]
    assert [(one.first, one.second) for one in sequential.against_machine] == [
        ("machine", "with machine"), ("machine", "alone"),
    ]  # fmt: skip
    assert set(sequential.shares) == set(sequential.machines[0].shares)
    assert [one.level for one in sequential.groups] == ["expert", "resident"]
    assert len(sequential.within) == len(READERS)
    assert all(one.repeatability and one.repeatability.images == 8 for one in sequential.within)
    expert, resident = (one.toward_wrong["with machine"].value for one in sequential.groups)
    assert resident > expert, "residents follow the machine more"


def test_scores_of_many_values_have_no_weighted_kappa(
    sequential: StudyAnalysis, drawn: Callable[..., Readings]
) -> None:
    """A suspicion from 0 to 100 is no category; of few values both agreements have one."""
    assert all(np.isnan(one.weighted_kappa) for one in (*sequential.between, *sequential.within))
    readings = drawn(readers=3)
    few = replace(readings, scores=np.clip(np.round(readings.scores), -2, 2))
    found = analyse_readings(few, second=few.scores)
    assert not np.isnan([one.weighted_kappa for one in (*found.between, *found.within)]).any()


def test_the_help_of_the_machine_is_found(sequential: StudyAnalysis) -> None:
    aucs = reader_aucs(sequential.readings.of(["with machine", "alone"]))
    assert sequential.pairs[0].random.value == pytest.approx((aucs[0] - aucs[1]).mean())
    assert 0 < sequential.pairs[0].non_inferior < 0.01
    assert sequential.changes["with machine"].against_right.mean is not None
    assert sequential.changes["with machine"].against_right.mean.value == 0


def test_a_modality_with_readers_of_its_own_is_compared(complete: Readings) -> None:
    scores = np.full((2, 10, 80), np.nan)
    scores[0, :5], scores[1, 5:] = complete.scores
    found = analyse_readings(replace(complete, readers=tuple(map(str, range(10))), scores=scores)).pairs[0]
    assert found.readers == 0
    assert found.analysis is None
    assert found.random.low < -0.054125 < found.random.high
    assert found.u.unbiased.t.low < -0.054125 < found.u.unbiased.t.high


def test_one_reader_and_one_modality_are_analysed_without_a_crash(drawn: Callable[..., Readings]) -> None:
    found = analyse_readings(drawn(modalities=1, readers=1))
    assert found.machines == ()
    assert found.pairs == ()
    assert found.modalities[0].analysis is not None
    assert np.isnan(found.modalities[0].analysis.random.means[0].low)
    assert found.modalities[0].analysis.fixed_readers.means[0].low > 0
    found = analyse_readings(drawn(modalities=2, readers=1), StudyOptions(threshold=0))
    assert np.isnan(found.pairs[0].random.low)
    assert found.pairs[0].random.note


def test_three_modalities_are_tested_together(drawn: Callable[..., Readings]) -> None:
    found = analyse_readings(drawn(modalities=3))
    assert found.together is not None
    assert (found.together.random.test.df1, len(found.pairs)) == (2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            StudyOptions(machines=("testC",)),
            r"unknown modality 'testC' \(did you mean 'test[AB]'\?\); known: testA, testB",
        ),
        (StudyOptions(machines=("testA",)), "'testA' has 5 readers; a machine's modality has exactly one, the machine"),
        (StudyOptions(reference="x"), "unknown modality 'x'; known: testA, testB"),
        (StudyOptions(margin=5), r"a margin of 5; expected a loss of AUC between 0 and 1, such as 0\.05"),
    ],
)
def test_an_option_that_does_not_fit_is_one_sentence(complete: Readings, options: StudyOptions, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        analyse_readings(complete, options)


def test_each_machine_is_compared_with_readers_alone_and_with_those_it_was_shown_to(complete: Readings) -> None:
    names = ("alone", "with net", "with wrong", "net", "wrong")
    scores = np.full((5, 7, 80), np.nan)
    scores[0, :5], scores[1, :5], scores[2, :5] = complete.scores[0], complete.scores[1], complete.scores[0]
    half = np.arange(80) % 2 == 0
    scores[1][:, ~half], scores[2][:, half] = np.nan, np.nan
    scores[3, 5], scores[4, 6] = complete.diseased, ~complete.diseased
    readers = (*complete.readers, "net", "wrong")
    found = analyse_readings(
        replace(complete, modalities=names, readers=readers, scores=scores),
        StudyOptions(threshold=0.5, machine_threshold=0.5),
    )
    assert {one.name: one.auc.value for one in found.machines} == {"net": 1, "wrong": 0}
    assert [(one.first, one.second) for one in found.against_machine] == [
        ("net", "with net"), ("net", "alone"), ("wrong", "with wrong"), ("wrong", "alone"),
    ]  # fmt: skip
    assert [one.shares["sensitivity"].value for one in found.machines] == [1, 0]
    assert set(found.changes) == {"with net", "with wrong"}
    right, wrong = found.changes["with net"], found.changes["with wrong"]
    assert sum(right.flows.values()) == sum(wrong.flows.values()) == 5 * 40
    assert not any(count for key, count in right.flows.items() if not key[0]), "this machine is never wrong"
    assert wrong.toward_wrong.mean is not None
    assert wrong.toward_wrong.mean.value == 0, "answers with it are those alone"


def test_a_machine_is_compared_with_each_reader_on_the_cases_that_this_reader_read(complete: Readings) -> None:
    """The reference: scikit-learn's AUCs of both on these cases; the last reader read healthy cases alone."""
    scores = np.full((2, 6, 80), np.nan)
    scores[0, 5], scores[1, :5] = complete.scores[0, 2], complete.scores[1]
    unread = np.random.default_rng(0).random((4, 80)) < 0.4
    scores[1, :4][unread] = np.nan
    scores[1, 4, complete.diseased] = np.nan
    names = ("net", "alone")
    readers = (*complete.readers, "net")
    found = analyse_readings(replace(complete, modalities=names, readers=readers, scores=scores)).against_machine[0]
    both = [
        [roc_auc_score(complete.diseased[read], one[read]) for one in (scores[0, 5], scores[1, reader])]
        for reader, read in enumerate(~unread)
    ]
    assert found.readers == 4, "with an AUC"
    assert found.aucs == pytest.approx(np.mean(both, axis=0))
    assert found.random.value == pytest.approx(np.subtract(*np.transpose(both)).mean())


def test_binormal_curves_are_fitted_where_they_are_asked_for(drawn: Callable[..., Readings]) -> None:
    readings = drawn(readers=3)
    assert analyse_readings(readings).binormal is None
    found = analyse_readings(replace(readings, scores=np.round(readings.scores)), StudyOptions(binormal=True)).binormal
    assert found is not None
    assert len(found.curves) == 6
    assert found.analysis is not None


def test_readings_that_allow_no_curve_are_refused(complete: Readings) -> None:
    with pytest.raises(ReadingsError, match="80 diseased cases and 0 healthy cases; an ROC curve needs at least one"):
        replace(complete, diseased=np.ones(80, dtype=bool))
    with pytest.raises(ReadingsError, match="no reading; expected scores of at least one reader"):
        replace(complete, scores=np.full_like(complete.scores, np.nan))
    with pytest.raises(ReadingsError, match="a score is infinite"):
        replace(complete, scores=np.where(complete.scores > 3, np.inf, complete.scores))


def test_a_modality_or_level_with_one_kind_of_cases(complete: Readings) -> None:
    scores = complete.scores.copy()
    scores[1][:, complete.diseased] = np.nan
    with pytest.raises(ReadingsError, match="all cases read with 'testB' are healthy; an ROC curve needs both kinds"):
        analyse_readings(replace(complete, scores=scores))
    scores = complete.scores.copy()
    scores[:, 0, complete.diseased] = np.nan
    levels = dict.fromkeys(complete.readers, "expert") | {complete.readers[0]: "resident"}
    assert [one.level for one in analyse_readings(replace(complete, scores=scores), experience=levels).groups] == [
        "expert"
    ]


def test_the_fixture_is_not_changed_by_git(complete: Readings) -> None:
    assert Path(__file__).with_name("input.imrmc").stat().st_size == 26793
    assert complete.crossed


def test_a_threshold_is_as_named_else_as_stated_else_of_the_scale(complete: Readings) -> None:
    stated = {"testA": DecisionThreshold(2.0, "that of the readings' table"), "net": DecisionThreshold(4.0, "its own")}
    named = StudyOptions(threshold=3.0, machine_threshold={"other": 5.0}, stated=stated, scale_threshold=1.0)
    for options, expected in (
        (named, 3.0),
        (replace(named, threshold=None), 2.0),
        (StudyOptions(scale_threshold=1.0), 1.0),
        (StudyOptions(), None),
    ):
        assert analyse_readings(complete, replace(options, machine_threshold=None)).threshold == expected
    found = [machine_threshold(name, 3.0, named) for name in ("other", "net", "third")]
    assert [one and (one.value, one.source) for one in found] == [(5.0, NAMED), (4.0, "its own"), (3.0, OF_READERS)]
    assert machine_threshold("third", None, named) is None


def test_a_score_at_the_threshold_is_no_positive_answer_anywhere(complete: Readings) -> None:
    scores = np.full((3, 6, 80), np.nan)
    scores[:2, :5], scores[2, 5] = np.round(complete.scores), complete.diseased
    names = ("alone", "with net", "net")
    readings = replace(complete, modalities=names, readers=(*complete.readers, "net"), scores=scores)
    second = np.roll(scores, 1, axis=1)  # the answers of another reader
    found = analyse_readings(readings, StudyOptions(threshold=2.0, machine_threshold=1.0), second=second)
    assert found.machines[0].shares["sensitivity"].value == 0
    flows = found.changes["with net"].flows
    assert sum(count for key, count in flows.items() if key[0]) == 5 * 40, "it is right for healthy cases alone"
    for one in (one for one in found.within if one.modality == "alone" and one.reader != complete.readers[0]):
        own = scores[0, readings.readers.index(one.reader)]
        again = second[0, readings.readers.index(one.reader)]
        assert one.kappa == pytest.approx(cohen_kappa_score(own > 2, again > 2))


def widths(part: object, place: str = "") -> Iterator[tuple[str, float]]:
    """Give the width of every interval of an analysis, with its place."""
    if isinstance(part, Interval | Estimate):
        yield place, part.high - part.low
    elif isinstance(part, Mapping):
        for key, one in part.items():
            yield from widths(one, f"{place}/{key}")
    elif isinstance(part, tuple):
        for number, one in enumerate(part):
            yield from widths(one, f"{place}/{number}")
    elif is_dataclass(part) and not isinstance(part, Readings | StudyOptions):
        for one in fields(part):
            yield from widths(getattr(part, one.name), f"{place}/{one.name}")


def test_every_interval_has_the_confidence_and_every_error_the_covariance_that_is_asked_for(
    complete: Readings,
) -> None:
    scores = np.full((4, 6, 80), np.nan)
    scores[:2, :5], scores[2, 5], scores[3, :3] = complete.scores, complete.scores[0, 2], complete.scores[1, 2:]
    readings = Readings(("alone", "with net", "net", "later"), (*complete.readers, "net"), complete.cases,
                        complete.diseased, scores)  # fmt: skip
    levels = dict(zip(complete.readers, ("expert", "resident", "expert", "resident", "expert"), strict=True))
    plain = StudyOptions(threshold=2.0)
    usual, lower, other = (
        analyse_readings(readings, options, second=np.roll(scores, 1, axis=1), experience=levels)
        for options in (plain, replace(plain, confidence=0.8), replace(plain, covariance="unbiased"))
    )
    wide, narrow = dict(widths(usual)), dict(widths(lower))
    assert wide.keys() == narrow.keys()
    assert len({place.split("/")[1] for place in wide}) >= 7, "of every part"
    same = [place for place, width in wide.items() if width > 0 and not narrow[place] < width]
    assert same == []
    for first, second in zip(usual.modalities, other.modalities, strict=True):
        assert first.analysis is not None
        assert second.analysis is not None
        assert first.analysis.random.means[0].error != second.analysis.random.means[0].error
