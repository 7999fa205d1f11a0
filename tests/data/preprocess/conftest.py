"""One picture for the tests of decoding and of preprocessing."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture() -> Image.Image:
    """Smooth colours with some texture, 90 by 60 pixels."""
    y, x = np.mgrid[0:60, 0:90]
    noise = np.random.default_rng(0).normal(0, 8, (60, 90))
    rgb = np.stack([60 + 2 * x + noise, 40 + 3 * y + noise, 90 + x + y + noise], axis=-1)
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
