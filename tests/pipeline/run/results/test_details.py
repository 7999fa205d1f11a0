"""Details follow from the predictions files alone, survive their file, and stand on the page."""

import dataclasses
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.fewer_draws import all_draws

from attnmel import NOTICE
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.calibration.calibration import calibration_of
from attnmel.evaluation.classification.confusion_matrix import confusion
from attnmel.evaluation.classification.decision_curve import decision_curve
from attnmel.evaluation.classification.operating_points import operating_points
from attnmel.evaluation.subgroup_metrics import WholeSetResults
from attnmel.evaluation.subgroups import subgroups
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.results.details import Details, find_details, operating_table, read_details, write_details
from attnmel.pipeline.run.results.results import SplitResults, add_measures, read_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))


def judged(run: RunFolder, split: str = "test") -> SplitResults:
    return read_measures(run)[split]


def details(run: RunFolder, split: str = "test") -> Details:
    found = read_details(run, judged(run, split))
    assert found is not None
    return found


def details_of(folder: RunFolder, *, sensitivities: Sequence[float] = (), prevalences: Sequence[float] = ()) -> Details:
    """Compute the details of the test split anew."""
    run = Run(folder)
    results = run.results["test"]
    validation = run.validation_predictions(results.epoch)
    return find_details(
        results, run.predictions("test"), validation, ["melanoma"], sensitivities=sensitivities, prevalences=prevalences
    )


def test_details_follow_from_the_predictions_files(trained: RunFolder) -> None:
    test, validation = (Run(trained).predictions(split) for split in ("test", "validation"))
    assert repr(details(trained)) == repr(details_of(trained)), "what is stored is what is computed"
    with all_draws():
        assert_details_follow(details_of(trained), test, validation)


def assert_details_follow(found: Details, test: Predictions, validation: Predictions) -> None:
    assert found.temperature == test.temperature
    # NaN is unlike itself, so what is compared is how both are written.
    assert repr(found.operating) == repr((operating_points(test, "melanoma", validation=validation),))
    assert found.decision == (decision_curve(test, "melanoma"),)
    assert repr(found.confusion) == repr(confusion(test, "melanoma"))
    assert repr(found.calibration) == repr(calibration_of(test, validation, "melanoma"))
    whole = WholeSetResults(found.operating[0], found.decision[0], found.calibration, found.confusion)
    assert repr(found.subgroups) == repr(subgroups(test, "melanoma", whole))


def test_the_file_is_plain_json_with_notice_and_licence(trained: RunFolder) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    plain = json.loads(trained.details("test").read_text(), parse_constant=refuse)
    assert plain["notice"] == NOTICE
    assert plain["licence"] == judged(trained).licence
    assert plain["operating"][0]["points"][0]["target"] is None


def test_what_is_written_is_read_back_with_what_is_not_defined(run: RunFolder) -> None:
    before = details(run)
    changed = dataclasses.replace(before, subgroups=dataclasses.replace(before.subgroups, alike={"sex": "male"}))
    write_details(run, changed)
    assert repr(details(run)) == repr(changed)
    assert math.isnan(details(run).operating[0].points[0].target)


def test_the_validation_split_s_own_thresholds_are_marked(trained: RunFolder) -> None:
    operating = details(trained, "validation").operating[0]
    assert operating.shared == 10
    assert "also chose the thresholds of melanoma" in operating.notes[0]
    assert details(trained).operating[0].shared == 0


@pytest.mark.parametrize("change", ["no file", "other epoch", "not judged"])
def test_without_validation_predictions_of_the_same_network_no_threshold_is_chosen(run: RunFolder, change: str) -> None:
    if change == "no file":
        run.predictions("validation").unlink()
    elif change == "other epoch":
        add_measures(run, dataclasses.replace(judged(run, "validation"), epoch=99))
    else:
        run.measures.write_text(json.dumps({"test": judged(run).as_dict()}))
    operating = details_of(run).operating[0]
    assert operating.validation_images == 0
    assert "evaluate the split 'validation' first, then this one again" in operating.notes[0]


