"""The mask of an image is found wherever it lies in a folder of masks, and never taken for another's."""

from pathlib import Path

import pytest

from attnmel.data.datasets.own.masks import FolderMasks
from attnmel.errors import LabelError


def masks(folder: Path, *names: str, left_out: tuple[str, ...] = ()) -> FolderMasks:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return FolderMasks(folder, left_out)


@pytest.mark.parametrize(
    "name", ["a.png", "a_segmentation.png", "a_Mask.PNG", "a-seg.tif", "sub/a_mask.jpg", "deep/er/a.bmp"]
)
def test_a_mask_is_found_by_the_name_of_its_image(tmp_path: Path, name: str) -> None:
    found = masks(tmp_path, name, "b.png", ".hidden/a.png", "._a.png")
    assert found.find("a") == tmp_path / name
    assert found.find("c") is None


def test_next_to_a_photograph_the_mask_is_the_file_that_is_png_or_called_so(tmp_path: Path) -> None:
    found = masks(tmp_path, "a.jpg", "a.png", "b.jpg", "b_mask.jpg")
    assert (found.find("a"), found.find("b")) == (tmp_path / "a.png", tmp_path / "b_mask.jpg")


def test_masks_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    found = masks(tmp_path / "masks", "nevus/1.png", "melanoma/1_mask.png")
    assert found.find("nevus/1") == tmp_path / "masks" / "nevus" / "1.png"
    assert found.find("1", tmp_path / "images" / "melanoma" / "1.jpg") == tmp_path / "masks" / "melanoma" / "1_mask.png"
    with pytest.raises(
        LabelError, match=r"masks has 2 masks of 1: melanoma/1_mask\.png, nevus/1\.png; name one of the"
    ):
        found.find("1", tmp_path / "1.jpg")


def test_two_masks_of_an_image_in_one_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="images with two masks: a; expected each once"):
        masks(tmp_path, "a.png", "a_segmentation.png")


def test_masks_that_are_left_out_are_not_found(tmp_path: Path) -> None:
    assert masks(tmp_path, "a.png", left_out=("a",)).find("a") is None


def test_the_mask_of_another_folder_is_not_taken_for_that_of_an_image_whose_name_occurs_again(tmp_path: Path) -> None:
    found = masks(tmp_path / "masks", "b/1_segmentation.png", "2.png", "set/c/3.png")
    assert found.find("a/1") is None
    assert found.find("x/b/1") == found.find("b/1") == tmp_path / "masks" / "b" / "1_segmentation.png"
    assert found.find("a/2") == tmp_path / "masks" / "2.png"
    assert found.find("c/3") == tmp_path / "masks" / "set" / "c" / "3.png"


def test_one_mask_for_images_of_one_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    found = masks(tmp_path / "masks", "1.png", "2.png")
    images = [(f"{folder}/1", tmp_path / folder / "1.jpg") for folder in "ab"]
    with pytest.raises(LabelError, match=r"1\.png fits 2 images: .*a/1\.jpg, .*b/1\.jpg; put the mask of each into a"):
        found.find_each(images)
    others = [("2", tmp_path / "2.jpg"), ("2", tmp_path / "2.png"), ("3", tmp_path / "3.jpg")]
    one, two = (tmp_path / "masks" / name for name in ("1.png", "2.png"))
    assert found.find_each([images[0], *others]) == [one, two, two, None]
