"""The fields of a protocol buffer, read one after the other, without a library for the format. No torch.

https://protobuf.dev/programming-guides/encoding
"""

from io import BufferedIOBase

_VARINT, _LENGTH = 0, 2
"""Kinds of fields, in the lowest three bits before each one."""

_SIZES = {1: 8, 5: 4}
"""Bytes of the other kinds."""


class NotProtobufError(Exception):
    """The bytes are no protocol buffer, or an incomplete one."""


def read_field(file: BufferedIOBase) -> tuple[int, int]:
    """Read the head of a field: its number, and the number of bytes that follow.

    Raises:
        NotProtobufError: there is no such head.
    """
    number, kind = divmod(_varint(file), 8)
    if kind == _VARINT:
        _varint(file)
        return number, 0
    if not number or kind not in (_LENGTH, *_SIZES):
        raise NotProtobufError
    return number, _varint(file) if kind == _LENGTH else _SIZES[kind]


def _varint(file: BufferedIOBase) -> int:
    """Read a number of up to ten bytes, the lowest seven bits first."""
    value = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            return value
    raise NotProtobufError
