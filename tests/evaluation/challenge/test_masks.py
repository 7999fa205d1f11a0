import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel.errors import PredictionsError
from attnmel.evaluation.challenge.masks import (
    evaluate_masks,
    mask_measures,
    mask_pixels,
    masks_in,
    read_masks,
)
from attnmel.evaluation.challenge.rules import MASKS, Rules

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a mask into a folder below the test's."""

    def mask(folder: str, image_id: str, grey: np.ndarray, mode: str = "L") -> Path:
        path = tmp_path / folder / f"{image_id}_segmentation.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(grey.astype(np.uint8)).convert(mode).save(path)
        return path

    return mask


def box(rows: int, columns: int, level: int = 255) -> np.ndarray:
    """A rectangle of lesion in the corner of a 10 x 10 image."""
    grey = np.zeros((10, 10))
    grey[:rows, :columns] = level
    return grey


def test_every_mean_agrees_with_the_official_program(write: Write, tmp_path: Path) -> None:
    segmentation = pytest.importorskip("isic_challenge_scoring.segmentation")
    chance = np.random.default_rng(0)
    for number in range(12):
        true = box(int(chance.integers(0, 11)), int(chance.integers(0, 11)))
        noisy = np.where(chance.random((10, 10)) < 0.08 * (number % 4), 255 - true, true)
        write("truth", f"ISIC_{number:07}", true)
        write("given", f"ISIC_{number:07}", np.where(noisy > 0, chance.choice([128, 129, 200]), 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package is older than the libraries it uses
        official = segmentation.SegmentationScore.from_dir(tmp_path / "truth", tmp_path / "given")
    judged = evaluate_masks(read_masks(tmp_path / "given", masks_in(tmp_path / "truth")), resamples=5)
    assert judged.row(MASKS, "threshold_jaccard").value == pytest.approx(official.overall, abs=1e-9)
    found = {row.measure: row.value for row in judged.rows}
    assert found == pytest.approx(official.macro_average.to_dict(), abs=1e-9)


def test_an_overlap_below_065_counts_as_0() -> None:
    # 13 of 20 pixels are exactly .65, 12 of 20 are not enough.
    pixels = np.array([[13, 7, 0, 80], [12, 8, 0, 80]])
    found = mask_measures(pixels, Rules())
    assert found["jaccard"].tolist() == [0.65, 0.6]
    assert found["threshold_jaccard"].tolist() == [0.65, 0]
    assert found["dice"] == pytest.approx([26 / 33, 24 / 32])


def test_grey_128_is_skin() -> None:
    grey = np.array([[128, 129], [0, 255]], dtype=np.uint8)
    assert mask_pixels(grey, np.full((2, 2), 255, dtype=np.uint8)).tolist() == [2, 0, 2, 0]


@pytest.mark.parametrize(("undefined", "worth"), [("one", 1.0), ("nan", np.nan), ("zero", 0.0)])
def test_nothing_against_nothing_is_what_the_rule_says(undefined: str, worth: float) -> None:
    found = mask_measures(np.array([[0, 0, 0, 100]]), Rules(undefined=undefined))  # type: ignore[arg-type]
    assert [found[name][0] for name in ("jaccard", "threshold_jaccard", "dice")] == pytest.approx(
        [worth] * 3, nan_ok=True
    )


def test_all_that_is_wrong_with_a_folder_is_told_at_once(write: Write, tmp_path: Path) -> None:
    for number in range(4):
        write("truth", f"ISIC_{number}", box(5, 5))
    write("given", "ISIC_0", box(5, 5))
    write("given", "ISIC_1", np.zeros((4, 6)))
    write("given", "ISIC_2", box(5, 5)).write_bytes(b"\x89PNG\r\n\x1a\n")
    write("given", "ISIC_9", box(5, 5))
    with pytest.raises(PredictionsError) as told:
        read_masks(tmp_path / "given", masks_in(tmp_path / "truth"))
    first, *lines = str(told.value).splitlines()
    assert first == "4 problems; correct them all:"
    assert lines[0] == "  given: found ISIC_9_segmentation.png, expected the masks of the truth only"
    assert lines[1] == "  given: found no mask of 1 of 4 images (ISIC_3), expected <image>_segmentation.png for each"
    assert lines[2] == (
        "  given: found ISIC_1_segmentation.png of 6 x 4 pixels, expected 10 x 10, as ISIC_1_segmentation.png"
    )
    assert lines[3].startswith("  given: found a mask that cannot be read: ISIC_2_segmentation.png is truncated")


def test_a_coloured_mask_is_read_and_noted(write: Write, tmp_path: Path) -> None:
    write("truth", "ISIC_0", box(5, 5))
    write("given", "ISIC_0", box(5, 5), "RGB")
    entry = read_masks(tmp_path / "given", masks_in(tmp_path / "truth"))
    assert entry.pixels.tolist() == [[25, 0, 0, 75]]
    assert entry.notes == (
        "1 of 1 masks are not stored in grey, which the official program refuses; converted",
        "every mask equals the true one: it looks like the folder of the truth itself, so the measures say nothing of "
        "a segmenter; name the folder of its masks",
    )
    write("given", "ISIC_0", box(5, 4))
    assert read_masks(tmp_path / "given", masks_in(tmp_path / "truth")).notes == ()


def test_an_excluded_image_needs_no_mask(write: Write, tmp_path: Path) -> None:
    write("truth", "ISIC_0", box(5, 5))
    write("truth", "ISIC_1", box(5, 5))
    write("given", "ISIC_0", box(5, 5))
    entry = read_masks(tmp_path / "given", masks_in(tmp_path / "truth"), excluded=["ISIC_1"])
    assert (entry.image_ids, entry.left_out) == (("ISIC_0",), ("ISIC_1",))


def test_a_folder_without_masks_or_with_two_of_an_image_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"no folder at .*none; expected one of masks, <image>_segmentation.png"):
        masks_in(tmp_path / "none")
    with pytest.raises(PredictionsError, match=r"no mask in .*; expected files called <image>_segmentation.png"):
        masks_in(tmp_path)
    first = write("given", "ISIC_0", box(5, 5))
    first.with_name("ISIC_0_Segmentation.png").write_bytes(first.read_bytes())
    with pytest.raises(PredictionsError, match="two masks of one image: ISIC_0_"):
        masks_in(tmp_path / "given")
