"""A segmenter and an image -> the probability of lesion at its pixels, and its mask; with torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from torch import nn

from attnmel.compute import runtime
from attnmel.data.image_files.picture import ImageSource
from attnmel.data.preprocess.images import image_size, normalised, prepared_image, unsquashed
from attnmel.models.segmenter import SegmenterCard, load_segmenter
from attnmel.models.weights.checkpoints import checkpoint_file


class SegmenterMasks:
    """A segmenter that draws the mask of one image at a time, in the size of the image; usable by several threads.

    Raises:
        CheckpointError: the file cannot be used.
        ConfigError: MONAI is not installed.
    """

    def __init__(self, path: Path) -> None:
        network, self.card = load_segmenter(path)
        self.file = checkpoint_file(path)
        self._device = runtime.choose_device()
        self._network = network.to(self._device)

    def __call__(self, image: ImageSource) -> Bool[np.ndarray, "H W"]:
        """Draw the mask of an image.

        Raises:
            ImageError: the file cannot be used.
        """
        square = prepared_image(image, crop=None, side=self.card.size)
        (found,) = lesion_probabilities(self._network, self.card, [square], self._device)
        return unsquashed(found, *image_size(image)) > self.card.threshold


@torch.inference_mode()
def lesion_probabilities(
    network: nn.Module, card: SegmenterCard, squares: Sequence[UInt8[np.ndarray, "s s 3"]], device: torch.device
) -> Float32[np.ndarray, "B s s"]:
    """Return the probability of lesion at every pixel of whole images, squashed to squares of the segmenter's size."""
    inputs = np.stack([normalised(one, card.mean, card.std) for one in squares])
    images = torch.from_numpy(inputs).to(device).contiguous(memory_format=torch.channels_last)
    return network(images).sigmoid()[:, 0].float().cpu().numpy()
