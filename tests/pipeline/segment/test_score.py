"""Predicted masks against true ones: scikit-learn's Jaccard, missing masks, and what the segmenter knew."""

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.metrics import jaccard_score
from tests.strangers.datasets.make_sets import write_ph2

from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.data.priors.sources import prior_files
from attnmel.errors import ConfigError, PredictionsError
from attnmel.files.folders import MasksFolder, RunFolder, predicted_masks
from attnmel.pipeline.segment.masks_table import MaskRow, write_masks_table
from attnmel.pipeline.segment.predict import predict_masks
from attnmel.pipeline.segment.score import MasksScore, score_masks

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def drawn(segmenter: RunFolder, phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> MasksFolder:
    """Masks of all phantoms by the tiny segmenter; with one removed."""
    out = tmp_path_factory.mktemp("masks")
    folder = predict_masks(segmenter.path, ["phantoms"], home=phantoms.home, out=out).folder
    next(out.glob("*.png")).unlink()
    return folder


def jaccards(phantoms: "Phantoms", folder: MasksFolder, split: str | None = None) -> dict[str, float]:
    """Jaccard by image id; 0 without a mask."""
    found = {}
    for one in read_dataset("phantoms", phantoms.home).lesions:
        if one.mask is None or split not in (None, one.split):
            continue
        true, path = np.asarray(Image.open(one.mask)) > 128, folder.mask(one.image_id)
        mine = np.asarray(Image.open(path)) > 128 if path.is_file() else np.zeros_like(true)
        found[one.image_id] = float(jaccard_score(true.ravel(), mine.ravel()))
    return found


def value(scored: MasksScore, kind: str, name: str, measure: str = "jaccard") -> float:
    (part,) = (one for one in scored.parts if (one.kind, one.name) == (kind, name))
    return part.figures[measure].value


def test_the_jaccard_is_scikit_learns_and_a_missing_mask_counts_as_empty(
    phantoms: "Phantoms", drawn: MasksFolder
) -> None:
    scored = score_masks("phantoms", drawn.path, home=phantoms.home, resamples=50)
    own = jaccards(phantoms, drawn)
    assert scored.images == len(own)
    assert value(scored, "all", "all") == pytest.approx(np.mean([*own.values()]))
    passing = [one if one >= 0.65 else 0 for one in own.values()]
    assert value(scored, "all", "all", "threshold_jaccard") == pytest.approx(np.mean(passing))
    missing = sum(not drawn.mask(image_id).is_file() for image_id in own)
    assert scored.missing == missing
    assert f"{missing} of {len(own)} images have no mask; each counts as an empty one." in scored.markdown()


def test_parts_by_diagnosis_and_flag_hold_every_image_once(phantoms: "Phantoms", drawn: MasksFolder) -> None:
    scored = score_masks("phantoms", drawn.path, home=phantoms.home, resamples=50)
    for kind in ("diagnosis", "flag", "segmenter"):
        assert sum(part.images for part in scored.parts if part.kind == kind) == scored.images
    own = jaccards(phantoms, drawn)
    melanomas = [one.image_id for one in read_dataset("phantoms", phantoms.home).lesions if one.diagnosis == "melanoma"]
    expected = np.mean([own[image_id] for image_id in melanomas])
    assert value(scored, "diagnosis", "melanoma") == pytest.approx(expected)


def test_images_that_the_segmenter_knew_are_told_and_scored_apart(phantoms: "Phantoms", drawn: MasksFolder) -> None:
    scored = score_masks("phantoms", drawn.path, home=phantoms.home, resamples=50)
    assert f"learnt from 18 of these {scored.images} images and chose its epoch by 6." in scored.markdown()
    unseen = {**jaccards(phantoms, drawn, "test"), **jaccards(phantoms, drawn, "validation")}
    assert value(scored, "segmenter", "never saw them") == pytest.approx(np.mean([*unseen.values()]))
    test = score_masks("phantoms", drawn.path, home=phantoms.home, split="test", resamples=50)
    assert value(test, "all", "all") == pytest.approx(np.mean([*jaccards(phantoms, drawn, "test").values()]))
    assert not [part for part in test.parts if part.kind == "segmenter"]


def test_the_correlation_is_of_confidence_with_jaccard(phantoms: "Phantoms", drawn: MasksFolder) -> None:
    own = jaccards(phantoms, drawn)
    with drawn.table.open() as file:
        confidence = {row["image"]: float(row["confidence"]) for row in csv.DictReader(file)}
    expected = stats.spearmanr([confidence[image_id] for image_id in own], [*own.values()])[0]
    scored = score_masks("phantoms", drawn.path, home=phantoms.home, resamples=50)
    assert scored.confidence_correlation == pytest.approx(expected)


def test_masks_of_any_origin_are_scored_without_a_table(
    phantoms: "Phantoms", drawn: MasksFolder, tmp_path: Path
) -> None:
    for path in drawn.path.glob("*.png"):
        shutil.copy(path, tmp_path)
    scored = score_masks("phantoms", tmp_path, home=phantoms.home, resamples=50)
    assert {part.kind for part in scored.parts} == {"all", "diagnosis"}
    assert np.isnan(scored.confidence_correlation)
    assert "what the segmenter learnt from is not known" in scored.markdown()


def test_masks_of_another_size_are_named(phantoms: "Phantoms", drawn: MasksFolder, tmp_path: Path) -> None:
    path = next(drawn.path.glob("*.png"))
    Image.new("L", (7, 5), 255).save(tmp_path / path.name)
    with pytest.raises(PredictionsError, match=r"1 of 46 pairs .* is 7 x 5 pixels, but the true mask .* is 120 x 90"):
        score_masks("phantoms", tmp_path, home=phantoms.home)


def test_a_folder_of_ones_own_needs_a_folder_of_masks(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("image,label\na,nevus\n")
    with pytest.raises(ConfigError, match="name the folder of masks too"):
        score_masks(str(tmp_path), home=tmp_path)


def test_masks_of_other_images_alone_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    Image.new("L", (9, 9), 255).save(tmp_path / "a-mask.png")
    (tmp_path / "labels.csv").write_text("image,label,mask\na.png,nevus,a-mask.png\n")
    masks = MasksFolder(tmp_path / "masks")
    masks.path.mkdir()
    Image.new("L", (9, 9), 255).save(masks.mask("a.jpg"))
    with pytest.raises(
        PredictionsError, match=r"none of the 1 masks in .* is of the 1 images of .* \(a\.jpg\); expected"
    ):
        score_masks(str(tmp_path), masks.path, home=tmp_path)
    # One that a segmenter found empty is no file.
    write_masks_table(masks, "0" * 64, [MaskRow("a", 0.1, 0.0, 0, "empty")], "none")
    assert value(score_masks(str(tmp_path), masks.path, home=tmp_path, resamples=20), "all", "all") == 0


def test_a_data_set_that_is_unpacked_by_hand_has_a_folder_of_masks_of_its_own(tmp_path: Path) -> None:
    write_ph2(tmp_path / "data" / "ph2", 4)
    ph2 = read_dataset("ph2", tmp_path)
    folder = predicted_masks(tmp_path, "ph2")
    folder.path.mkdir(parents=True)
    for one in ph2.lesions:
        assert one.mask is not None
        Image.open(one.mask).save(folder.mask(one.image_id))
    assert value(score_masks("ph2", home=tmp_path, resamples=50), "all", "all") == 1
    assert len(prior_files("lesion", "predicted", ph2, ph2.lesions, tmp_path)) == 4


def test_masks_of_images_of_one_name_are_found_in_the_folders_that_predict_writes(tmp_path: Path) -> None:
    rows, out = ["image,label,mask"], MasksFolder(tmp_path / "out")
    for place, side in (("a", 20), ("b", 10)):
        (tmp_path / place).mkdir()
        mask = np.zeros((30, 40), dtype=np.uint8)
        mask[:side, :side] = 255
        Image.new("RGB", (40, 30)).save(tmp_path / place / "1.jpg")
        Image.fromarray(mask).save(tmp_path / place / "true.png")
        out.mask(f"{place}/1").parent.mkdir(parents=True)
        Image.fromarray(mask).save(out.mask(f"{place}/1"))
        rows.append(f"{place}/1.jpg,nevus,{place}/true.png")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    assert value(score_masks(str(tmp_path), out.path, home=tmp_path, resamples=50), "all", "all") == 1
    out.mask("a/1").unlink()  # as where it was empty
    scored = score_masks(str(tmp_path), out.path, home=tmp_path, resamples=50)
    assert (scored.missing, value(scored, "all", "all")) == (1, 0.5)