def test_an_external_set_is_judged_at_the_run_s_own_thresholds(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    source = phantoms.home / "data" / "phantoms"
    folder = tmp_path / "clinic"
    folder.mkdir()
    names = [image.stem for image in sorted(source.glob("*Test*Data/*.jpg"))]
    for name in names:
        shutil.copy(next(source.glob(f"*Test*Data/{name}.jpg")), folder)
    truth = Predictions.read(run.predictions("test"))
    labels = {image: truth.classes[label] for image, label in zip(truth.image_ids, truth.labels, strict=True)}
    (folder / "labels.csv").write_text("image,label\n" + "".join(f"{name}.jpg,{labels[name]}\n" for name in names))
    evaluate_run(Run(run, phantoms.home), on=str(folder), resamples=20)
    found, own = (details(run, name).operating[0] for name in ("clinic-all", "test"))
    assert [point.threshold for point in found.points] == [point.threshold for point in own.points]
    assert found.validation_images == 10


def test_the_user_s_sensitivities_and_prevalences_join_the_others(run: RunFolder) -> None:
    found = details_of(run, sensitivities=[0.99, 0.89], prevalences=[0.005]).operating[0]
    assert [point.target for point in found.points[1:]] == [0.82, 0.89, 0.95, 0.99]
    assert found.prevalences == (0.005, 0.02, 0.1)


def test_what_is_no_sensitivity_is_refused_before_anything_is_predicted(run: RunFolder, phantoms: "Phantoms") -> None:
    run.best.unlink()
    with pytest.raises(ConfigError, match="a sensitivity of 90 cannot be aimed at"):
        evaluate_run(Run(run, phantoms.home), sensitivities=[90])


@pytest.mark.parametrize("text", ["{", "[]", '{"notice": "", "epoch": "nine"}'])
def test_a_damaged_file_is_told(run: RunFolder, text: str) -> None:
    run.details("test").write_text(text)
    with pytest.raises(PredictionsError, match=r"test-details\.json is damaged or of another version; delete it"):
        read_details(run, judged(run))


def test_details_of_another_epoch_are_not_those_of_the_judgement(run: RunFolder) -> None:
    assert read_details(run, dataclasses.replace(judged(run), epoch=99)) is None
    run.details("test").unlink()
    assert read_details(run, judged(run)) is None


def test_the_table_has_a_column_a_threshold_and_no_word_for_what_is_not_defined(trained: RunFolder) -> None:
    operating = details(trained).operating[0]
    header, rows = operating_table(operating)
    assert header == ["melanoma", "fixed", "aim 0.82", "aim 0.89", "aim 0.95"]
    named = {row[0]: row[1:] for row in rows}
    sensitivity = operating.points[1].reached.sensitivity
    assert named["sensitivity"][1] == f"{sensitivity.value:.3f} ({sensitivity.low:.3f} - {sensitivity.high:.3f})"
    assert named["specificity, own ROC (optimistic)"][0] == "-"
    assert list(named)[3:5] == ["ppv at these 41.7 %", "npv at these 41.7 %"], "5 melanomas of 12"
    assert list(named)[5:7] == ["ppv at 2 %", "ppv at 10 %"]
    assert not any("nan" in cell for row in rows for cell in row)


def test_the_page_shows_every_topic_once_per_run(run: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    predictions = Predictions.read(run.predictions("test"))
    sexes = tuple(np.random.default_rng(0).choice(["male", "female"], len(predictions.labels)).tolist())
    dataclasses.replace(predictions, attributes={"sex": sexes}).write(run.predictions("test"), "CC-0")
    write_details(run, details_of(run))
    other = RunFolder(Path(shutil.copytree(run.path, tmp_path / "other")))
    page = report_runs([Run(run, phantoms.home), Run(other, phantoms.home)], out=tmp_path / "r.html").read_text()
    for topic in ("operating", "decision", "confusion", "subgroups"):
        for anchor in ("run-1", "run-2"):
            assert page.count(f'<h3 id="{anchor}-{topic}">') == 1
    titles = [part.split('"')[0] for part in page.split('<title id="')[1:]]
    assert len(titles) == len(set(titles)), "no two figures of a page share a name"


def test_a_run_that_was_judged_before_there_were_details_is_still_reported(
    run: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    run.details("test").unlink()
    page = report_runs([Run(run, phantoms.home)], out=tmp_path / "r.html").read_text()
    assert "Operating points" not in page
    assert ">Measures<" in page
