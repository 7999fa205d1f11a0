"""What `verify` prints of what was found: a sentence for what is wrong alike, and its first places."""

from pathlib import Path

import pytest
from PIL import Image

from attnmel.data.datasets.own.folder import TableReading
from attnmel.data.verify import Finding, Verification, verify_dataset
from attnmel.pipeline.data.verify import notes_on, printed_notes

ROWS = 60


@pytest.fixture
def found(tmp_path: Path) -> Verification:
    """Sixty rows: every second label is wrong, every third image is not there, ten images have no row."""
    names = [f"a{row:02}" for row in range(ROWS)]
    for name in [name for row, name in enumerate(names) if row % 3] + [f"b{extra}" for extra in range(10)]:
        Image.new("RGB", (8, 8), (200, 160, 140)).save(tmp_path / f"{name}.png")
    rows = "".join(f"{name},{'rest' if row % 2 else 'naevuss'}\n" for row, name in enumerate(names))
    (tmp_path / "labels.csv").write_text(f"image,label\n{rows}")
    return verify_dataset(str(tmp_path), tmp_path / "home", reading=TableReading(("rest", "melanoma")), workers=1)


def test_a_problem_of_many_rows_is_one_sentence_with_its_first_lines(found: Verification) -> None:
    by_kind = found.by_kind()
    assert len(by_kind["folder table"]) == 20  # of 30 wrong labels, 10 are of rows without image
    assert printed_notes(found, by_kind["folder table"]) == (
        "labels.csv: lines 4, 6, 10, 12, 16 and 15 more, column label: found 'naevuss', expected one of rest, melanoma "
        "('rest' for every other diagnosis), or 0 to 1; a further diagnosis is added to the setting data.classes "
        "(docs/training/data.md)",
    )
    (missing,) = printed_notes(found, by_kind["row without image"])
    assert missing.startswith("labels.csv: lines 2, 5, 8, 11, 14 and 15 more, column image: found 'a00', 'a03', 'a06',")
    assert ", 'a12' and 15 more, of which there is no file (" in missing


def test_the_json_has_every_row_with_its_line(found: Verification) -> None:
    rows = [one for one in found.to_dict()["findings"] if one["kind"] == "folder table"]
    assert [one["line"] for one in rows] == [row + 2 for row in range(ROWS) if row % 2 == 0 and row % 3]
    assert rows[0]["detail"].startswith("line 4, column label: found 'naevuss'")


def test_files_wrong_alike_are_one_sentence_and_the_rest_is_counted() -> None:
    alike = [Finding("image without row", "", f"b{number}.png", "no row names it") for number in range(7)]
    other = [Finding("image black", name, f"{name}.png", f"its mean is {name}") for name in ("x", "y", "z")]
    assert notes_on([*alike, *other], most=2) == (
        "b0.png, b1.png, b2.png, b3.png, b4.png and 2 more: no row names it",
        "x x.png: its mean is x",
        "and 2 more; all are in the output of --json",
    )
