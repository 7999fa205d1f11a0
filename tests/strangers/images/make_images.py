"""Small image files of every kind that strangers bring, each with the pixels that every viewer shows.

The right pixels are computed here by numpy from the standards' formulas, in float; nothing of the program is used.
Sources: IEC 61966-2-1 (sRGB), SMPTE EG 432-1 with Apple's curve (Display P3), Adobe RGB (1998) 4.3, ISO 22028-2
(ProPhoto, ROMM RGB), PNG third edition, TIFF 6.0.
"""

import dataclasses
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from tests.images import STORED

WIDTH, HEIGHT = 44, 30

SRGB_XY = (0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_XY = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
ADOBE_XY = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
PROPHOTO_XY = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
BT2020_XY = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])


@dataclasses.dataclass(frozen=True)
class StrangeImage:
    """A file, and what is right for it."""

    path: Path
    pixels: np.ndarray
    """RGB [H W 3] as a viewer shows them, in float."""
    off: float
    """Largest mean difference that the format itself explains, in levels."""
    changes: tuple[str, ...] = ()
    """What is said of it."""
    orientation: int = 1


def skin() -> np.ndarray:
    """Draw a brown spot on skin, with some colours at the border of what sRGB can show."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    chance = np.random.default_rng(5).normal(0, 5, (HEIGHT, WIDTH, 1))
    spot = (((x - 17) / 11) ** 2 + ((y - 13) / 8) ** 2 < 1)[..., None]
    colours = np.where(spot, [112, 66, 48], [206, 158, 138]) + chance + (x / 3)[..., None]
    colours[-4:, :8] = [235, 20, 30]
    return colours.clip(0, 255).round().astype(np.uint8)


def to_light(values: np.ndarray) -> np.ndarray:
    """Return the light of sRGB numbers, both in [0, 1]."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_light(light: np.ndarray) -> np.ndarray:
    """Return the sRGB numbers of light."""
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    """Return the matrix from light of an RGB space to X, Y, Z, adapted to D50."""
    xyz = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(primaries[::2], primaries[1::2], strict=True)]
    matrix = np.stack(xyz[1:], axis=1)
    matrix = matrix * np.linalg.solve(matrix, xyz[0])
    return np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ xyz[0])) @ BRADFORD @ matrix


