"""Copies of photographs and masks as strangers bring them, drawn into a folder, each with its right answer.

python -m tests.strangers.datasets.make_audit FOLDER
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from tests.images import spot_on_skin

from attnmel.data.phantoms import draw_phantom

SEED = 15
HEIGHT, WIDTH = 180, 240

TURN = Image.Transpose


def _recoloured(image: Image.Image) -> Image.Image:
    bent = (np.asarray(image) / 255) ** np.array([0.8, 1.1, 1.4]) * np.array([0.95, 0.9, 0.85])
    return Image.fromarray((255 * bent).round().astype(np.uint8))


def _padded(image: Image.Image, mode: str) -> Image.Image:
    bars = (((WIDTH - HEIGHT) // 2,) * 2, (0, 0), (0, 0))
    pixels = np.asarray(image)
    if mode == "reflect":
        return Image.fromarray(np.pad(pixels, bars, mode="reflect"))
    return Image.fromarray(np.pad(pixels, bars, constant_values=0 if mode == "black" else 255))


def _enlarged(image: Image.Image, share: float) -> Image.Image:
    left, top = (length * (1 - 1 / (1 + share)) / 2 for length in image.size)
    box = (left, top, image.width - left, image.height - top)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": lambda image: image,
    "half-size": lambda image: image.resize((WIDTH // 2, HEIGHT // 2)),
    "turned-and-mirrored": lambda image: image.transpose(TURN.TRANSVERSE),
    "squashed": lambda image: image.resize((200, 200)),
    "squashed-and-turned": lambda image: image.resize((200, 200)).transpose(TURN.ROTATE_90),
    "padded-black": lambda image: _padded(image, "black"),
    "padded-white": lambda image: _padded(image, "white"),
    "padded-mirrored": lambda image: _padded(image, "reflect"),
    "bordered": lambda image: ImageOps.expand(image, 18, (255, 255, 255)),
    "turned-by-5-degrees": lambda image: image.rotate(5, Image.Resampling.BICUBIC),
    "enlarged": lambda image: _enlarged(image, 0.3),
    "recoloured": _recoloured,
    "grey": lambda image: image.convert("L").convert("RGB"),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
}
"""What was done to a photograph, by the name of the copy."""


def make_copies(folder: Path) -> dict[str, str]:
    """Write photographs and one copy of each, with labels.csv; return the photograph of every copy, by their ids."""
    folder.mkdir(parents=True, exist_ok=True)
    right: dict[str, str] = {}
    for number, (name, change) in enumerate(COPIES.items()):
        image = Image.fromarray(draw_phantom(SEED, number, height=HEIGHT, width=WIDTH).image)
        image.save(folder / f"original-{number:02d}.png")
        change(image).save(folder / f"{name}.jpg", quality=85)
        right[name] = f"original-{number:02d}"
    rows = [f"{image},rest" for pair in right.items() for image in pair]
    (folder / "labels.csv").write_text("\n".join(["image,label", *rows]) + "\n", encoding="utf-8")
    return right


def make_masks(folder: Path) -> dict[str, tuple[str, ...]]:
    """Write photographs with masks of all kinds and labels.csv; return the kinds of finding of each, by image id."""
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    right: dict[str, tuple[str, ...]] = {}

    def add(name: str, image: Image.Image, mask: Image.Image, *kinds: str, orientation: int = 1) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(folder / f"{name}.jpg", quality=92, exif=exif)
        mask.save(folder / "masks" / f"{name}.png")
        right[name] = kinds

    image, mask = _photograph()
    turned = image.transpose(TURN.ROTATE_180)
    outline = Image.new("L", mask.size)
    ImageDraw.Draw(outline).ellipse(_LESION, outline=255, width=2)
    red = ImageOps.colorize(mask, (0, 0, 0), (255, 0, 0))
    add("right", image, mask)
    add("exif-right", turned, mask, orientation=3)
    add("exif-as-stored", turned, mask.transpose(TURN.ROTATE_180), "mask turned by colours", orientation=3)
    add("mirrored", image, mask.transpose(TURN.FLIP_LEFT_RIGHT), "mask turned by colours")
    add("outline", image, outline, "mask outline")
    add("red", image, red, "mask coloured", "mask grey", "mask empty")
    add("green", image, ImageOps.colorize(mask, (0, 0, 0), (0, 255, 0)), "mask coloured", "mask grey")
    add("class-numbers", image, mask.point([number // 255 for number in range(256)]), "mask empty")
    add("dark-on-white", image, ImageOps.invert(mask), "mask inverted")
    rows = [f"{name},rest,masks/{name}.png" for name in right]
    (folder / "labels.csv").write_text("\n".join(["image,label,mask", *rows]) + "\n", encoding="utf-8")
    return right


_LESION = (30, 25, 130, 85)


def _photograph() -> tuple[Image.Image, Image.Image]:
    """A long dark blot in the upper left of light skin, with its mask."""
    pixels, mask = spot_on_skin(WIDTH, HEIGHT, centre=(80, 55), radii=(50, 30), grain=12, seed=SEED)
    return Image.fromarray(pixels), Image.fromarray(mask.astype(np.uint8) * np.uint8(255))


if __name__ == "__main__":
    make_copies(Path(sys.argv[1]) / "copies")
    make_masks(Path(sys.argv[1]) / "masks")
