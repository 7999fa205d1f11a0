from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel.data.preprocess.array_file import write_rows
from attnmel.data.preprocess.cache_build import Work, prepared_row, prepared_rows
from attnmel.errors import ImageError
from attnmel.progress import SILENT


@pytest.fixture
def works(tmp_path: Path) -> list[Work]:
    """Twelve plain images, each of its own grey; number 5 is no image."""
    for number in range(12):
        Image.new("RGB", (20, 16), (number, number, number)).save(tmp_path / f"{number}.png")
    (tmp_path / "5.png").write_bytes(b"text")
    return [Work(f"i{number}", tmp_path / f"{number}.png", None, 1.0, 4) for number in range(12)]


@pytest.mark.parametrize("processes", [1, 2])
def test_rows_come_in_order_with_a_sentence_in_place_of_a_broken_one(works: list[Work], processes: int) -> None:
    rows = list(prepared_rows(works, processes))
    assert (
        rows[5] == "i5: 5.png is no picture; expected a picture in the format JPEG, PNG, TIFF, WebP, BMP, HEIC or DICOM"
    )
    greys = [row[0, 0, 0] for row in rows if isinstance(row, np.ndarray)]
    assert greys == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]


def test_a_row_without_a_mask_has_an_empty_one(works: list[Work]) -> None:
    row = prepared_row(works[3])
    assert isinstance(row, np.ndarray)
    assert row.shape == (4, 4, 4)
    assert (row == [3, 3, 3, 0]).all()


def test_rows_are_written_one_after_another(works: list[Work], tmp_path: Path) -> None:
    write_rows(tmp_path / "pixels", prepared_rows(works[:4], 1), total=4, label="", progress=SILENT)
    written = np.fromfile(tmp_path / "pixels", np.uint8).reshape(4, 4, 4, 4)
    assert written[:, 2, 2, 0].tolist() == [0, 1, 2, 3]


def test_broken_files_are_counted_and_named(works: list[Work], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^1 of 12 images cannot be used:\n  i5: 5\.png is no picture"):
        write_rows(tmp_path / "pixels", prepared_rows(works, 1), total=12, label="", progress=SILENT)
