"""How far a dropped colour profile moves pixels and probabilities: images that are written in other colour spaces.

    python benchmarks/prediction/colour_profiles.py [FOLDER]

Without a folder of JPEG files, the example images are taken. Each is converted from sRGB to a space and saved as PNG
with its profile; then it is read without the profile, as if its numbers were sRGB, and with it, as `attnmel` reads it.
Printed: mean difference from the original in grey levels, by channel, and the mean and largest change of the
probability of melanoma.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from attnmel import Predictor
from attnmel.data.image_files.colour.conversion import FLAGS, INTENT
from attnmel.data.image_files.colour.png_profile import SRGB_CURVE, profile_of
from attnmel.data.image_files.reading import read_image
from attnmel.pretrained.examples import example_images

SPACES = {
    "Display P3": profile_of((0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06), SRGB_CURVE),
    "Adobe RGB": profile_of((0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), (563 / 256,)),
    "ProPhoto RGB": profile_of((0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), (1.8,)),
}


def main() -> None:
    """Print one line a colour space."""
    predictor = Predictor("pretrained")
    given = sorted(Path(sys.argv[1]).glob("*.jpg")) if len(sys.argv) > 1 else example_images("example:all") or []
    originals = [np.asarray(read_image(path).pixels) for path in given]
    before = np.array([predictor.predict(image).probabilities["melanoma"] for image in originals])
    print(f"{len(originals)} images; without and with the profile: red, green, blue; mean and largest change")
    for name, profile in SPACES.items():
        files = [written(image, profile) for image in originals]
        dropped = [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]
        line = [name]
        for pictures in (dropped, [np.asarray(read_image(file).pixels) for file in files]):
            pairs = zip(pictures, originals, strict=True)
            off = np.mean([np.abs(found.astype(float) - right).mean(axis=(0, 1)) for found, right in pairs], axis=0)
            after = np.array([predictor.predict(image).probabilities["melanoma"] for image in pictures])
            change = np.abs(after - before)
            line += [", ".join(f"{value:.1f}" for value in off), f"{change.mean():.3f}, {change.max():.3f}"]
        print(" | ".join(line))


def written(image: np.ndarray, profile: bytes) -> bytes:
    """Return an sRGB picture as a PNG of another colour space, with its profile."""
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(srgb, ImageCms.getOpenProfile(io.BytesIO(profile)), "RGB", "RGB", INTENT, FLAGS)
    stream = io.BytesIO()
    converted = ImageCms.applyTransform(Image.fromarray(image), transform)
    assert converted is not None
    converted.save(stream, "PNG", icc_profile=profile)
    return stream.getvalue()


if __name__ == "__main__":
    main()
