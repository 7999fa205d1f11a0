"""Submissions in another form than the official one: what is read, what is said of it, and what is refused."""

import csv
import io
import warnings
from pathlib import Path

import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel.data.tables.labels import LABEL_SCHEMAS
from attnmel.data.tables.schema import CheckedTable, check_table
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.challenge.entry import predictions_of, read_entry
from attnmel.evaluation.challenge.submission_file import read_submission

SEVEN = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"
HEADER = "image_id,melanoma,seborrheic_keratosis\n"
REFUSED = ": the official program refuses that"
PUBLIC = Path(__file__).parents[4] / "shared" / "data"

PUBLISHED = {
    "dermaknet-isic2017": (0.8556, 0.6561, 0.9647),
    "dermaknet-jbhi2019": (0.8726, 0.6730, 0.9622),
    "mahbod2020-whole": (0.8721, 0.6912, 0.9509),
    "mahbod2020-crop-dilated-predicted": (0.8922, 0.7345, 0.9686),
}
"""AUC and AP of melanoma and AUC of seborrheic keratosis on the 600 test images of ISIC 2017, by file."""


def read(folder: Path, text: str | bytes, dataset: str = "isic2017", **columns: str) -> CheckedTable:
    path = folder / "s.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_submission(path, dataset, columns)


def sentences(table: CheckedTable) -> list[str]:
    return [problem.sentence() for problem in table.problems]


def official(text: str) -> object:
    """Read a submission of two classes as the official program does."""
    pandas = pytest.importorskip("pandas")
    loading = pytest.importorskip("isic_challenge_scoring.load_csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return loading.parse_csv(io.StringIO(text), pandas.Index(["MEL", "NV"]))


def test_whole_numbers_are_read_and_noted_as_the_official_program_refuses_them(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"non-floating-point value\(s\) in columns: \['NV'\]"):
        official("image,MEL,NV\nA,0,1\nB,0.5,0\n")
    table = read(tmp_path, f"{SEVEN}\nA,0,1,0.,0.,0.,0.,0.\nB,.5,0,0,0,0,0,0\n", "isic2018")
    assert table.problems == ()
    assert table.notes == (f"s.csv has whole numbers alone in NV (write 0.0 and 1.0){REFUSED}",)
    assert read(tmp_path, f"{HEADER}A,0,1\n").notes == (), "the one of 2017 takes them"


FIVE = "0.,0.,0.,0.,0."


@pytest.mark.parametrize(
    ("two", "why", "seven", "note"),
    [
        (
            "image,MEL,NV,BCC\nA,0.1,0.2,0.3\n",
            "Extra",
            f"{SEVEN},x\nA,.1,.2,{FIVE},.3\n",
            "has columns that are not read (x)",
        ),
        (
            ",image,MEL,NV\n0,A,0.1,0.2\n",
            "Extra",
            f",{SEVEN}\n0,A,.1,.2,{FIVE}\n",
            "has columns that are not read (the index)",
        ),
        (
            "image;MEL;NV\nA;0.1;0.2\n",
            "Missing column",
            f"{SEVEN}\nA,.1,.2,{FIVE}\n".replace(",", ";"),
            "has cells separated by semicolons",
        ),
        (
            "A,0.1,0.2\nB,0.1,0.2\n",
            "Missing column",
            f"A,.1,.2,{FIVE}\n",
            f"has no header; its columns are read as {SEVEN}",
        ),
    ],
)
def test_what_the_notes_call_refused_is_refused(tmp_path: Path, two: str, why: str, seven: str, note: str) -> None:
    with pytest.raises(Exception, match=why):
        official(two)
    table = read(tmp_path, seven, "isic2018")
    assert table.problems == ()
    assert table.notes == (f"s.csv {note}{REFUSED}",)


def test_isic_2016_may_have_a_header(tmp_path: Path) -> None:
    table = read(tmp_path, "image,Malignant\nA.jpg,0.5\n", "isic2016")
    assert (table.ids, table.columns) == (("A",), {"confidence": [0.5]})
    assert table.notes[0] == "s.csv has a header, which is not counted as an image"
    assert read(tmp_path, "A,0.5\n", "isic2016").notes == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "A,0.1\n",
            "line 1: found no header: the first line looks like data ('A,0.1'), expected the header image_id,melanoma",
        ),
        (
            "ISIC_0012086,melanoma\nISIC_0012087,nevus\n",
            "line 1: found no header: the first line looks like data ('ISIC_0012086,melanoma')",
        ),
        ("image_id,melanoma\nA,0.1\n", "line 1, column seborrheic_keratosis: found no such column in"),
        (
            f"{HEADER}A,50,0.1\n",
            "line 2, column melanoma: found '50', expected a number",
        ),
        (f"{HEADER}A,0.1\n", "line 2: found 2 cells, expected 3"),
        (
            f"{HEADER}A.jpg,0,0\nA.png,0,0\n",
            "line 3, column image_id: found 'A', expected",
        ),
        (HEADER, "found no row below the header, expected one row an image"),
        ("", "found an empty file, expected the header image_id,melanoma,seborrheic_keratosis, then one row an image"),
        (
            b"PK\x03\x04",
            "found an Excel workbook, whatever its name; open it in the spreadsheet program",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path: Path, text: str | bytes, problem: str) -> None:
    assert sentences(read(tmp_path, text))[0].startswith(problem)


