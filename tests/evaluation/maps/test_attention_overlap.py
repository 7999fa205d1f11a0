import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.attention_overlap import Overlap, attention_overlap, binarised, upsampled_maps


def random_maps(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, height, width)).astype(np.float32)


def by_torch(maps: np.ndarray, side: int) -> np.ndarray:
    large = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[:, None].double(), size=(side, side), mode="bilinear", align_corners=False
    )
    return large[:, 0].numpy()


@pytest.mark.parametrize(("height", "width", "side"), [(28, 28, 224), (14, 14, 224), (7, 9, 64), (1, 1, 8), (12, 5, 7)])
def test_up_sampling_is_torchs(height: int, width: int, side: int) -> None:
    maps = random_maps(3, height, width)
    assert upsampled_maps(maps, side) == pytest.approx(by_torch(maps, side), abs=1e-12)


def test_the_overlap_is_the_protocol_done_image_by_image() -> None:
    maps = random_maps(40, 14, 14)
    masks = (np.random.default_rng(1).random((40, 56, 56)) * 256).astype(np.uint8)
    found = attention_overlap(maps, masks, np.ones(40, dtype=bool))
    for large, mask, jaccard in zip(by_torch(maps, 56), masks, found, strict=True):
        marked = (large - large.min()) / (large.max() - large.min()) > 0.5
        assert jaccard == pytest.approx(jaccard_score((mask > 127).ravel(), marked.ravel()))


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.floats(0.01, 100), st.floats(-5, 5))
def test_scale_and_offset_of_a_map_do_not_matter(scale: float, offset: float) -> None:
    maps = random_maps(1, 7, 7).astype(np.float64)
    assert (binarised(maps * scale + offset, 28) == binarised(maps, 28)).mean() > 0.999


def test_a_map_that_is_its_mask_overlaps_wholly_and_a_turned_one_not_at_all() -> None:
    mask = np.zeros((1, 8, 8), dtype=np.uint8)
    mask[0, 2:6, 2:6] = 255
    known = np.ones(1, dtype=bool)
    assert attention_overlap(mask / 255, mask, known) == 1
    assert attention_overlap(1 - mask / 255, mask, known) == 0


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_map_marks_nothing_and_nothing_against_nothing_is_one(value: float) -> None:
    maps = np.full((2, 7, 7), value)
    masks = np.zeros((2, 224, 224), dtype=np.uint8)
    masks[1, :100] = 255
    assert attention_overlap(maps, masks, np.ones(2, dtype=bool)).tolist() == [1, 0]


def test_images_without_a_mask_have_no_overlap() -> None:
    masks = np.full((3, 16, 16), 255, dtype=np.uint8)
    found = attention_overlap(random_maps(3, 4, 4), masks, np.array([True, False, True]))
    assert np.isnan(found).tolist() == [False, True, False]
    assert np.isnan(attention_overlap(random_maps(3, 4, 4), masks, np.zeros(3, dtype=bool))).all()


def test_a_map_that_is_not_finite_is_refused() -> None:
    maps = random_maps(2, 4, 4)
    maps[1, 0, 0] = np.nan
    with pytest.raises(PredictionsError, match=r"1 of 2 maps hold .* not finite \(places 1\); expected"):
        attention_overlap(maps, np.zeros((2, 8, 8), dtype=np.uint8), np.ones(2, dtype=bool))


def test_overlaps_are_written_by_image_id_and_read_back(tmp_path: Path) -> None:
    overlap = Overlap(
        ("ISIC_1", "ISIC_2", "ISIC_3"),
        ("a", "a", "b"),
        {"pool3": np.array([0.1, np.nan, 1 / 3]), "pool4": np.array([0.0, np.nan, 1.0])},
    )
    overlap.write(tmp_path / "overlap.csv", "CC-0")
    lines = (tmp_path / "overlap.csv").read_text().splitlines()
    assert lines[:2] == ["image,group,jaccard_pool3,jaccard_pool4", "ISIC_1,a,0.1,0.0"]
    again = Overlap.read(tmp_path / "overlap.csv")
    assert (again.image_ids, again.groups) == (overlap.image_ids, overlap.groups)
    for name, column in overlap.jaccard.items():
        np.testing.assert_array_equal(again.jaccard[name], column)
    assert again.mean("pool3", resamples=50).value == pytest.approx((0.1 + 1 / 3) / 2)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=6))
def test_any_image_id_reads_back(names: list[str]) -> None:
    names = ["#1", 'a,"b"', "ü\r\n# c", *names]
    written = Overlap(tuple(names), tuple(reversed(names)), {"pool3": np.linspace(0, 1, len(names))})
    with tempfile.TemporaryDirectory() as folder:
        written.write(Path(folder) / "o.csv", "CC-0")
        read = Overlap.read(Path(folder) / "o.csv")
    assert (read.image_ids, read.groups) == (written.image_ids, written.groups)
    np.testing.assert_array_equal(read.jaccard["pool3"], written.jaccard["pool3"])


def test_another_file_is_no_table_of_overlaps(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="no overlaps at"):
        Overlap.read(tmp_path / "none.csv")
    path = tmp_path / "other.csv"
    path.write_text("image,label\nISIC_1,melanoma\n")
    with pytest.raises(PredictionsError, match=r"other\.csv is no table of overlaps"):
        Overlap.read(path)
    path.write_text("image,group,jaccard_pool3\nISIC_1,a,much\n")
    with pytest.raises(PredictionsError, match="column jaccard_pool3: found 'much', expected a number"):
        Overlap.read(path)
    with pytest.raises(PredictionsError, match="unequal length"):
        Overlap(("a",), ("a",), {"pool3": np.zeros(2)})
