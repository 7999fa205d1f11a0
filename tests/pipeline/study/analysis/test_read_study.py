"""Files of readings: read back as written, and what is wrong with one in a sentence."""

from pathlib import Path

import numpy as np
import pytest
from tests.strangers.readings.make_readers import write_sequential

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.decisions import DecisionThreshold
from attnmel.pipeline.study.analysis.imrmc import write_imrmc
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.pipeline.study.analysis.readings_table import write_readings_table

TRUTH = "truth,a,truth,0\ntruth,b,truth,1\n"
HEAD = "reader,case,modality,score,truth\n"
ROWS = f"{HEAD}r,a,m,1,0\nr,b,m,2,1\n"


def test_readings_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    data = read_study(write_sequential(tmp_path / "readings.csv", cases=12))
    write_readings_table(tmp_path / "again.csv", data, {})
    write_imrmc(tmp_path / "again.imrmc", data.readings)
    table, imrmc = read_study(tmp_path / "again.csv"), read_study(tmp_path / "again.imrmc")
    for again in (table, imrmc):
        assert again.readings.readers == data.readings.readers
        assert again.readings.cases == data.readings.cases
        np.testing.assert_array_equal(again.readings.scores, data.readings.scores)
        np.testing.assert_array_equal(again.readings.diseased, data.readings.diseased)
    for name in ("second", "seconds"):
        np.testing.assert_array_equal(getattr(table, name), getattr(data, name))
    assert table.experience == data.experience