def test_a_named_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id,mel,sk\nA,0.5,0.5\n")
    found = read_submission(tmp_path / "s.csv", "isic2017", {"melanoma": "mell", "seborrheic_keratosis": "sk"})
    assert sentences(found) == [
        "line 1, column melanoma: found no column mell in 'id,mel,sk', expected the header "
        "image_id,melanoma,seborrheic_keratosis, or other names by --columns image_id=NAME,..."
    ]


def test_our_own_predictions_file_is_known_by_its_columns(tmp_path: Path) -> None:
    header = "image,label,group,probability_rest,probability_melanoma"
    table = read(tmp_path, f"# Research use only.\n{header}\nA,,A,0.5,0.5\n")
    (found,) = sentences(table)
    assert found.startswith("line 2, column seborrheic_keratosis: found no such column")
    assert found.endswith("of a run, take the file whose name ends in -submission.csv")


def test_unknown_names_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown column 'label'; known: image_id, melanoma, seborrheic_keratosis"):
        read(tmp_path, "A,0,0\n", label="x")
    with pytest.raises(ConfigError, match="unknown submission format 'isic2019'"):
        read(tmp_path, "A,0,0\n", "isic2019")
    with pytest.raises(PredictionsError, match="no file at none; expected a table with the columns image_id,melanoma"):
        read_submission(Path("none"), "isic2017")
    (tmp_path / "mine.csv").write_text("")
    sentence = (
        f"{tmp_path} is a folder; expected a table with the columns image_id,melanoma,seborrheic_keratosis; name one "
        "of the files in it: mine.csv"
    )
    with pytest.raises(PredictionsError) as refused:
        read_submission(tmp_path, "isic2017")
    assert str(refused.value) == sentence.replace("mine.csv", "mine.csv, s.csv")
    with pytest.raises(PredictionsError) as refused:
        check_table(tmp_path, LABEL_SCHEMAS[2017])
    assert "is a folder; expected a table with the columns image_id,melanoma" in str(refused.value)


def test_the_truth_as_submission_is_noted(tmp_path: Path) -> None:
    (tmp_path / "true.csv").write_text(f"{HEADER}A,1,0\nB,0,1\nC,0,0\n")
    (tmp_path / "mine.csv").write_text(f"{HEADER}C,0.0,0.0\nA,1.0,0.0\nB,0.0,1.0\n")
    assert read_entry("isic2017", tmp_path / "mine.csv", tmp_path / "true.csv").notes == (
        "every probability of mine.csv is 0 or 1 and equal to the true class: it looks like the table of the truth "
        "itself, so the measures say nothing of a network; name the file of its probabilities",
    )
    (tmp_path / "mine.csv").write_text(f"{HEADER}C,0.0,0.0\nA,1.0,0.0\nB,0.0,0.9\n")
    assert read_entry("isic2017", tmp_path / "mine.csv", tmp_path / "true.csv").notes == ()


def test_an_entry_is_predictions_again_with_the_rest(tmp_path: Path) -> None:
    header = "image_id,melanoma,seborrheic_keratosis"
    (tmp_path / "true.csv").write_text(f"{header}\nA,1,0\nB,0,1\nC,0,0\n")
    (tmp_path / "said.csv").write_text("C,0.25,0.5\nA,0.75,0.5\nB,0.0,0.0\n")
    entry = read_entry("isic2017", tmp_path / "said.csv", tmp_path / "true.csv")
    found = predictions_of(entry, {"melanoma": "MEL", "seborrheic_keratosis": "seborrheic_keratosis"})
    assert (found.image_ids, found.classes) == (("A", "B", "C"), ("MEL", "seborrheic_keratosis", "rest"))
    assert found.labels.tolist() == [0, 1, 2]
    assert found.probability("rest").tolist() == [0.0, 1.0, 0.25]


@pytest.mark.real
@pytest.mark.skipif(not PUBLIC.is_dir(), reason="no real data beside the project")
@pytest.mark.parametrize("name", [path.stem for path in sorted((PUBLIC / "submissions").glob("*.csv"))])
def test_the_public_files_of_isic_2017_score_as_published(name: str, tmp_path: Path) -> None:
    with (PUBLIC / "tables" / "isic2017.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    lines = [",".join(row[column] for column in ("image", "melanoma", "seborrheic_keratosis")) for row in rows]
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(["image_id,melanoma,seborrheic_keratosis", *lines]))
    entry = read_entry("isic2017", PUBLIC / "submissions" / f"{name}.csv", truth)
    melanoma, keratosis = entry.probabilities.T
    of_melanoma, of_keratosis = entry.truth.T
    found = (
        roc_auc_score(of_melanoma, melanoma),
        average_precision_score(of_melanoma, melanoma),
        roc_auc_score(of_keratosis, keratosis),
    )
    assert len(entry.image_ids) == 600
    assert found == pytest.approx(PUBLISHED.get(name, found), abs=5.1e-5)
    assert min(found) > 0.6, "a file whose columns are exchanged would be below"
