"""A colour profile (ICC) of what a PNG says of its colours in other words: cICP, or gAMA with cHRM. No torch.

Sources: PNG, third edition; ITU-T H.273 (codes of cICP); ICC.1:2022 (the profile's form); linear Bradford adaptation
to D50 (ICC.1:2022, annex E).
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from attnmel.errors import ImageError
from attnmel.number_formats import significant
from attnmel.shapes import Float64

Curve = tuple[float, ...]
Primaries = tuple[float, ...]

SRGB_PRIMARIES: Primaries = (0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
"""x and y of white, red, green and blue."""

PRIMARIES = {
    1: ("BT.709", SRGB_PRIMARIES),
    5: ("BT.601, 625 lines", (0.3127, 0.329, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06)),
    6: ("BT.601, 525 lines", (0.3127, 0.329, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07)),
    9: ("BT.2020", (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)),
    11: ("DCI-P3", (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)),
    12: ("Display P3", (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)),
}
"""By H.273's code."""

# Parameters of the ICC's parametric curve from a file's numbers to light: a power, or one above a straight line.
SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT709_CURVE: Curve = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
CURVES: dict[int, Curve] = {4: (2.2,), 5: (2.8,), 8: (1.0,), 13: SRGB_CURVE}
CURVES |= dict.fromkeys((1, 6, 14, 15), BT709_CURVE)
"""By H.273's code."""
HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}

SRGB_GAMMA = 1 / 2.2
NOT_SIGNIFICANT = 0.05
"""Share by which gAMA may differ from 1/2.2 and still mean sRGB, as in libpng and so in browsers."""

D50 = (0.9642, 1.0, 0.8249)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def described_profile(
    file: str, info: Mapping[str | tuple[int, int], Any], chunks: Mapping[bytes, bytes]
) -> tuple[bytes, str] | None:
    """Return a profile for cICP, or for gAMA (and cHRM) where neither a profile nor sRGB is in the file; with a name.

    None where nothing is said, or something that makes no sense.

    Raises:
        ImageError: a curve of high dynamic range.
    """
    cicp = chunks.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2] == 0 and cicp[3] == 1:
        primaries, curve = cicp[0], cicp[1]
        if curve in HIGH_DYNAMIC_RANGE:
            raise ImageError(
                f"{file} is of high dynamic range ({HIGH_DYNAMIC_RANGE[curve]}); expected a photograph with 8 bits "
                "a channel: save it so"
            )
        if primaries in PRIMARIES and curve in CURVES:
            name, xy = PRIMARIES[primaries]
            return profile_of(xy, CURVES[curve]), name
    gamma = info.get("gamma")
    if not gamma or "srgb" in info or info.get("icc_profile"):
        return None
    as_srgb = abs(gamma / SRGB_GAMMA - 1) <= NOT_SIGNIFICANT
    if as_srgb and "chromaticity" not in info:
        return None
    curve = SRGB_CURVE if as_srgb else (1 / gamma,)
    xy = tuple(info.get("chromaticity", SRGB_PRIMARIES))
    if not 0.1 <= gamma <= 10 or not _is_possible(xy):
        return None
    return profile_of(xy, curve), f"gamma {significant(gamma, 4)}" + (
        " and primaries of its own" if "chromaticity" in info else ""
    )


def profile_of(primaries: Primaries, curve: Curve) -> bytes:
    """Return an ICC profile of an RGB space; `primaries` are x and y of white, red, green and blue."""
    columns = _colorants(primaries)
    curve_tag = b"para" + bytes(4) + struct.pack(">HH", 0 if len(curve) == 1 else 3, 0) + b"".join(map(_fixed, curve))
    tags = [(b"desc", _text("described by the PNG")), (b"cprt", _text("none")), (b"wtpt", _xyz(D50))]
    tags += [(name, _xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True)]
    tags += [(name, curve_tag) for name in (b"rTRC", b"gTRC", b"bTRC")]
    start = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags:
        table += name + struct.pack(">II", start + len(content), len(value))
        content += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI", start + len(content), b"none", 0x04300000) + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(map(_fixed, D50))
    return head + bytes(128 - len(head)) + table + content


def _colorants(primaries: Primaries) -> Float64[np.ndarray, "3 3"]:
    """Return X, Y, Z of full red, green and blue, one a column, adapted to D50."""
    xy = np.array(primaries).reshape(4, 2)
    white, *rgb = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(axis=1)) / xy[:, 1]], axis=1)
    matrix = np.stack(rgb, axis=1)
    matrix = matrix * np.linalg.solve(matrix, white)
    scale = (BRADFORD @ np.array(D50)) / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(scale) @ BRADFORD @ matrix


def _is_possible(primaries: Primaries) -> bool:
    if len(primaries) != 8 or min(primaries[1::2]) <= 0.001 or max(primaries) > 1:
        return False
    try:
        return bool(np.abs(_colorants(primaries)).max() < 4)
    except np.linalg.LinAlgError:
        return False


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: "tuple[float, ...] | np.ndarray") -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(float(value)) for value in values)


def _text(words: str) -> bytes:
    text = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