def test_the_truth_may_be_in_a_table_beside(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text("reader,image,arm,suspicion\nr,a,alone,10\nr,b,alone,60\nr,c,alone,\n")
    (tmp_path / "truth.csv").write_text("image,truth\nb,melanoma\na,benign\nc,benign\nd,benign\n")
    data = read_study(file)
    assert data.readings.cases == ("b", "a"), "a case without an answer is not read"
    assert data.readings.diseased.tolist() == [True, False]
    assert data.threshold == 50
    assert data.notes == ("2 cases with truth, but without a reading, left out",)


def test_counts_in_the_head_that_do_not_fit_are_noted(tmp_path: Path) -> None:
    file = tmp_path / "study.imrmc"
    file.write_text(f"NR: 3\nN0:1\nBEGIN DATA:\n{TRUTH}r,a,m,1\nr,b,m,2\n")
    assert read_study(file).notes == ("the head of the file says NR: 3, the readings have 1",)


def test_a_name_that_the_format_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text(ROWS.replace("\nr,", '\n"r, m.d.",'))
    data = read_study(file)
    with pytest.raises(ReadingsError, match=r"the \.imrmc format cannot hold the name 'r, m\.d\.'; use one without"):
        write_imrmc(tmp_path / "out.imrmc", data.readings)
    file.write_text(ROWS.replace("\nr,", "\ntruth,"))
    with pytest.raises(ReadingsError, match="keeps the name 'truth' for the truth; rename the reader"):
        write_imrmc(tmp_path / "out.imrmc", read_study(file).readings)
    assert [one.name for one in tmp_path.iterdir()] == ["readings.csv"]


IMRMC_FAULTS = {
    "columns": (f"{TRUTH}r,a,1\n", "line 4: found 'r,a,1', expected four cells: reader, case, modality, score"),
    "score": (f"{TRUTH}r,a,m,high\n", "line 4: found score 'high', expected a number"),
    "infinite": (f"{TRUTH}r,a,m,inf\n", "line 4: found score 'inf', expected a number"),
    "truth": ("truth,a,truth,2\n", "line 2: found truth '2', expected 0 for a healthy and 1 for a diseased case"),
    "doubled truth": (f"{TRUTH}truth,a,truth,1\n", "line 4: found a second truth of case 'a', expected one"),
    "no truth": (f"{TRUTH}r,a,m,1\nr,c,m,1\n", "line 5: found a reading of case 'c', expected a row with its truth"),
    "doubled": (
        f"{TRUTH}r,a,m,1\nr,a,m,2\n",
        "line 5: found reader 'r' and case 'a' with 'm' a second time, expected one reading (as in line 4), or a "
        "column 'repeat' with 1 for the second",
    ),
}


@pytest.mark.parametrize("fault", IMRMC_FAULTS)
def test_a_fault_of_an_imrmc_file_is_one_sentence_with_its_line(tmp_path: Path, fault: str) -> None:
    lines, sentence = IMRMC_FAULTS[fault]
    file = tmp_path / "study.imrmc"
    file.write_text(f"BEGIN DATA:\n{lines}")
    with pytest.raises(ReadingsError) as error:
        read_study(file)
    assert str(error.value) == f"study.imrmc, {sentence}"


TABLE_FAULTS = {
    "column": (
        "reader,case,modalty,score,truth\n",
        "table.csv has the columns reader, case, modalty, score, truth, but no 'modality'; expected reader, case, "
        "modality, score and truth, or a file of iMRMC with the line 'BEGIN DATA:'",
    ),
    "two columns": (
        "reader,case,image,modality,score,truth\n",
        "table.csv has two columns of the case, 'case' and 'image'; remove one",
    ),
    "score": (
        f"{HEAD}r,a,m,x,0\nr,b,m,1,1\n",
        "table.csv, line 2, column score: found 'x', expected a number, or nothing where it was not read",
    ),
    "truth": (
        f"{ROWS}s,a,m,2,maybe\n",
        "table.csv, line 4, column truth: found 'maybe', expected 0 for healthy or 1 for diseased",
    ),
    "other truth": (
        f"{ROWS}s,a,m,2,1\n",
        "table.csv, line 4, column truth: found another truth of case 'a', expected that of rows before",
    ),
    "reader": (f"{ROWS},a,m,2,0\n", "table.csv, line 4, column reader: found nothing, expected a name"),
    "one kind": (f"{HEAD}r,a,m,1,0\n", "0 diseased cases and 1 healthy case; an ROC curve needs at least one of each"),
    "empty": ("", "{file} is an empty file; expected a table of readings in CSV or a file of iMRMC"),
    "no rows": (HEAD, "{file} holds no reading; expected one row for each reader, case and modality"),
    "workbook": (
        "PK\x03\x04",
        "{file} is an Excel workbook, whatever its name; open it in the spreadsheet program and "
        "save it as CSV (in Excel: Save As, 'CSV UTF-8'); expected a table of readings in CSV or a file of "
        "iMRMC",
    ),
    "short": (f"{ROWS}s,a,m\n", "table.csv, line 4: found 3 cells, expected 5"),
    "repeat": (
        f"{HEAD[:-1]},repeat\nr,a,m,1,0,2\nr,b,m,1,1,0\n",
        "table.csv, line 2, column repeat: found '2', expected 0 for the first and 1 for the second reading",
    ),
    "experience": (
        f"{HEAD[:-1]},experience\nr,a,m,1,0,expert\nr,b,m,1,1,resident\n",
        "table.csv, line 3, column experience: found 'resident', expected 'expert' as before of r",
    ),
    "no truth": (
        "reader,case,modality,score\nr,a,m,1\n",
        "table.csv has no column 'truth', and there is no {folder}/truth.csv; expected one of them",
    ),
}


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_a_fault_of_a_table_is_one_sentence(tmp_path: Path, fault: str) -> None:
    content, sentence = TABLE_FAULTS[fault]
    file = tmp_path / "table.csv"
    file.write_text(content)
    with pytest.raises(ReadingsError) as error:
        read_study(file)
    assert str(error.value) == sentence.replace("{file}", str(file)).replace("{folder}", str(tmp_path))


def test_a_path_that_is_no_file_of_readings(tmp_path: Path) -> None:
    with pytest.raises(ReadingsError, match="is a folder; name a file of readings, such as"):
        read_study(tmp_path)
    with pytest.raises(ReadingsError, match="does not exist; name a file of readings"):
        read_study(tmp_path / "none.csv")
    (tmp_path / "x.imrmc").write_text("reader,case\n")
    with pytest.raises(ReadingsError, match="has no line 'BEGIN DATA:'; expected it before the readings"):
        read_study(tmp_path / "x.imrmc")


def test_thresholds_of_modalities_are_read(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    head = "reader,case,modality,score,truth,threshold\n"
    file.write_text(f"{head}r,a,m,1,0,\nr,b,m,2,1,\nnet,a,net,10,0,12.5\nnet,b,net,20,1,\n")
    data = read_study(file)
    assert data.thresholds == {"net": DecisionThreshold(12.5, "that of the readings' table")}
    write_readings_table(tmp_path / "again.csv", data, data.thresholds)
    assert read_study(tmp_path / "again.csv").thresholds == data.thresholds
    for cell, message in (("13", "13"), ("high", "high")):
        file.write_text(f"{head}r,a,m,1,0,\nr,b,m,2,1,\nnet,a,net,10,0,12.5\nnet,b,net,20,1,{cell}\n")
        with pytest.raises(ReadingsError, match=f"line 5.*threshold.*{message}"):
            read_study(file)
