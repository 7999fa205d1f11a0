"""`attnmel study` as a user meets it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Attnmel
from tests.strangers.readings.make_readers import write_sequential

INPUT = Path(__file__).parents[3] / "evaluation" / "readers" / "input.imrmc"


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = write_sequential(tmp_path_factory.mktemp("readings") / "readings.csv", cases=40)
    file.write_text(file.read_text(encoding="utf-8").replace("ana", "<script>alert(1)</script>"), encoding="utf-8")
    return file


def test_json_has_every_number_in_full_precision(attnmel: Attnmel) -> None:
    ran = attnmel("study", "analyse", INPUT, "--json", "--margin", "0.1")
    assert ran.code == 0
    found = json.loads(ran.out)
    pair = found["differences"][0]
    assert (pair["first"], pair["second"]) == ("testA", "testB")
    assert pair["u_statistic"]["variance"] == pytest.approx(0.00498950905, abs=1e-11)
    assert pair["u_statistic"]["t"]["low"] == pytest.approx(-0.2211536791, abs=1e-10)
    assert pair["v_statistic"]["degrees"] == pytest.approx(6.839557319, abs=1e-9)
    assert pair["obuchowski_rockette"]["components"]["error"] == pytest.approx(0.00302308866, abs=1e-11)
    assert pair["obuchowski_rockette"]["random"]["test"]["p"] == pytest.approx(0.4678447683, abs=1e-10)
    assert pair["obuchowski_rockette"]["fixed_readers"]["test"]["df2"] is None, "of the normal distribution"
    assert found["modalities"]["testA"]["auc_by_reader"]["reader1"]["value"] == 0.631875
    assert found["machines"] == {}


def test_delong_and_unbiased_covariances_can_be_chosen(attnmel: Attnmel) -> None:
    def error(method: str) -> float:
        found = json.loads(attnmel("study", "analyse", INPUT, "--json", "--covariance", method).out)
        return found["differences"][0]["obuchowski_rockette"]["components"]["error"]

    assert error("jackknife") > error("delong") > error("unbiased")


def test_a_whole_study_is_printed_and_written(attnmel: Attnmel, readings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    ran = attnmel("study", "analyse", readings, "--out", folder)
    assert (ran.code, ran.err) == (0, "")
    answer, read = ran.out.split("\n\n")[:2]
    assert answer == (
        "Readers 'with machine' reach a mean AUC of 0.820, readers 'alone' of 0.800: a difference of +0.020 (95 % "
        "interval -0.054 to +0.095, p = 0.590). So no difference is shown for other readers and other cases: for them "
        "the first may be up to 0.054 worse or up to 0.095 better."
    )
    assert read == (
        f"{readings}: 5 readers, 2 modalities (with machine, alone), 24 healthy cases and 16 diseased cases; every "
        "reader read every case with every modality; machine: machine"
    )
    for caption in ("AUC averaged over readers", "Changes from 'alone' to 'with machine'", "AUC by experience"):
        assert caption in ran.out
    assert {one.name for one in folder.iterdir()} == {"report.html", "analysis.json", "readings.csv", "readings.imrmc"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    for part in ("forest-auc", "forest-difference", "roc", "flows-1-right", "flows-1-wrong", "times"):
        assert f'<title id="{part}-title">' in page
    assert "Research use only" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    stored = json.loads((folder / "analysis.json").read_text())
    assert stored["answer"] == [answer]
    assert page.index("Readers &#39;with machine&#39; reach a mean AUC of 0.820") < page.index("<table")
    assert stored["changes"]["with machine"]["toward_wrong"]["mean"]["value"] > 0
    again = attnmel("study", "analyse", folder / "readings.csv", "--threshold", "50", "--json")
    assert json.loads(again.out)["differences"] == stored["differences"]
    assert attnmel("study", "analyse", readings, "--out", folder).code == 0, "its own files are replaced"


def test_a_users_mistake_is_one_sentence_and_leaves_nothing(
    attnmel: Attnmel, readings: Path, tmp_path: Path, left_behind: Callable[..., list[Path]]
) -> None:
    for words, message in (
        (("analyse", tmp_path / "none.csv"), "none.csv does not exist; name a file of readings"),
        (("analyse", readings, "--machine", "mashine"), "unknown modality 'mashine' (did you mean 'machine'?)"),
        (("analyse", readings, "--reference", "machine"), "unknown modality 'machine'"),
        (("power", "--auc", "0.8"), "1 expected AUC; give --auc twice"),
        (("power", "--auc", "0.8", "--auc", "1.2"), "an AUC of 1.2; expected one between 0 and 1"),
        (("power", "--prevalence", "0"), "a prevalence of 0; expected a share between 0 and 1"),
        (("power", "--cases", "200000"), "200,000 cases; expected at most 100,000"),
        (("power", "--target-power", "1"), "a power of 1 to reach; expected one between 0 and 1, such as 0.8"),
        (("power", "--target-width", "0"), "an interval of +-0 to reach; expected one between 0 and 1, such as 0.05"),
        (("analyse", readings, "--machine-threshold", "nan"), "a threshold of nan; expected a score"),
        (("analyse", readings, "--machine-threshold", "x=1"), "unknown machine 'x'; known: machine"),
        (("analyse", INPUT, "--machine-threshold", "1"), "no modality is a machine; name it by --machine"),
        (("power", "--pilot", readings, "--margin", "2"), "a margin of 2; expected a loss of AUC between 0 and 1"),
    ):
        ran = attnmel("study", *words)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: ")
        assert message in ran.err
        assert "Traceback" not in ran.err
    own = Path(shutil.copy(readings, tmp_path / "readings.csv"))
    ran = attnmel("study", "analyse", own, "--out", tmp_path)
    assert f"{own} was not written by attnmel, so it is not replaced; name another folder" in ran.err
    assert own.read_bytes() == readings.read_bytes()
    own.unlink()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    ran = attnmel("study", "analyse", readings, "--out", tmp_path / "taken")
    assert "holds other files than an analysis of a study (thesis.txt)" in ran.err
    assert not left_behind(tmp_path)
    assert [one.name for one in (tmp_path / "taken").iterdir()] == ["thesis.txt"]


def test_power_is_a_row_for_each_number_of_readers_and_cases(attnmel: Attnmel, readings: Path) -> None:
    ran = attnmel("study", "power", "--readers", "4", "--readers", "8", "--cases", "60", "--cases", "120")
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == ["readers", "healthy", "diseased", "interval", "+-", "power"]
    assert [line.split()[:3] for line in ran.out.splitlines()[1:5]] == [
        ["4", "30", "30"], ["4", "60", "60"], ["8", "30", "30"], ["8", "60", "60"],
    ]  # fmt: skip
    assert "Assumed: an AUC of 0.85 of the first modality and 0.8 of the second, a difference of +0.05;" in ran.out
    words = ("study", "power", "--readers", "5", "--cases", "60", "--json", "--pilot", readings, "--simulate", "5")
    row = json.loads(attnmel(*words, "--machine", "--margin", "0.1").out)[0]
    assert 0 < row["expected"]["power"] < 1
    assert 0 < row["expected"]["non_inferiority"] < 1
    assert row["simulated"]["studies"] == 5
    assert row["simulated"] == json.loads(attnmel(*words, "--machine").out)[0]["simulated"], "the same seed"
