"""The pictures of folders are found, and whatever is left out is reported with its reason."""

from pathlib import Path

import pytest
from PIL import Image
from tests.factories import Recorder

from attnmel.errors import ConfigError, ImageError
from attnmel.pipeline.predict.attention_maps import require_own_names
from attnmel.pipeline.predict.image_files import distinct_names, image_files, raise_for_failures


def found(folder: Path, progress: Recorder | None = None) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in image_files([folder], progress or Recorder())]


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")


def test_pictures_of_all_subfolders_are_found_in_order(tmp_path: Path) -> None:
    fill(tmp_path, "b.JPG", "a.png", "c.jpeg", "melanoma/a.tif", "melanoma/deep/z.webp", "nevus/a.bmp", "photo.jfif")
    names = ["a.png", "b.JPG", "c.jpeg", "melanoma/a.tif", "melanoma/deep/z.webp", "nevus/a.bmp", "photo.jfif"]
    assert found(tmp_path) == names


def test_everything_left_out_is_noted_with_its_reason(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "._a.jpg", ".git/x.jpg", "notes.txt", "a_segmentation.png", "a_superpixels.png")
    fill(tmp_path, "masks/a.png")
    fill(tmp_path, "deep/a-pool3.png", "deep/table.csv", "deep/b.jpg")
    (tmp_path / "other").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "deep")
    progress = Recorder()
    assert found(tmp_path, progress) == ["a.jpg", "deep/b.jpg"]
    assert progress.notes == [
        f"left out of {tmp_path}, hidden, as the ._ files of macOS are: 2 (.git/, ._a.jpg)",
        f"left out of {tmp_path}, a link to a folder, which is not followed: 1 (linked/)",
        f"left out of {tmp_path}, by name a mask or a map; to predict such a file, name it itself: 4 "
        "(masks/, a_segmentation.png, a_superpixels.png, deep/a-pool3.png)",
        f"left out of {tmp_path}, not a picture: 2 (notes.txt, deep/table.csv)",
    ]


def test_pictures_are_known_by_their_first_bytes_too(tmp_path: Path) -> None:
    for name, kind in {"photo": "JPEG", "photo.img": "PNG", "moving.gif": "GIF"}.items():
        Image.new("RGB", (8, 8)).save(tmp_path / name, kind)
    assert found(tmp_path) == ["moving.gif", "photo", "photo.img"]


def test_labels_are_not_read_and_masks_are_no_photographs(tmp_path: Path) -> None:
    fill(tmp_path, "labels.csv", "images/b.png", "images/a.png", "masks/a.png", "masks/b.png")
    assert found(tmp_path) == ["images/a.png", "images/b.png"]


def test_a_name_without_an_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no image at .*; expected a file or a folder of pictures \(JPEG, PNG, TIFF"):
        image_files([tmp_path])
    with pytest.raises(ImageError, match=r"no image at .*gone\.jpg"):
        image_files([tmp_path / "gone.jpg"])


def test_a_mask_that_is_named_itself_is_taken(tmp_path: Path) -> None:
    fill(tmp_path, "a_mask.png")
    assert image_files([tmp_path / "a_mask.png"]) == [tmp_path / "a_mask.png"]


def test_others_are_done_only_where_there_are_others() -> None:
    with pytest.raises(ImageError, match=r"^2 of 2 images could not be used:\n  a is empty\n  b is empty$"):
        raise_for_failures(["a is empty", "b is empty"], 2)
    with pytest.raises(ImageError, match=r"^1 of 2 images could not be used; the others are done:"):
        raise_for_failures(["a is empty"], 2)


def test_names_that_repeat_take_their_folders_with_them(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("melanoma/1.jpg", "nevus/1.JPG", "nevus/2.jpg", "nevus/deep/x.png")]
    names = dict(zip(paths, ("melanoma/1", "nevus/1", "2", "x"), strict=True))
    assert distinct_names(paths) == names
    require_own_names(paths, "leave out --maps")
    with pytest.raises(
        ConfigError, match=r"two images are called 'melanoma/1', .*1\.jpg and .*1\.png; their maps would"
    ):
        require_own_names([*paths, tmp_path / "melanoma/1.png"], "leave out --maps")


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    try:
        (tmp_path / "L\udce4sion.jpg").write_bytes(b"content")
    except OSError:
        pytest.skip("this disk refuses such names")
    assert found(tmp_path) == ["L\udce4sion.jpg"]
