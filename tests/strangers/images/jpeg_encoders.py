"""Two small JPEG encoders that Pillow lacks: lossless (process 14) and of 12 bits, written from ITU-T T.81."""

import struct
from collections.abc import Iterable

import numpy as np

CATEGORIES = 17
BITS = 5
"""Every category of a difference has a Huffman code of five bits: its own number."""


def lossless_jpeg(samples: np.ndarray, bits: int) -> bytes:
    """Return samples [H W] or [H W 3] as lossless JPEG of predictor 1, with no word about its colours."""
    planes = samples.reshape(*samples.shape[:2], -1).astype(np.int64)
    left = np.roll(planes, 1, axis=1)
    left[1:, 0], left[0, 0] = planes[:-1, 0], 1 << (bits - 1)
    differences = ((planes - left + 32768) % 65536 - 32768).reshape(-1).tolist()
    count = planes.shape[2]
    ids = bytes(range(1, count + 1))
    frame = b"".join(bytes([one, 0x11, 0]) for one in ids)
    scan = b"".join(bytes([one, 0]) for one in ids)
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xC3, struct.pack(">BHHB", bits, *planes.shape[:2], count) + frame),
            _segment(0xC4, b"\0" + _lengths({BITS: CATEGORIES}) + bytes(range(CATEGORIES))),
            _segment(0xDA, bytes([count]) + scan + b"\x01\0\0"),
            _stuffed(_coded(differences)),
            b"\xff\xd9",
        ]
    )


def twelve_bit_jpeg(blocks: np.ndarray) -> bytes:
    """Return flat grey blocks of 8 x 8 pixels, one value of 12 bits each, as extended JPEG."""
    # With steps of 8, the first coefficient of a flat block is its value below the middle grey.
    coefficients = blocks.astype(np.int64).reshape(-1) - 2048
    differences = np.diff(coefficients, prepend=0).tolist()
    height, width = blocks.shape[0] * 8, blocks.shape[1] * 8
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xDB, b"\0" + bytes([8] * 64)),
            _segment(0xC1, struct.pack(">BHHB", 12, height, width, 1) + b"\x01\x11\0"),
            _segment(0xC4, b"\0" + _lengths({BITS: 16}) + bytes(range(16))),
            _segment(0xC4, b"\x10" + _lengths({1: 1}) + b"\0"),
            _segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            _stuffed(_coded(differences, after="0")),
            b"\xff\xd9",
        ]
    )


def _coded(differences: Iterable[int], after: str = "") -> str:
    return "".join(_difference(one) + after for one in differences)


def _difference(value: int) -> str:
    category = abs(value).bit_length()
    extra = value if value >= 0 else value + (1 << category) - 1
    bits = f"{extra:0{category}b}" if 0 < category < 16 else ""
    return f"{category:0{BITS}b}{bits}"


def _stuffed(bits: str) -> bytes:
    padded = bits + "1" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8).replace(b"\xff", b"\xff\0")


def _lengths(counts: dict[int, int]) -> bytes:
    return bytes(counts.get(length, 0) for length in range(1, 17))


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body
