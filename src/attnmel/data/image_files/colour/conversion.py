"""The colours that the numbers of a file mean, and their conversion to sRGB by LittleCMS. No torch.

The intent is relative colorimetric with black point compensation, as Photoshop's default: white becomes white, black
becomes black, colours outside sRGB are clipped. A profile that differs from sRGB by one level at most converts nothing.
"""

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from attnmel.data.image_files.colour.png_profile import described_profile

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION

MOST_BYTES = 8 << 20
"""A profile larger than this is ignored; those of printing presses have about two million bytes."""

SAME_AS_SRGB = 1
"""Levels by which a profile may differ from sRGB and still count as sRGB."""

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode of the pixels that a profile of this colour space describes."""


class ColourConversion(NamedTuple):
    """How pixels become sRGB."""

    name: str
    """Of the profile."""
    mode: str
    """Of the pixels that go in."""
    transform: ImageCms.ImageCmsTransform

    def converted(self, pixels: Image.Image) -> Image.Image:
        """Return the pixels in sRGB."""
        pixels = pixels if pixels.mode == self.mode else pixels.convert(self.mode)
        found = ImageCms.applyTransform(pixels, self.transform)
        assert found is not None  # Without `inPlace` there is always a new picture.
        return found


class Colours(NamedTuple):
    """What a file says of its colours."""

    conversion: ColourConversion | None = None
    """None: they are sRGB, or as good, or nothing is said of them."""
    note: str = ""
    """What is said and cannot be followed."""


def colours(name: str, info: Mapping[str | tuple[int, int], Any], chunks: Mapping[bytes, bytes], mode: str) -> Colours:
    """Return what a file's profile says, or else a PNG's cICP, gAMA and cHRM; `mode` is that of its pixels.

    Of a PNG, cICP comes first, then the profile, sRGB, and gAMA with cHRM, as in browsers (PNG, third edition, 4.3).
    A profile that is damaged, or of another kind of pixels, is ignored with a note.
    """
    described = described_profile(name, info, chunks)
    if described is not None:
        profile, title = described
    elif info.get("icc_profile"):
        profile, title = info["icc_profile"], ""
    else:
        return Colours(note="colour profile is damaged and was ignored" if b"iCCP" in chunks else "")
    if len(profile) > MOST_BYTES:
        return Colours(note="colour profile is larger than 8 MB and was ignored")
    return _colours(bytes(profile), title, mode)


@lru_cache(maxsize=16)
def _colours(profile: bytes, title: str, mode: str) -> Colours:
    try:
        opened = ImageCms.getOpenProfile(BytesIO(profile))
        core: Any = opened.profile
        space = core.xcolor_space.strip()
        title = title or (core.profile_description or "").strip() or "an unnamed profile"
        if not _fits(space, mode):
            return Colours(note=f"colour profile is for {space} and was ignored")
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(opened, srgb, MODES[space], "RGB", INTENT, FLAGS)
        conversion = ColourConversion(title, MODES[space], transform)
        return Colours() if _is_srgb(conversion) else Colours(conversion)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return Colours(note="colour profile is damaged and was ignored")


def _fits(space: str, mode: str) -> bool:
    if space == "CMYK" or mode == "CMYK":
        return space == mode == "CMYK"
    grey = mode in ("1", "L", "LA") or mode.startswith("I;16")
    return space == "RGB" or (space == "GRAY" and grey)


def _is_srgb(conversion: ColourConversion) -> bool:
    if conversion.mode == "CMYK":
        return False
    if conversion.mode == "L":
        probe = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        levels = np.linspace(0, 255, 18).round().astype(np.uint8)
        probe = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3))
    before = np.asarray(probe.convert("RGB")).astype(int)
    return int(np.abs(np.asarray(conversion.converted(probe)).astype(int) - before).max()) <= SAME_AS_SRGB
