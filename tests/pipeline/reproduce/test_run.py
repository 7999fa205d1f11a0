"""A table trains, skips, goes on, fails and is written row by row; on phantoms, with tiny recipes."""

import contextlib
import csv
import dataclasses
import io
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w
from tests.conftest import TINY
from tests.pipeline.train.test_train import assert_same_weights

from attnmel.cli import main
from attnmel.config.load import load_recipe
from attnmel.errors import ArchiveError, ConfigError
from attnmel.evaluation.statistics.bootstrap import ResamplingConfig
from attnmel.evaluation.thesis.tables import RANKING, TEST, TablePlan
from attnmel.files.folders import RunFolder
from attnmel.pipeline.reproduce.commands import Commands, reason_of
from attnmel.pipeline.reproduce.folder import begin_table
from attnmel.pipeline.reproduce.jobs import TableOptions, command_lines, table_jobs
from attnmel.pipeline.reproduce.run import Reproduced, reproduce
from attnmel.pipeline.run.results.results import read_measures

if TYPE_CHECKING:
    from tests.conftest import Phantoms

ROWS = {
    "mel-cnn": ("model.network=mel-cnn", "loss.prior=none"),
    "broken": ("model.network=vgg16-gap", "loss.prior=none", "model.weights=nowhere.pth"),
    "attnmel": ("model.network=attnmel-cnn", "loss.prior=none"),
    "plain": ("model.network=vgg16-gap", "loss.prior=none", "published=isic2017/VGG-16-GAP"),
}
FEW = ResamplingConfig(resamples=50, permutations=50)
COLOURS = """
name = "tiny/colours"
title = "COLOURS"
published = "isic2017/Mahbod et al."
[data]
dataset = "phantoms"
classes = ["rest", "melanoma"]
positives = ["melanoma"]
size = 32
[features.colour]
kind = "colour"
bins = 4
[svm]
kernel = "intersection"
scaling = "none"
folds = 3
"""


def tiny_plan(folder: Path, *rows: str) -> TablePlan:
    """Write recipes of phantoms, and return the table whose rows they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        recipe = load_recipe("demo", (*TINY, f"name=tiny/{row}", f"title={row.upper()}", *ROWS[row]))
        (folder / f"{row}.toml").write_bytes(tomli_w.dumps(recipe.model_dump(exclude_none=True)).encode())
    return TablePlan("tiny", "Tiny", tuple(str(folder / f"{row}.toml") for row in rows), RANKING, TEST)


@pytest.fixture(scope="module")
def options(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> TableOptions:
    folder = tmp_path_factory.mktemp("table")
    plan = tiny_plan(folder, "mel-cnn", "broken", "attnmel")
    return TableOptions(plan=plan, out=folder / "out", home=phantoms.home, command="attnmel reproduce tiny")


def run_here(commands: Commands, arguments: Sequence[str]) -> str:
    """Run a command of a table in this process instead of one of its own; return its error."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        patch.setattr(sys, "argv", ["attnmel", *arguments])
        try:
            main()
        except SystemExit as end:
            return reason_of(said.getvalue().splitlines(), 1) if end.code else ""
    return ""


