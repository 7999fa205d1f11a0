"""A folder of masks that has some of the images alone: the others keep the central square, and a note counts them."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.factories import Recorder

from attnmel.config.recipe import Recipe
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import LabelError
from attnmel.pipeline.run.images.crops import open_crop

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_a_mask_folder_that_is_half_empty_is_counted_and_an_empty_one_refused(
    tiny: Recipe, phantoms: "Phantoms", tmp_path: Path
) -> None:
    dataset, masks = read_dataset("phantoms", phantoms.home), tmp_path / "masks"
    lesions = dataset.lesions[:6]
    masks.mkdir()
    data = tiny.data.model_copy(update={"crop": "lesion", "crop_masks": str(masks)})
    with pytest.raises(LabelError) as refused:
        open_crop(data, dataset, lesions, home=tmp_path)
    assert str(refused.value) == (
        "data.crop = 'lesion', but none of the 6 images of phantoms has a mask; add the masks, or write them with "
        "`attnmel segment predict` and set data.crop_masks"
    )
    for place, lesion in enumerate(lesions[:3]):
        with Image.open(lesion.image) as picture:
            mask = np.zeros((picture.height, picture.width), dtype=np.uint8)
        mask[10:40, 20:60] = 255 * (place > 0)  # the first marks nothing
        Image.fromarray(mask).save(masks / f"{lesion.image_id}_segmentation.png")
    progress = Recorder()
    cache = open_crop(data, dataset, lesions, home=tmp_path, progress=progress)
    assert len(cache.image_ids) == 6
    assert len(cache.without_lesion) == 4
    assert (
        "4 of 6 images have no lesion mask, or an empty one; their crop is the largest central square" in progress.notes
    )
