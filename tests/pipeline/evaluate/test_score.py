"""A run's own submission is scored; the truth is the official table, whatever images were fetched."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from attnmel.data.archives.fetch import fetch
from attnmel.errors import ArchiveError
from attnmel.evaluation.challenge.score import ChallengeReport
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.score import score, score_dict, score_sentences, score_table
from attnmel.pipeline.evaluate.submissions import incomplete
from attnmel.pipeline.run.results.details import read_details
from attnmel.pipeline.run.results.results import read_measures
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

TRUTH = "ISIC-2017_Test_v2_Part3_GroundTruth.csv"


@pytest.fixture
def judged(trained: RunFolder, phantoms: "Phantoms") -> ChallengeReport:
    return score("phantoms", trained.submission("test"), home=phantoms.home, resamples=10)


def test_the_submission_of_a_run_scores_what_its_predictions_are_worth(
    judged: ChallengeReport, trained: RunFolder
) -> None:
    predictions = Predictions.read(trained.predictions("test"))
    called = predictions.probability("melanoma") > 0.5
    right = (called == predictions.is_class("melanoma")).mean()
    assert judged.row("melanoma", "accuracy").value == pytest.approx(right, abs=1e-12)
    assert judged.images == judged.units == len(predictions.image_ids)


def test_images_that_were_not_fetched_are_scored_all_the_same(
    judged: ChallengeReport, trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    shutil.copytree(phantoms.home / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data/phantoms/ISIC-2017_Test_v2_Data")
    assert repr(score("phantoms", trained.submission("test"), home=tmp_path, resamples=10)) == repr(judged)


def test_a_data_set_without_its_truth_asks_for_one(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    shutil.copytree(Path(urlsplit(phantoms.mirror).path), tmp_path / "mirror")
    truth = (tmp_path / "mirror/2017" / TRUTH).rename(tmp_path / TRUTH)
    fetch("phantoms", tmp_path, mirror=(tmp_path / "mirror").as_uri())
    with pytest.raises(ArchiveError, match="without the truth of its test images; name one with --truth"):
        score("phantoms", trained.submission("test"), home=tmp_path)
    assert score("phantoms", trained.submission("test"), home=tmp_path, truth=truth, resamples=10).images == 12


def test_fewer_images_than_the_official_ones_are_counted(judged: ChallengeReport) -> None:
    part = dataclasses.replace(judged, dataset="isic2016", images=354, left_out=())
    note = "note: 354 of the 379 test images of isic2016: measures of the whole set may differ"
    assert note in score_sentences(part).splitlines()
    whole = dataclasses.replace(part, images=378, left_out=("ISIC_1",))
    assert "of the 379" not in score_sentences(whole)
    assert incomplete("isic2018-leaky", 10, "internal") == incomplete("my-clinic", 10) == ""


def test_lesions_images_left_out_and_notes_are_told(judged: ChallengeReport) -> None:
    other = dataclasses.replace(judged, units=9, left_out=("ISIC_1", "ISIC_2"), notes=("mind this",))
    lines = score_sentences(other).splitlines()
    assert ", resampled as 9 lesions; ranked by auc (mean)" in lines[0]
    assert lines[2:] == ["left out: ISIC_1, ISIC_2", "note: mind this"]


def test_a_figure_without_a_value_or_an_interval_is_told_so(judged: ChallengeReport) -> None:
    nan = float("nan")
    first, second = judged.rows[:2]
    rows = (dataclasses.replace(first, value=nan, low=nan, high=nan), dataclasses.replace(second, value=1, low=nan))
    assert [row[2:] for row in score_table(dataclasses.replace(judged, rows=rows))] == [["-", ""], ["1.000", ""]]


def test_what_programs_get_says_that_it_is_no_medical_device(judged: ChallengeReport) -> None:
    assert "Not a medical device" in score_dict(judged)["notice"]


def test_a_measure_that_ranked_but_is_not_there_is_said_to_be_missing(judged: ChallengeReport) -> None:
    alone = dataclasses.replace(judged, rows=tuple(row for row in judged.rows if row.task == "melanoma"))
    assert score_sentences(alone).splitlines()[0].endswith("ranked by auc (mean), which these classes do not give")


def test_evaluate_and_score_give_the_same_official_figures(judged: ChallengeReport, trained: RunFolder) -> None:
    details = read_details(trained, read_measures(trained)["test"])
    assert details is not None
    assert details.official is not None
    of_melanoma = [row for row in details.official.rows if row.task == "melanoma"]
    assert len(of_melanoma) == 8
    for row in of_melanoma:
        assert judged.row(row.task, row.measure).value == pytest.approx(row.value, abs=1e-12)