@pytest.fixture(scope="module")
def done(options: TableOptions) -> Reproduced:
    """A table of which one row cannot be trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Commands, "run", run_here)
        return reproduce(options, resampling=FEW)


@pytest.fixture(scope="module")
def with_rival(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> TableOptions:
    """A table of the plain classifier and a fitted system, with a setting that concerns the network alone."""
    folder = tmp_path_factory.mktemp("rival")
    plan = tiny_plan(folder, "plain")
    (folder / "colours.toml").write_text(COLOURS)
    plan = dataclasses.replace(plan, rivals=(str(folder / "colours.toml"),))
    return TableOptions(plan=plan, out=folder / "out", home=phantoms.home, overrides=("training.epochs=1",))


@pytest.fixture(scope="module")
def done_with_rival(with_rival: TableOptions) -> Reproduced:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Commands, "run", run_here)
        return reproduce(with_rival, resampling=FEW)


def test_a_fitted_system_is_a_row_and_is_tested_against_the_plain_classifier(done_with_rival: Reproduced) -> None:
    (block,) = done_with_rival.table.blocks
    assert [(row.title, row.status, row.seeds) for row in block.rows] == [("COLOURS", "", 1), ("PLAIN", "", 1)]
    assert {(one.found.second, one.against, one.found.first) for one in block.tests} == {
        ("tiny/colours", "plain", "tiny/plain")
    }
    rows = {(row["row"], row["measure"]): row for row in figures(done_with_rival)}
    colours, plain = rows["tiny/colours", "auc"], rows["tiny/plain", "auc"]
    assert float(colours["plain_difference"]) == pytest.approx(float(colours["value"]) - float(plain["value"]))
    assert colours["published"] == "0.873"
    page = done_with_rival.folder.table("html").read_text(encoding="utf-8")
    assert "systems of other groups against the plain classifier" in page


def test_what_concerns_the_networks_alone_is_left_out_of_a_system_and_noted(
    done_with_rival: Reproduced, with_rival: TableOptions
) -> None:
    note = f"{with_rival.plan.rivals[0]} is a fitted system, which training.epochs does not concern"
    assert note in done_with_rival.table.notes
    assert "COLOURS (trunk none) and PLAIN (vgg16_bn) share no trunk" in done_with_rival.table.blocks[0].notes
    commands = command_lines(table_jobs(with_rival))
    assert ["training.epochs=1" in line for line in commands if line.startswith("attnmel train")] == [False, True]
    with pytest.raises(ConfigError, match=r"unknown key 'training\.epoch'"):
        table_jobs(dataclasses.replace(with_rival, overrides=("training.epoch=1",)))


def test_a_finished_system_starts_no_process(
    done_with_rival: Reproduced, with_rival: TableOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(Commands, "run", lambda commands, arguments: started.append(arguments[1]) or "refused")
    again = reproduce(with_rival, resampling=FEW)
    assert started == []
    assert again.table.blocks == done_with_rival.table.blocks


def figures(done: Reproduced) -> list[dict[str, str]]:
    with done.folder.table("csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_that_fails_is_named_with_its_reason_and_the_others_are_trained(done: Reproduced) -> None:
    assert [name.rpartition("/")[2] for name, _ in done.failures] == ["broken.toml, seed 0"]
    assert "nowhere.pth" in done.failures[0][1]
    states = {row["row"]: row["status"] for row in figures(done)}
    assert states == {"tiny/mel-cnn": "", "tiny/broken": "failed", "tiny/attnmel": ""}
    assert "nowhere.pth" in done.folder.table("md").read_text()


def test_the_csv_reads_back_to_the_figures_of_the_runs(done: Reproduced, options: TableOptions) -> None:
    for row in figures(done):
        if row["status"]:
            assert row["value"] == ""
            continue
        stored = read_measures(RunFolder(options.out / row["row"] / "seed-0"))["test"].judgement
        expected = stored.row("melanoma", row["measure"])
        assert [float(row[name]) for name in ("value", "low", "high")] == [expected.value, expected.low, expected.high]
        assert int(row["images"]) == stored.images


def test_a_row_is_tested_against_mel_cnn_but_not_against_a_row_that_failed(done: Reproduced) -> None:
    (block,) = done.table.blocks
    tests = {(test.found.second, test.against, test.found.first) for test in block.tests}
    assert tests == {("tiny/attnmel", "baseline", "tiny/mel-cnn")}
    tested = next(row for row in figures(done) if row["row"] == "tiny/attnmel" and row["measure"] == "auc")
    values = [float(row["value"]) for row in figures(done) if row["measure"] == "auc" and row["value"]]
    assert float(tested["baseline_difference"]) == pytest.approx(values[1] - values[0])
    assert float(tested["baseline_p_holm"]) >= float(tested["baseline_p"])


def test_every_form_of_the_table_holds_every_row(done: Reproduced) -> None:
    for form in ("md", "tex", "html"):
        text = done.folder.table(form).read_text(encoding="utf-8")
        assert all(title in text for title in ("MEL-CNN", "BROKEN", "ATTNMEL")), form
    page = done.folder.table("html").read_text(encoding="utf-8")
    assert "Examples: most confident errors and correct predictions" in page


def test_a_finished_run_starts_no_process(
    done: Reproduced, options: TableOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(Commands, "run", lambda commands, arguments: started.append(arguments[1]) or "refused")
    again = reproduce(options, resampling=FEW)
    assert [Path(row).stem for row in started] == ["broken"]
    assert again.table.blocks == done.table.blocks


def test_a_folder_of_other_settings_is_refused_with_what_differs(
    done: Reproduced, options: TableOptions, tmp_path: Path
) -> None:
    other = dataclasses.replace(options, overrides=("training.epochs=2",))
    with pytest.raises(ConfigError, match=r"training\.epochs was as in the recipe, is 2"):
        reproduce(other)
    # Texts are in quotes where Python gives them.
    begun = dataclasses.replace(options, out=tmp_path / "quoted", overrides=("model.trunk=vgg16", "data.size=64"))
    begin_table(begun)
    begin_table(dataclasses.replace(begun, overrides=('model.trunk="vgg16"', "data.size = 64")))
    with pytest.raises(ConfigError, match=r'model\.trunk was vgg16, is "vgg19"\. Give'):
        begin_table(dataclasses.replace(begun, overrides=('model.trunk="vgg19"',)))
    renamed = dataclasses.replace(options, plan=dataclasses.replace(options.plan, name="isic2017"))
    with pytest.raises(ConfigError, match="holds the table tiny, not isic2017"):
        reproduce(renamed)


def test_a_folder_with_files_of_others_is_refused_and_one_with_runs_alone_is_not(
    options: TableOptions, tmp_path: Path
) -> None:
    found = table_jobs(dataclasses.replace(options, out=tmp_path))
    (tmp_path / found.jobs[0].run.path.relative_to(tmp_path).parts[0]).mkdir()
    begin_table(dataclasses.replace(options, out=tmp_path), [job.run for job in found.jobs])
    (tmp_path / "table.json").unlink()
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"holds other files than a table \(thesis.docx\); name a new or empty folder"
    ):
        reproduce(dataclasses.replace(options, out=tmp_path))
    with pytest.raises(ConfigError, match=r"thesis.docx is a file; name a folder to write into"):
        reproduce(dataclasses.replace(options, out=tmp_path / "thesis.docx"))
    assert {one.name for one in tmp_path.iterdir()} == {"thesis.docx", "tiny"}


def test_a_row_whose_settings_are_no_recipe_is_failed_before_any_process(options: TableOptions, tmp_path: Path) -> None:
    broken = dataclasses.replace(options, overrides=("loss.prior=lesion",), out=tmp_path)
    by_row = {Path(job.row).stem: job.problem for job in table_jobs(broken).jobs}
    assert "needs a network with attention maps" in by_row["mel-cnn"]
    assert by_row["attnmel"] == ""
    with pytest.raises(ConfigError, match="unknown key 'lose'"):
        table_jobs(dataclasses.replace(options, overrides=("lose.prior=lesion",)))


def test_printed_commands_are_those_that_are_run(options: TableOptions) -> None:
    asked = dataclasses.replace(options, seeds=2, overrides=("data.repeats={ melanoma = 2 }",))
    found = table_jobs(asked)
    lines = [line for line in command_lines(found) if not line.startswith("#")]
    assert [tuple(shlex.split(line)) for line in lines] == [("attnmel", *job.arguments) for job in found.jobs]
    assert len({job.run.path for job in found.jobs}) == 6
    assert [job.seed for job in found.jobs] == [0, 0, 0, 1, 1, 1]


def test_missing_data_is_said_before_anything_is_trained(options: TableOptions, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"phantoms is not in .*; run `attnmel demo`"):
        reproduce(dataclasses.replace(options, home=tmp_path / "empty", out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_rows_of_one_run_folder_are_refused(options: TableOptions) -> None:
    first = options.plan.rows[0]
    copy = Path(first).with_name("copy.toml")
    copy.write_bytes(Path(first).read_bytes())
    plan = dataclasses.replace(options.plan, rows=(first, str(copy)))
    with pytest.raises(ConfigError, match="two rows of tiny would share the run folder"):
        table_jobs(dataclasses.replace(options, plan=plan))


KILLED = """
import sys
from pathlib import Path
from attnmel.evaluation.thesis.tables import RANKING, TEST, TablePlan
from attnmel.pipeline.reproduce.run import reproduce
from attnmel.pipeline.reproduce.folder import begin_table
from attnmel.pipeline.reproduce.jobs import TableOptions
plan = TablePlan("tiny", "Tiny", (sys.argv[1],), RANKING, TEST)
reproduce(TableOptions(plan=plan, out=Path(sys.argv[2]), home=Path(sys.argv[3])))
"""


@pytest.mark.slow
def test_a_table_that_was_killed_goes_on_to_the_same_end(
    done: Reproduced, options: TableOptions, tmp_path: Path
) -> None:
    row = options.plan.rows[2]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, row, str(tmp_path), str(options.home)], start_new_session=True
    )
    run, whole = RunFolder(tmp_path / "tiny/attnmel/seed-0"), RunFolder(options.out / "tiny/attnmel/seed-0")
    while process.poll() is None and not run.history.is_file():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not run.measures.is_file()
    one = dataclasses.replace(options, plan=dataclasses.replace(options.plan, rows=(row,)), out=tmp_path)
    again = reproduce(one, resampling=FEW)
    assert not again.failures
    assert_same_weights(run, whole)
    assert again.table.blocks[0].rows[0].figures == done.table.blocks[0].rows[2].figures
