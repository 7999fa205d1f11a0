"""A network of real images is exported, checked and used on real files of several sizes; skipped without them."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attnmel.config.load import load_recipe
from attnmel.errors import ExportError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.experiment import run_recipe
from attnmel.pipeline.export import check_images
from attnmel.pipeline.export.export import CheckedExport, export_onnx
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.run import Run

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SHARED = Path(__file__).parents[3] / "shared" / "data"

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no real images beside the project"),
]

RECIPE = (
    "data.size=64",
    "model.width=0.1",
    "loss.prior=none",
    "training.epochs=8",
    "training.batch=12",
    "training.precision=float32",
    "training.device=cpu",
)


def table(name: str) -> Iterator[dict[str, str]]:
    with (SHARED / "tables" / name).open(newline="") as file:
        yield from csv.DictReader(file)


def of_isic2017(split: str, kind: str) -> list[str]:
    wanted = {"split": split, "melanoma": str(int(kind == "melanoma")), "available": "1"}
    return [row["image"] for row in table("isic2017.csv") if wanted.items() <= row.items()]


def of_ham10000(split: str, kind: str) -> list[str]:
    part = {name.removesuffix(".jpg") for name in zipfile.ZipFile(SHARED / "ham10000-images-part1.zip").namelist()}
    found = (row["image_id"] for row in table("HAM10000_metadata.csv") if (row["dx"] == "mel") == (kind == "melanoma"))
    return sorted(part.intersection(found))


def of_isic2018_test(split: str, kind: str) -> list[str]:
    rows = table("ISIC2018_Task3_Test_GroundTruth.csv")
    return [row["image"] for row in rows if (float(row["MEL"]) == 1) == (kind == "melanoma")]


Chosen = Callable[[str, str], list[str]]

SOURCES: tuple[tuple[str, str, Chosen, int], ...] = (
    ("train", "isic2016-2018-images.zip", of_isic2017, 18),
    ("validation", "isic2016-2018-images.zip", of_isic2017, 6),
    ("test", "isic2016-2018-images.zip", of_isic2017, 5),
    ("test", "ham10000-images-part1.zip", of_ham10000, 5),
    ("test", "isic2018-task3-test-images.zip", of_isic2018_test, 5),
)
"""Split, archive, images of the split and kind, how many of each kind."""

SIZES = {(320, 320), (256, 256), (224, 224), (320, 213), (2250, 3000)}
"""Of the test images: of each source, one cut, and one enlarged to what a camera makes."""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic")
    rows = [["image", "label", "split"]]
    for split, archive, chosen, count in SOURCES:
        with zipfile.ZipFile(SHARED / archive) as images:
            for kind in ("melanoma", "rest"):
                for name in chosen(split, kind)[:count]:
                    (folder / f"{name}.jpg").write_bytes(images.read(f"{name}.jpg"))
                    rows.append([f"{name}.jpg", kind, split])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    first, second = [folder / name for name, _, split in rows if split == "test"][:2]
    with Image.open(io.BytesIO(first.read_bytes())) as image:
        image.crop((0, 50, 320, 263)).save(first, quality=95)
    with Image.open(io.BytesIO(second.read_bytes())) as image:
        image.crop((40, 0, 280, 320)).resize((2250, 3000), Image.Resampling.BICUBIC).save(second, quality=95)
    return folder


@pytest.fixture(scope="module")
def tested(clinic: Path) -> list[Path]:
    """The test images."""
    with (clinic / "labels.csv").open(newline="") as file:
        return [clinic / row["image"] for row in csv.DictReader(file) if row["split"] == "test"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(clinic: Path, home: Path, fabric: "Fabric", tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("runs") / "seed-0")
    run_recipe(load_recipe("demo", [f"data.dataset={clinic}", *RECIPE]), run, home=home, fabric=fabric)
    evaluate_run(Run(run, home))
    return run


@pytest.fixture(scope="module")
def exported(run: RunFolder, home: Path) -> CheckedExport:
    return export_onnx(run.path, home=home)


def test_the_test_images_have_several_sizes(tested: list[Path]) -> None:
    sizes = set()
    for path in tested:
        with Image.open(path) as image:
            sizes.add(image.size)
    assert sizes == SIZES


def test_the_file_is_as_near_as_wanted_on_real_images_in_every_engine(
    exported: CheckedExport, tested: list[Path]
) -> None:
    assert [one.images for one in exported.facts.parity] == [14, len(tested), len(tested)]
    for one in exported.facts.parity:
        assert one.probability <= 1e-4
        assert one.attention is not None
        assert one.attention <= 1e-3
    alone, *others = exported.facts.parity
    assert alone.auc is alone.judged_auc is None
    for one in others:
        assert one.auc is not None
        assert one.judged_auc is not None
        assert max(one.auc, one.judged_auc) < 0.01, "a pair in 225 may turn round where the network has no order"


def test_the_file_predicts_what_the_run_predicts(exported: CheckedExport, run: RunFolder, tested: list[Path]) -> None:
    by_torch = np.array([one.probabilities for one in predict_images(run.path, tested)])
    assert np.ptp(by_torch[:, 0]) > 0.01, "not all alike"
    many = [one.probabilities for one in predict_images(exported.path, tested)]
    alone = [next(iter(predict_images(exported.path, [path]))).probabilities for path in tested[:3]]
    np.testing.assert_allclose(many, by_torch, rtol=0, atol=1e-4)
    np.testing.assert_allclose(alone, by_torch[:3], rtol=0, atol=1e-4)


def test_int8_tells_its_cost_and_is_refused_past_the_bound(
    exported: CheckedExport,
    run: RunFolder,
    home: Path,
    tested: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check_images, "LARGE", (300, 200))  # drawn in no time; `exported` was checked on large ones
    found = export_onnx(run.path, home=home, out=tmp_path / "int8.onnx", int8=True, bound=1)
    assert len(found.facts.costs) == 2
    for one in found.facts.costs:
        assert (one.precision, one.images, one.positives) == ("int8", 30, 15)
        assert one.low <= one.difference <= one.high
        assert one.difference == pytest.approx(one.auc - one.float32)
    pairs = zip(predict_images(found.path, tested), predict_images(exported.path, tested), strict=True)
    apart = [np.abs(np.subtract(one.probabilities, other.probabilities)).max() for one, other in pairs]
    assert max(apart) == pytest.approx(found.facts.costs[0].probability, abs=1e-6)
    worst = max(one.most for one in found.facts.costs)
    assert worst > 0
    with pytest.raises(ExportError, match=r"int8 may cost too much: melanoma .* \(95 % interval .*\), and at most"):
        export_onnx(run.path, home=home, out=tmp_path / "refused.onnx", int8=True, bound=worst / 2)
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]
