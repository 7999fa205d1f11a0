"""Every CSV file that the program writes is a plain table, which pandas and a strict reader open."""

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import attnmel
from attnmel.data.audit.exclusions import Exclusion, write_exclusions
from attnmel.evaluation.maps.table import MapColumn, MapTable
from attnmel.files.folders import MasksFolder, RunFolder
from attnmel.files.table_files import NOTICES
from attnmel.pipeline.evaluate.leakage import write_leaks
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.images.seen_images import Leak
from attnmel.pipeline.segment.masks_table import MaskRow, read_masks_table, write_masks_table

if TYPE_CHECKING:
    from tests.conftest import Phantoms

ODD = ("=1+1", "ISIC_1", "Läsion", '#1, "a"', "'=2")
"""Image ids of every kind that a table must carry."""


@pytest.fixture(scope="module")
def tables(trained: RunFolder, phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tables")
    images = next((phantoms.home / "data").rglob("*Test_v2_Data"))
    predict_images(trained.path, [images], thresholds=(0.3,)).write(folder / "predicted.csv")
    numbers = np.array([0.1, np.nan, 1 / 3, 0.0, 1.0])
    one = MapTable(ODD, ODD, ("melanoma",) * 5, ("rest",) * 5, {MapColumn("cam", "jaccard", "lesion"): numbers})
    one.write(folder / "maps.csv", "CC-0")
    write_exclusions(folder / "exclusions.csv", [Exclusion("phantoms", name, "same file", name) for name in ODD])
    write_leaks(
        RunFolder(folder),
        [Leak("test", name, "same file", None, name, "train") for name in ODD],
        "test",
        "phantoms",
        "CC-0",
    )
    masks = [MaskRow(name, 0.9, 0.25, 1, "", "cannot be read" if name == ODD[0] else "") for name in ODD]
    write_masks_table(MasksFolder(folder / "masks"), "0" * 64, masks, "CC-0")
    return [*trained.path.rglob("*.csv"), *folder.rglob("*.csv")]


def test_a_table_is_its_header_and_rows_of_the_same_length(tables: list[Path]) -> None:
    names = {path.name for path in tables}
    assert names >= {
        "predicted.csv",
        "test.csv",
        "test-overlap.csv",
        "test-submission.csv",
        "images.csv",
        "history.csv",
    }
    assert names >= {"maps.csv", "exclusions.csv", "leakage.csv", "masks.csv"}
    for path in tables:
        assert b"\r" not in path.read_bytes(), path
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = csv.reader(file, strict=True)
        assert rows, path
        assert {len(row) for row in rows} == {len(header)}, path
        assert all(re.match(r"[a-z]", name) for name in header), path
        assert not any(cell.startswith(("=", "+", "@", "-", "\t")) for row in rows for cell in row if not number(cell))


def test_pandas_reads_names_and_numbers(tables: list[Path]) -> None:
    pandas = pytest.importorskip("pandas")
    for path in tables:
        found = pandas.read_csv(path)
        assert all(re.match(r"[a-z]", name) for name in found.columns), path
        for name in found.columns:
            if name.startswith(("probability_", "uncalibrated_", "decision_", "jaccard_", "cam|", "confidence")):
                assert found[name].dtype.kind in "if", (path, name)
    predicted = pandas.read_csv(next(path for path in tables if path.name == "predicted.csv"))
    stored = pandas.read_csv(next(path for path in tables if path.name == "test.csv"))
    joined = predicted.assign(image=predicted.image.map(lambda name: Path(name).stem)).merge(stored, on="image")
    assert len(joined) == len(stored) == 12
    assert joined.probability_melanoma_x.to_numpy() == pytest.approx(joined.probability_melanoma_y.to_numpy(), abs=1e-6)
    assert (joined["decision_melanoma_threshold_0.3"] == (joined.probability_melanoma_x > 0.3)).all()
    assert set(pandas.read_csv(next(path for path in tables if path.name == "maps.csv")).image) == {
        "'=1+1", "ISIC_1", "Läsion", '#1, "a"', "''=2",
    }  # fmt: skip


def test_what_is_guarded_reads_back(tables: list[Path]) -> None:
    assert MapTable.read(next(path for path in tables if path.name == "maps.csv")).image_ids == ODD
    masks = read_masks_table(MasksFolder(next(path for path in tables if path.name == "masks.csv").parent))
    assert masks is not None
    assert (masks.segmenter, tuple(masks.rows)) == ("0" * 64, ODD)


def test_a_notice_is_beside_the_tables(tables: list[Path]) -> None:
    for path in tables:
        if path.name == "predicted.csv":
            assert attnmel.NOTICE in path.with_name("predicted.csv.notice.txt").read_text(encoding="utf-8")
        elif path.name not in ("history.csv", "exclusions.csv"):
            assert attnmel.NOTICE in path.with_name(NOTICES).read_text(encoding="utf-8")


def test_one_function_writes_all_tables() -> None:
    source = Path(attnmel.__file__).parent
    writers = [path for path in source.rglob("*.py") if re.search(r"csv\.(Dict)?[Ww]riter\(", path.read_text())]
    assert {path.relative_to(source).as_posix() for path in writers} == {"files/table_files.py"}


def number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