def shown(numbers: np.ndarray, primaries: tuple[float, ...], light: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return what numbers in [0, 1] of an RGB space look like in sRGB, in 0..255; outside sRGB they are clipped."""
    matrix = np.linalg.inv(to_xyz(SRGB_XY)) @ to_xyz(primaries)
    return 255 * from_light(light(numbers) @ matrix.T)


def curve_tag(gamma: float | None) -> bytes:
    """Return an ICC tag of a power, or of sRGB's curve in 4,096 steps."""
    if gamma is not None:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    steps = (65535 * to_light(np.linspace(0, 1, 4096))).round().astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", len(steps)) + steps.tobytes()


def icc(name: str, primaries: tuple[float, ...], gamma: float | None) -> bytes:
    """Write an ICC profile of version 2 with a matrix and one curve."""

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    text = name.encode() + b"\0"
    tags = [
        (b"desc", b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)),
        (b"cprt", b"text" + bytes(4) + b"none\0"),
        (b"wtpt", xyz(D50)),
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, to_xyz(primaries).T), strict=True),
        *((key, curve_tag(gamma)) for key in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    table, content, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for key, value in tags:
        table += key + struct.pack(">II", start + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">I", start + len(content)) + b"lcms" + struct.pack(">I", 0x02400000) + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(struct.pack(">i", round(value * 65536)) for value in D50)
    return head + bytes(128 - len(head)) + table + content


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(numbers: np.ndarray, *chunks: bytes, after: bytes = b"") -> bytes:
    """Write a PNG of 8 or 16 bits, grey to RGBA by the number of channels; `after` follows the pixels."""
    numbers = numbers.reshape(*numbers.shape[:2], -1)
    height, width, channels = numbers.shape
    deep = numbers.dtype == np.uint16
    rows = b"".join(b"\0" + row.astype(">u2" if deep else np.uint8).tobytes() for row in numbers)
    head = struct.pack(">IIBBBBB", width, height, 16 if deep else 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    body = chunk(b"IHDR", head) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + after
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def tiff(numbers: np.ndarray, *, order: Literal["<", ">"] = "<", tags: tuple[tuple[int, int], ...] = ()) -> bytes:
    """Write an uncompressed TIFF of one strip, 8 or 16 bits, grey to RGBA; `tags` are of one short number each."""
    numbers = numbers.reshape(*numbers.shape[:2], -1)
    height, width, channels = numbers.shape
    size = numbers.itemsize
    found = {
        256: [width], 257: [height], 258: [8 * size] * channels, 259: [1], 262: [2 if channels > 2 else 1],
        273: [8], 277: [channels], 278: [height], 279: [width * height * channels * size],
        **({338: [2]} if channels == 4 else {}), **{tag: [value] for tag, value in tags},
    }  # fmt: skip
    pixels = numbers.astype(numbers.dtype.newbyteorder(order)).tobytes()
    pixels += bytes(len(pixels) % 2)
    start = 8 + len(pixels)
    entries, more = b"", b""
    after = start + 2 + 12 * len(found) + 4
    for tag in sorted(found):
        values = found[tag]
        kind, form = (4, "I") if tag in (273, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(packed) > 4:
            entries += struct.pack(f"{order}HHII", tag, kind, len(values), after + len(more))
            more += packed + bytes(len(packed) % 2)
        else:
            entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    return head + pixels + struct.pack(f"{order}H", len(found)) + entries + bytes(4) + more


def saved(kind: str, picture: Image.Image, **options: object) -> bytes:
    """Return a file as Pillow writes it."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    """Return an EXIF block with an orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def plain_formats() -> dict[str, tuple[bytes, float]]:
    """Return one picture in every format and kind of pixels, and how far its format moves it."""
    picture = Image.fromarray(skin())
    grey = np.asarray(picture.convert("L"))
    wide = skin().astype(np.uint16) * 257
    return {
        "plain.bmp": (saved("BMP", picture), 0),
        "plain.tif": (saved("TIFF", picture), 0),
        "packed.tiff": (saved("TIFF", picture, compression="tiff_lzw"), 0),
        "lossless.webp": (saved("WEBP", picture, lossless=True), 0),
        "plain.webp": (saved("WEBP", picture, quality=98), 4),
        "plain.png": (saved("PNG", picture), 0),
        "plain.jfif": (saved("JPEG", picture, quality=98, subsampling=0), 2),
        "plain.jpe": (saved("JPEG", picture, quality=98, subsampling=0), 2),
        "palette.png": (saved("PNG", picture.quantize(256)), 4),
        "inks.jpg": (saved("JPEG", picture.convert("CMYK"), quality=98, subsampling=0), 3),
        "deep.png": (png(wide), 0.5),
        "deep.tif": (tiff(wide), 0.5),
        "deep-big-endian.tif": (tiff(wide, order=">"), 0.5),
        "deep-alpha.png": (png(np.dstack([wide, np.full(grey.shape, 65535, np.uint16)])), 0.5),
        "twelve-stated.png": (png(skin().astype(np.uint16) * 16 + 8, chunk(b"sBIT", bytes([12] * 3))), 1),
        "twelve-stated.tif": (tiff(skin().astype(np.uint16) * 16 + 8, tags=((281, 4095),)), 1),
    }


def coloured() -> dict[str, tuple[bytes, np.ndarray, str]]:
    """Return files that say what their colours are, with the right pixels and the name that is told."""
    numbers = skin()
    share = numbers / 255
    spaces: dict[str, tuple[tuple[float, ...], float | None]] = {
        "Display P3": (P3_XY, None),
        "Adobe RGB (1998)": (ADOBE_XY, 563 / 256),
        "ProPhoto RGB": (PROPHOTO_XY, 1.8),
    }
    found = {}
    for name, (primaries, gamma) in spaces.items():
        right = shown(share, primaries, to_light if gamma is None else lambda values, power=gamma: values**power)
        word = name.split()[0].lower()
        profile = icc(name, primaries, gamma)
        picture = Image.fromarray(numbers)
        for ending, kind, options in (
            ("jpg", "JPEG", {"quality": 99, "subsampling": 0}), ("png", "PNG", {}), ("tif", "TIFF", {}),
            ("webp", "WEBP", {"lossless": True}),
        ):  # fmt: skip
            found[f"{word}.{ending}"] = (saved(kind, picture, icc_profile=profile, **options), right, name)
    wide = (numbers.astype(np.uint16) * 257).astype(np.uint16)
    p3 = shown(share, P3_XY, to_light)
    found["deep-p3.png"] = (
        png(wide, chunk(b"iCCP", b"p3\0\0" + zlib.compress(icc("Display P3", P3_XY, None)))), p3, "Display P3",
    )  # fmt: skip
    chromaticities = chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in ADOBE_XY)))
    found["gamma-and-primaries.png"] = (
        png(numbers, chunk(b"gAMA", struct.pack(">I", 100_000)), chromaticities),
        shown(share, ADOBE_XY, lambda values: values),
        "gamma 1 and primaries of its own",
    )
    found["gamma.png"] = (
        png(numbers, chunk(b"gAMA", struct.pack(">I", 55_556))),
        shown(share, SRGB_XY, lambda values: values ** (1 / 0.55556)),
        "gamma 0.5556",
    )
    found["cicp.png"] = (png(numbers, chunk(b"cICP", bytes([12, 13, 0, 1]))), p3, "Display P3")
    found["cicp-2020.png"] = (
        png(numbers, chunk(b"cICP", bytes([9, 8, 0, 1]))), shown(share, BT2020_XY, lambda values: values), "BT.2020",
    )  # fmt: skip
    return found


