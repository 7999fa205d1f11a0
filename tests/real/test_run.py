"""Real images and masks through fetch, cache, training, overlap and report; skipped without ../shared/data."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.datasets.own.folder import TableReading
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.report.report import report_runs
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.run import Run
from attnmel.records import Lesion, Split

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SHARED = Path(__file__).parents[3] / "shared" / "data"
MADE_BY = SHARED / "make_mirror.py"

COUNTS: dict[Split, int] = {"train": 12, "validation": 4, "test": 6}
"""Images of each class that the folder gets."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not MADE_BY.is_file(), reason="no real images beside the project"),
]


@pytest.fixture(scope="module")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lesion, ...]:
    """The reduced ISIC 2017, fetched from a mirror made of ../shared/data."""
    mirror, home = tmp_path_factory.mktemp("mirror"), tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, str(MADE_BY), str(mirror), "2017"], check=True, capture_output=True)
    fetch("isic2017", home, mirror=mirror.as_uri())
    return read_dataset("isic2017", home, reading=TableReading(("rest", "melanoma"))).lesions


@pytest.fixture(scope="module")
def clinic(lesions: tuple[Lesion, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own with some of these images, their masks and a table."""
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "masks").mkdir()
    rows = [["image", "label", "mask", "split"]]
    for split, count in COUNTS.items():
        for label in ("melanoma", "rest"):
            fitting = [one for one in lesions if one.split == split and _label(one) == label and one.mask is not None]
            for lesion in fitting[:count]:
                assert lesion.mask is not None
                shutil.copy(lesion.image, folder)
                shutil.copy(lesion.mask, folder / "masks")
                rows.append([lesion.image.name, label, f"masks/{lesion.mask.name}", split])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def _label(lesion: Lesion) -> str:
    return "melanoma" if lesion.diagnosis == "melanoma" else "rest"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own-home")


@pytest.fixture(scope="module")
def run(clinic: Path, home: Path, fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    settings = (
        f"data.dataset={clinic}",
        "data.size=32",
        "model.width=0.05",
        "training.epochs=1",
        "training.batch=8",
        "training.precision=float32",
        "training.device=cpu",
    )
    run = RunFolder(tmp_path_factory.mktemp("runs") / "seed-0")
    run_recipe(load_recipe("demo", settings), run, home=home, fabric=fabric)
    return run


def test_the_mirror_holds_the_official_splits(lesions: tuple[Lesion, ...]) -> None:
    counts = {split: sum(lesion.split == split for lesion in lesions) for split in COUNTS}
    assert counts == {"train": 2000, "validation": 150, "test": 600}
    assert sum(lesion.mask is None for lesion in lesions if lesion.split != "test") == 0


def test_the_cache_holds_the_central_squares_of_real_images_and_masks(clinic: Path, home: Path) -> None:
    recipe = load_recipe("demo", [f"data.dataset={clinic}", "data.size=32"])
    prepared = prepare(recipe.data, home=home)
    assert prepared.cache.has_mask.all()
    for row, lesion in enumerate(prepared.lesions):
        assert lesion.mask is not None
        image, mask = _square(lesion.image), _square(lesion.mask)
        side = prepared.cache.side
        # A plain box filter after decoding the whole picture: another way, so near and not alike.
        small = np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=float)
        assert np.abs(prepared.cache.images[row] - small).mean() < 6
        covered = np.asarray(mask.convert("L").resize((side, side), Image.Resampling.BOX), dtype=float)
        assert np.abs(prepared.cache.masks[row] - covered).mean() < 6
        assert 0 < prepared.cache.masks[row].mean() <= 255


def _square(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        width, height = picture.size
        side = round(0.8 * min(width, height))
        left, top = (width - side) // 2, (height - side) // 2
        return picture.convert("RGB").crop((left, top, left + side, top + side))


def test_real_images_are_judged_with_overlap(run: RunFolder, home: Path) -> None:
    judged = evaluate_run(Run(run, home))
    assert (judged.judgement.images, judged.masks) == (12, 12)
    assert 0 <= judged.judgement.row("melanoma", "auc").value <= 1
    assert set(judged.overlap) == {"pool3", "pool4"}
    assert all(0 < interval.value < 1 for interval in judged.overlap.values())


def test_real_images_stand_in_the_report(run: RunFolder, home: Path, tmp_path: Path) -> None:
    page = report_runs([Run(run, home)], out=tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") >= 6
    assert "jaccard" in page.lower()
