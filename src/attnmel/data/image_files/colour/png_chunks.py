"""Small chunks of a PNG file that Pillow does not give, or only once the pixels are decoded. No torch.

Source: Portable Network Graphics, third edition (W3C 2025), sections 5 and 11.
"""

import struct
import zlib
from io import BufferedReader, BytesIO

WANTED = frozenset({b"cICP", b"sBIT", b"eXIf", b"iCCP", b"IHDR"})

MOST_BYTES = 1 << 20
"""A wanted chunk longer than this is passed over."""

SIGNATURE_BYTES = 8


def png_chunks(file: BufferedReader | BytesIO) -> dict[bytes, bytes]:
    """Return the content of the wanted chunks, wherever in the file they are; those with a wrong checksum are left out.

    A file that ends too early gives the chunks before its end.
    """
    found: dict[bytes, bytes] = {}
    file.seek(SIGNATURE_BYTES)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length, kind = struct.unpack(">I4s", head)
        if kind not in WANTED or length > MOST_BYTES:
            file.seek(length + 4, 1)
            continue
        content, checksum = file.read(length), file.read(4)
        if checksum == struct.pack(">I", zlib.crc32(kind + content)):
            found.setdefault(kind, content)
    return found
