"""Predictions that are there already are rows of a table: files of all forms, runs and fusions; nothing is trained."""

import csv
import dataclasses
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import attnmel
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ArchiveError, ConfigError, PredictionsError
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.evaluation.thesis.tables import RANKING, TEST, TablePlan
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.compare import compare_runs
from attnmel.pipeline.evaluate.score import score
from attnmel.pipeline.reproduce.given.existing_predictions import against_reference, given_rows
from attnmel.pipeline.reproduce.jobs import NO_ROWS, TableOptions, table_jobs
from attnmel.pipeline.reproduce.run import Reproduced, reproduce
from attnmel.pipeline.run.results.results import add_measures
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

if TYPE_CHECKING:
    from tests.conftest import Phantoms

FEW = ResamplingConfig(resamples=50)


@pytest.fixture(scope="module")
def submission(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What another team sent: no header, endings in the ids."""
    lesions = [one for one in read_dataset("phantoms", phantoms.home).lesions if one.split == "test"]
    draw = np.random.default_rng(0)
    scores = [(0.3 * (one.diagnosis == "melanoma") + 0.6 * draw.random(), 0.1) for one in lesions]
    path = tmp_path_factory.mktemp("given") / "team.csv"
    path.write_text(
        "\n".join(f"{one.image_id}.jpg,{first},{second}" for one, (first, second) in zip(lesions, scores, strict=True))
    )
    return path


@pytest.fixture(scope="module")
def options(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> TableOptions:
    plan = TablePlan("tiny", "Tiny", ("demo",), RANKING, TEST)
    return TableOptions(plan=plan, out=tmp_path_factory.mktemp("table") / "out", home=phantoms.home, rows=NO_ROWS)


@pytest.fixture(scope="module")
def done(options: TableOptions, submission: Path, trained: RunFolder, fused: RunFolder) -> Reproduced:
    predictions = trained.predictions("test")
    given = (f"TEAM={submission}", f"OWN={predictions}", f"RUN={trained.path}", f"FUSED={fused.path}")
    return reproduce(dataclasses.replace(options, given=given), resampling=FEW)


def test_every_kind_is_a_row_and_scored_as_by_the_command_of_its_kind(
    done: Reproduced, submission: Path, trained: RunFolder, fused: RunFolder, phantoms: "Phantoms"
) -> None:
    (block,) = done.table.blocks
    rows = {row.title: row for row in block.rows if row.given}
    assert list(rows) == ["TEAM", "OWN", "RUN", "FUSED"]
    scored = {
        (one.task, one.measure): one for one in score("phantoms", submission, home=phantoms.home, resamples=50).rows
    }
    ap, auc = (scored["melanoma", measure].value for measure in ("ap", "auc"))
    assert [one.value for one in rows["TEAM"].figures] == pytest.approx([ap, auc])
    for name, folder in {"OWN": trained, "RUN": trained, "FUSED": fused}.items():
        stored = Run(folder, phantoms.home).results["test"].judgement
        expected = [stored.row("melanoma", measure).value for measure in ("ap", "auc")]
        assert [one.value for one in rows[name].figures] == pytest.approx(expected), name


def test_given_rows_are_compared_in_pairs_as_by_compare(
    done: Reproduced, submission: Path, trained: RunFolder, phantoms: "Phantoms"
) -> None:
    (block,) = done.table.blocks
    tested = {(one.found.second, one.found.measure): one for one in block.tests}
    assert {(one.against, one.found.first) for one in block.tests} == {("reference", "TEAM")}
    paths = [Path(f"phantoms:{submission}"), trained.predictions("test")]
    expected = compare_runs(paths, home=phantoms.home, positives=["melanoma"], measures=["auc"], resampling=FEW)
    assert tested["RUN", "auc"].found.value == pytest.approx(expected.comparison.differences[0].value)
    assert tested["RUN", "auc"].found.outcome.chosen.p == expected.comparison.differences[0].outcome.chosen.p


def test_given_rows_are_in_every_form_of_the_table(done: Reproduced, submission: Path) -> None:
    for form in ("md", "tex", "html"):
        text = done.folder.table(form).read_text(encoding="utf-8")
        assert all(name in text for name in ("TEAM", "OWN", "RUN", "FUSED")), form
    assert "rows that were given against the reference row" in done.folder.table("md").read_text()
    with done.folder.table("csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "given"]
    assert {row["row"] for row in rows} == {"TEAM", "OWN", "RUN", "FUSED"}
    assert {row["reference_row"] for row in rows} == {"", "TEAM"}
    assert [row["title"] for row in done.as_dict()["blocks"][0]["rows"] if row["given"]] == [
        "TEAM",
        "OWN",
        "RUN",
        "FUSED",
    ]
    facts = [value for name, value in done.table.facts if name == "given row"]
    assert facts[0].startswith(f"TEAM: {submission}, SHA-256 ")
    assert "team.csv has no header; its columns are read as image_id,melanoma,seborrheic_keratosis" in (
        done.table.blocks[0].notes
    )


def test_a_table_of_no_recipes_has_no_jobs(options: TableOptions, submission: Path) -> None:
    assert table_jobs(dataclasses.replace(options, given=(f"TEAM={submission}",))).jobs == ()
    with pytest.raises(ConfigError, match="--rows none leaves rows of --row NAME=PATH alone, and there is none"):
        table_jobs(options)


def changed(path: Path, to: Path, before: str, after: str, *, times: int = 1) -> Path:
    to.write_text(path.read_text().replace(before, after, times))
    return to


def test_mistakes_in_names_and_paths(
    options: TableOptions, submission: Path, tmp_path: Path, trained: RunFolder
) -> None:
    def message(*given: str) -> str:
        with pytest.raises(ConfigError) as caught:
            given_rows(dataclasses.replace(options, given=given))
        return str(caught.value)

    form = "is not of the form NAME=FILE, for example --row DermaKNet=dermaknet.csv"
    assert message(str(submission)) == f"--row {submission} {form}"
    assert message(f"={submission}") == f"--row ={submission} {form}"
    twice = "two rows are called 'TEAM'; give each --row a name of its own"
    assert message(f"TEAM={submission}", f"TEAM={submission}") == twice
    assert message(f"demo={submission}") == (
        f"'demo' is a row of the table already; give --row demo={submission} another name"
    )
    assert message(f"TEAM={tmp_path / 'none'}") == f"--row: at {tmp_path / 'none'} there is no file and no run"
    two = tmp_path / "two"
    for seed in (0, 1):
        shutil.copytree(trained.path, two / f"seed-{seed}")
    assert message(f"TEAM={two}").startswith(
        f"{two / 'seed-0'} and {two / 'seed-1'} are the same recipe with the same seed, 0; name each seed of a recipe "
    )
    recipe = RunFolder(two / "seed-1").recipe
    recipe.write_text(recipe.read_text().replace("gamma = 2.0", "gamma = 1.0"))
    assert message(f"TEAM={two}").startswith(f"{two} holds runs of several recipes: loss.gamma is 2.0 in ")


def test_a_folder_of_seeds_is_a_row_over_its_seeds(
    options: TableOptions, submission: Path, trained: RunFolder, tmp_path: Path
) -> None:
    seeds = [RunFolder(Path(shutil.copytree(trained.path, tmp_path / "own" / f"seed-{seed}"))) for seed in (0, 1)]
    seeds[1].recipe.write_text(seeds[1].recipe.read_text().replace("\nseed = 0", "\nseed = 1"))
    stored = Predictions.read(seeds[1].predictions("test"), uncalibrated=True)
    melanoma = np.random.default_rng(3).random(len(stored.labels))
    other = dataclasses.replace(stored, probabilities=np.stack([1 - melanoma, melanoma], 1))
    other.write(seeds[1].predictions("test"), None)
    given = (f"TEAM={submission}", f"OWN={tmp_path / 'own'}", *(f"{n}={one.path}" for n, one in enumerate(seeds)))
    rows = given_rows(dataclasses.replace(options, given=given), FEW)
    _, own, first, second = (one.row("test", options.plan.columns) for one in rows)
    assert (own.seeds, first.seeds) == (2, 0)
    for place, figure in enumerate(own.figures):
        alone = [first.figures[place].value, second.figures[place].value]
        assert own.by_seed[place] == pytest.approx(alone)
        assert figure.value == pytest.approx(np.mean(alone))
    assert rows[1].fact.count("best.safetensors, SHA-256 ") == 2
    tests, _ = against_reference(rows[:2], None, "test", options.plan.columns, FEW)
    paths = [Path(f"phantoms:{submission}"), tmp_path / "own"]
    expected = compare_runs(paths, home=options.home, positives=["melanoma"], measures=["auc"], resampling=FEW)
    found = next(one.found for one in tests if one.found.measure == "auc")
    assert found.value == pytest.approx(expected.comparison.differences[0].value)
    assert found.outcome.chosen.p == expected.comparison.differences[0].outcome.chosen.p


def test_seeds_that_were_not_all_evaluated_are_told(options: TableOptions, trained: RunFolder, tmp_path: Path) -> None:
    seeds = [RunFolder(Path(shutil.copytree(trained.path, tmp_path / "own" / f"seed-{seed}"))) for seed in (0, 1)]
    seeds[1].recipe.write_text(seeds[1].recipe.read_text().replace("\nseed = 0", "\nseed = 1"))
    seeds[1].measures.unlink()
    with pytest.raises(PredictionsError, match=r"the row OWN: .*seed-1 was not evaluated on phantoms, test; run `attn"):
        given_rows(dataclasses.replace(options, given=(f"OWN={tmp_path / 'own'}",)), FEW)


def test_mistakes_in_files(options: TableOptions, submission: Path, tmp_path: Path, trained: RunFolder) -> None:
    def message(path: Path) -> str:
        with pytest.raises(PredictionsError) as caught:
            given_rows(dataclasses.replace(options, given=(f"TEAM={path}",)), FEW)
        assert not options.out.joinpath("nothing").exists()
        return str(caught.value)

    first = submission.read_text().splitlines()[0]
    image = first.partition(".jpg")[0]
    nan = message(changed(submission, tmp_path / "nan.csv", first, f"{image}.jpg,nan,0.1"))
    assert nan.startswith("the row TEAM: ")
    assert "nan.csv, line 1, column melanoma: found 'nan', expected" in nan
    other = message(changed(submission, tmp_path / "other.csv", image, "ISIC_9999999"))
    assert "found the image ISIC_9999999, expected an image of" in other
    stored = trained.predictions("test")
    own = Predictions.read(stored)
    ids = tuple(f"X{one}" for one in own.image_ids)
    dataclasses.replace(own, image_ids=ids, groups=ids).write(tmp_path / "ids.csv", None)
    count = len(ids)
    assert message(tmp_path / "ids.csv").startswith(
        f"the row TEAM: {count} of its {count} images are none of the {count} of phantoms, test (X"
    )
    dataclasses.replace(own, labels=1 - own.labels).write(tmp_path / "labels.csv", None)
    assert message(tmp_path / "labels.csv").startswith(
        f"the row TEAM: {count} of its {count} images have another label than in phantoms ({own.image_ids[0]}, "
    )
    dataclasses.replace(own, classes=("rest", "nevus")).write(tmp_path / "classes.csv", None)
    assert message(tmp_path / "classes.csv") == (
        "the row TEAM: it predicts rest, nevus, but the table is of melanoma; give predictions of that class"
    )


def test_a_run_that_was_not_evaluated_and_data_that_were_not_fetched(
    options: TableOptions, submission: Path, trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    run.measures.unlink()
    with pytest.raises(
        PredictionsError,
        match=r"the row RUN: .*/run was not evaluated on phantoms, test; run `attnmel evaluate .*/run` first",
    ):
        given_rows(dataclasses.replace(options, given=(f"RUN={run.path}",)))
    away = dataclasses.replace(options, given=(f"TEAM={submission}",), home=tmp_path / "empty")
    with pytest.raises(ArchiveError, match="phantoms is not in"):
        given_rows(away)


def test_labels_that_a_file_lacks_are_those_of_the_data_set(
    options: TableOptions, tmp_path: Path, trained: RunFolder
) -> None:
    own = Predictions.read(trained.predictions("test"))
    dataclasses.replace(own, labels=np.where(np.arange(len(own.labels)) < 3, -1, own.labels)).write(
        tmp_path / "some.csv", None
    )
    header, _, rows = (tmp_path / "some.csv").read_text().partition("\n")
    quoted = ",".join(f'"{name}"' for name in header.split(","))  # as R writes it
    (tmp_path / "some.csv").write_text(f"{quoted}\n{rows}")
    given = dataclasses.replace(options, given=(f"SOME={tmp_path / 'some.csv'}", f"OWN={trained.predictions('test')}"))
    some, every = given_rows(given, FEW)
    assert some.figures == every.figures


def test_results_of_an_earlier_epoch_are_no_row_and_deleted_weights_do_no_harm(
    options: TableOptions, trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    given = dataclasses.replace(options, given=(f"RUN={run.path}",))
    results = Run(run).results["test"]
    add_measures(run, dataclasses.replace(results, epoch=results.epoch + 1))
    # Which epoch is best depends on the processor.
    told = rf"was evaluated as 'test' at epoch {results.epoch + 1}, but its checkpoint is of epoch {results.epoch};"
    with pytest.raises(PredictionsError, match=told):
        given_rows(given, FEW)
    run.best.unlink()
    (row,) = given_rows(given, FEW)
    assert row.fact.startswith(f"RUN: {run.predictions('test')}, SHA-256 ")


def test_what_the_results_of_a_run_say_of_themselves_and_missing_images_are_notes(
    options: TableOptions, trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    results = Run(run).results["test"]
    judged = dataclasses.replace(results.judgement, notes=("one lesion was seen in training",))
    add_measures(run, dataclasses.replace(results, judgement=judged))
    monkeypatch.setattr(
        "attnmel.pipeline.reproduce.given.existing_predictions.incomplete", lambda *_: "12 of the 600 test images"
    )
    given = given_rows(
        dataclasses.replace(options, given=(f"RUN={run.path}", f"OWN={trained.predictions('test')}")), FEW
    )
    _, notes = against_reference(given, None, "test", options.plan.columns, FEW)
    assert notes == (
        "RUN: one lesion was seen in training",
        "of 12 of the 600 test images; the published values are of the whole set",
    )


def test_a_run_that_is_open_is_given_by_python_as_its_path_is(trained: RunFolder, tmp_path: Path) -> None:
    said = f"the row RUN: {trained.path} was not evaluated on isic2017, test"
    for given in (Run(trained), trained.path, str(trained.path)):
        with pytest.raises(PredictionsError, match=re.escape(said)):
            attnmel.reproduce("isic2017", given={"RUN": given}, rows=["none"], out=tmp_path)
    mistakes: list[tuple[Any, str]] = [
        ({"RUN": None}, r"given\['RUN'\] is None"),
        ({"A=B": "x"}, "called 'A=B'"),
        (["x"], "type list"),
    ]
    for wrong, found in mistakes:
        with pytest.raises(ConfigError, match=found):
            attnmel.reproduce("isic2017", given=wrong, rows=["none"], out=tmp_path)


def test_a_run_of_other_data_that_was_evaluated_on_the_tables_is_a_row(
    options: TableOptions, trained: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    given = dataclasses.replace(options, given=(f"RUN={run.path}", f"OWN={trained.path}"))
    results = Run(run).results["test"]
    add_measures(run, dataclasses.replace(results, dataset="clinic"))
    text = run.recipe.read_text()
    run.recipe.write_text(text.replace('dataset = "phantoms"', 'dataset = "isic2017"'))
    with pytest.raises(
        PredictionsError, match=r"was not evaluated on phantoms, test; run `attnmel .* --on phantoms` f"
    ):
        given_rows(given, FEW)
    shutil.copy(run.predictions("test"), run.predictions("phantoms-test"))
    add_measures(run, dataclasses.replace(results, name="phantoms-test", on="phantoms"))
    other, own = given_rows(given, FEW)
    assert other.figures == own.figures