def transparent() -> dict[str, bytes]:
    """Return pictures that look alike, a round view on white, with other colours hidden under their alpha."""
    found = {}
    alpha = np.where(outside(), 0, 255).astype(np.uint8)
    for name, hidden in (("white", 255), ("black", 0)):
        below = skin()
        below[outside()] = hidden
        layered = np.dstack([below, alpha])
        found[f"hidden-{name}.png"] = saved("PNG", Image.fromarray(layered))
        found[f"hidden-{name}.webp"] = saved("WEBP", Image.fromarray(layered), lossless=True, exact=True)
        found[f"hidden-{name}.tif"] = saved("TIFF", Image.fromarray(layered))
        found[f"hidden-{name}-deep.png"] = png(layered.astype(np.uint16) * 257)
    return found


def outside() -> np.ndarray:
    """Return where a round view ends."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2 > (HEIGHT / 2) ** 2


def blocks() -> np.ndarray:
    """Draw squares of 16 pixels of one colour each, which JPEG stores the same however they are turned."""
    return np.random.default_rng(7).integers(30, 226, (8, 12, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)


def turned(orientation: int, pixels: np.ndarray | None = None) -> dict[str, bytes]:
    """Return one picture (`skin`, or other pixels), stored turned, with the EXIF orientation that says so."""
    picture = Image.fromarray(skin() if pixels is None else pixels)
    turn = STORED.get(orientation)
    stored = picture if turn is None else picture.transpose(turn)
    tag = exif(orientation)
    numbers = np.asarray(stored)
    return {
        f"turned-{orientation}.png": saved("PNG", stored, exif=tag),
        f"turned-{orientation}-late.png": png(numbers, after=chunk(b"eXIf", tag.tobytes().removeprefix(b"Exif\0\0"))),
        f"turned-{orientation}.webp": saved("WEBP", stored, lossless=True, exif=tag),
        f"turned-{orientation}.tif": tiff(numbers, tags=((274, orientation),)),
        f"turned-{orientation}-deep.tif": tiff(numbers.astype(np.uint16) * 257, tags=((274, orientation),)),
        f"turned-{orientation}.jpg": saved("JPEG", stored, quality=99, subsampling=0, exif=tag),
    }


def refused() -> dict[str, tuple[bytes, str]]:
    """Return files that are no photograph to be read, with words of the reason."""
    picture = Image.fromarray(skin())
    dark = skin().astype(np.uint16) * 16
    return {
        "moving.gif": (saved("GIF", picture), "is a file of the kind GIF, which is not read"),
        "page.pdf": (b"%PDF-1.7\n", "is a file of the kind PDF, which is not read"),
        "photo.avif": (b"\0\0\0\x20ftypavif" + bytes(40), "is a file of the kind AVIF, which is not read"),
        "notes.jpg": (b"some text", "is no picture"),
        "empty.jpg": (b"", "is empty"),
        "twelve.png": (png(dark), "has 16 bits a channel, but its brightest number is"),
        "twelve.tif": (tiff(dark), "has 16 bits a channel, but its brightest number is"),
        "hdr.png": (png(skin(), chunk(b"cICP", bytes([9, 16, 0, 1]))), r"is of high dynamic range \(PQ\)"),
        "raw.tif": (tiff(skin(), tags=((254, 1),)), "begins with a preview of another picture"),
        "camera.tif": (tiff(skin(), tags=((50706, 1),)), "begins with a preview of another picture"),
        "cut.tif": (tiff(skin())[:1000], "is truncated or damaged"),
    }


def make_images(folder: Path) -> list[StrangeImage]:
    """Write every file that can be read into a folder, and return each with what is right for it."""
    found: list[StrangeImage] = []

    def write(name: str, content: bytes, right: np.ndarray, off: float, *changes: str, orientation: int = 1) -> None:
        (folder / name).write_bytes(content)
        found.append(StrangeImage(folder / name, right, off, changes, orientation))

    whole = skin().astype(float)
    for name, (content, off) in plain_formats().items():
        said = ("inks (CMYK) without a profile, whose colours are only approximate",) if name == "inks.jpg" else ()
        said = ("16 bits a channel reduced to 8",) if name.startswith(("deep", "twelve")) else said
        write(name, content, whole, off, *said)
    for name, (content, right, space) in coloured().items():
        deep = ("16 bits a channel reduced to 8",) if name.startswith("deep") else ()
        write(
            name, content, right, 1 if name.endswith(".jpg") else 0.5, f"colours converted from {space} to sRGB", *deep
        )
    on_white = np.where(outside()[..., None], 255, whole)
    for name, content in transparent().items():
        deep = ("16 bits a channel reduced to 8",) if "deep" in name else ()
        write(name, content, on_white, 0.5, "alpha channel laid on white", *deep)
    for orientation in range(1, 9):
        for name, content in turned(orientation).items():
            deep = ("16 bits a channel reduced to 8",) if "deep" in name else ()
            write(name, content, whole, 1.5 if name.endswith(".jpg") else 0.5, *deep, orientation=orientation)
    pages = saved("TIFF", Image.fromarray(skin()), save_all=True, append_images=[Image.new("RGB", (9, 9))])
    write("pages.tif", pages, whole, 0, "the first of 2 pages or frames")
    broken = saved("JPEG", Image.fromarray(skin()), quality=99, subsampling=0, icc_profile=b"no profile" * 20)
    write("broken-profile.jpg", broken, whole, 1.5, "colour profile is damaged and was ignored")
    return found
