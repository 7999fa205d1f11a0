"""What a folder of masks lacks is said before the first image is predicted."""

from pathlib import Path

import pytest
from tests.factories import Recorder

from attnmel.errors import ConfigError
from attnmel.pipeline.predict.masks.lesion_masks import LesionMasks, note_masks
from attnmel.pipeline.predict.masks.mask_options import open_masks


def masks(folder: Path, *names: str) -> LesionMasks:
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    return open_masks(folder, None)


def test_images_without_a_mask_and_masks_of_jpeg_are_named(tmp_path: Path) -> None:
    found, progress = masks(tmp_path / "masks", "a_mask.png", "b.jpg", "z.png"), Recorder()
    note_masks(found, [tmp_path / f"{name}.jpg" for name in "abcd"], progress)
    assert progress.notes == [
        f"2 of 4 images have no mask in {tmp_path / 'masks'}: c, d",
        "1 mask is a JPEG file, which blurs the border of what was drawn: levels above 127 count as lesion",
    ]


def test_a_folder_without_a_mask_of_any_image_is_refused(tmp_path: Path) -> None:
    found = masks(tmp_path / "masks", "z.png")
    expected = r"--masks .*masks has a mask of none of the 2 images; expected a_segmentation\.png or a\.png there, or l"
    with pytest.raises(ConfigError, match=expected):
        note_masks(found, [tmp_path / "a.jpg", tmp_path / "b.jpg"], Recorder())
