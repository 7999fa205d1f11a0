"""Copies of a model's training images that their fingerprints know again, and how alike the images of others are.

    python benchmarks/data/fingerprints.py RUN [--home HOME] [--on DATASET] [--copied 300]

RUN is a run folder whose data set is at hand, or the folder of the pretrained model. Of `--copied` of its training
images, drawn with seed 0, each kind of copy is compared with all of them; then every image of another data set.
"""

import argparse
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from attnmel.data.audit.descriptors import CHUNK, CROP, SIDE
from attnmel.data.audit.fingerprints import SAME, fingerprints, most_alike
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.data.preprocess.images import prepared_image
from attnmel.files.folders import RunFolder, home_folder
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.run.run_location import read_recipe

Copy = Callable[[Image.Image], Image.Image]


def jpeg(side: int, quality: int) -> Copy:
    """Return what resizes to a square and compresses."""

    def copy(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.resize((side, side), Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return copy


def cropped(share: float, moved: float = 0) -> Copy:
    """Return what keeps a square of a share of the side, `moved` by a share of the side from the middle."""

    def copy(image: Image.Image) -> Image.Image:
        start, side = (1 - share) / 2 + moved, image.width
        return image.crop(
            (int(side * start), int(side * start), int(side * (start + share)), int(side * (start + share)))
        )

    return copy


def recoloured(image: Image.Image) -> Image.Image:
    """Return a warmer, lighter copy."""
    warmer = np.asarray(image) * np.array([1.15, 0.9, 0.8]) - 10
    return Image.fromarray((255 * (warmer.clip(0, 255) / 255) ** 0.8).astype(np.uint8))


def squashed(image: Image.Image) -> Image.Image:
    """Return a 4:3 photograph, of which the image is the middle, squashed to a square."""
    sides = image.width // 6
    wide = np.pad(np.asarray(image), ((0, 0), (sides, sides), (0, 0)), mode="symmetric")
    return Image.fromarray(wide).resize(image.size, Image.Resampling.BICUBIC)


COPIES: dict[str, Copy] = {
    "JPEG, 224 pixels, quality 75": jpeg(224, 75),
    "JPEG, 224 pixels, quality 60, mirrored": lambda image: ImageOps.mirror(jpeg(224, 60)(image)),
    "JPEG, 112 pixels, quality 60": jpeg(112, 60),
    "JPEG, 64 pixels, quality 75": jpeg(64, 75),
    "turned by a quarter": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "recoloured": recoloured,
    "squashed to a square": squashed,
    "padded with black": lambda image: ImageOps.expand(image, image.width // 6),
    "cropped by 3 %": cropped(0.97),
    "cropped by 4 %": cropped(0.96),
    "cropped by 5 % and moved": cropped(0.95, 0.02),
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--on", default="isic2018")
    parser.add_argument("--copied", type=int, default=300)
    chosen = parser.parse_args()
    run, home = RunFolder(chosen.run), home_folder(chosen.home)
    files = {one.image_id: one.image for one in read_dataset(read_recipe(run).data.dataset, home).lesions}
    paths = [files[one.image_id] for one in read_images(run)]
    known = np.concatenate([fingerprints(some) for some in chunks(paths)])
    rows = np.random.default_rng(0).choice(len(paths), chosen.copied, replace=False)
    print(f"{'copy':40} {'found':>5}  least  median   of {len(rows)}; found above {SAME}")
    for name, copy in COPIES.items():
        place, likeness = compared([paths[row] for row in rows], known, copy)
        found, alike = (place == rows) & (likeness > SAME), likeness[place == rows]
        print(f"{name:40} {found.sum():5d}  {alike.min():.3f}  {np.median(alike):.3f}")
    others = [one.image for one in read_dataset(chosen.on, home).lesions]
    _, likeness = compared(others, known)
    taken = (likeness > SAME).sum()
    print(f"{len(others):,} images of {chosen.on}: most alike {likeness.max():.3f}, {taken} above {SAME}")


def compared(paths: list[Path], known: np.ndarray, copy: Copy | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the known image that each is most like, or a copy of it is, and their likeness."""
    found = [most_alike(some, known) for some in chunks(paths, copy)]
    return np.concatenate([place for place, _ in found]), np.concatenate([likeness for _, likeness in found])


def chunks(paths: list[Path], copy: Copy | None = None) -> Iterator[np.ndarray]:
    """Yield the squares of some files at a time, as an audit prepares them."""
    for start in range(0, len(paths), CHUNK):
        some = [prepared_image(path, crop=CROP, side=SIDE) for path in paths[start : start + CHUNK]]
        yield np.stack([square if copy is None else again(square, copy) for square in some])


def again(square: np.ndarray, copy: Copy) -> np.ndarray:
    """Return the square of a copy."""
    return np.asarray(copy(Image.fromarray(square)).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
