"""Damage done to real files: bytes, cells of tables, values of JSON and TOML, chunks of PNG, headers of safetensors."""

import csv
import io
import json
import random
import struct
import zlib

WORDS = (
    "", " ", "nan", "NaN", "-nan", "inf", "-Infinity", "1e999", "-1e-999", "1e-46", "0x10", "1_000", "\u0663", "\uff11",
    "9" * 5000, "-" + "9" * 400, "0.1" * 300, "null", "None", "true", "[]", "{}", "\x00", "\x1b[31m", "\r", "\n", "\t",
    '"', '""', "'", "=1+1", "'=1", "@x", "#", ",", ";", "../../etc/passwd", "/dev/zero", "C:\\con", "a/" * 2000,
    "\ufeff", "\u202e", "\udcff", "\U0001f984", "é" * 300, "label", "image", "melanoma", "MEL", "1", "0", "-1",
    "2", "1.5", "2026-11-29", "2026-13-99T99:99", "\ud800",
)  # fmt: skip

VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, 1e308, -1e308, 1e-320, "", "x", "nan",
    "\x00", "9" * 5000, [], {}, [[]], [None], {"": 0}, [1, "a"], {"a": {"b": []}}, [[[[]]]],
)  # fmt: skip

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

DEEP = 3000
"""Levels of nesting."""


def damaged(content: bytes, others: list[bytes], kind: str, chance: random.Random) -> bytes:
    """Return a file with one to four changes that suit its kind, or any."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        suits = kind in OF_KIND and chance.random() < 0.6
        content = OF_KIND[kind](content, chance) if suits else _bytes(content, others, chance)
    return content


def _bytes(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    length = min(chance.choice((1, 2, 4, 16, 256)), len(content) - at)
    how = chance.randrange(9)
    if how == 0 and length:
        return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
    if how == 1:
        return content[:at] + chance.randbytes(length) + content[at + length :]
    if how == 2:
        return content[:at]
    if how == 3:
        return content[:at] + content[at + length :]
    if how == 4:
        return content[:at] + content[at : at + length] * chance.choice((2, 100)) + content[at + length :]
    if how == 5:
        word = struct.pack(chance.choice("<>") + "I", chance.choice(NUMBERS))[: chance.choice((1, 2, 4))]
        return content[:at] + word + content[at + len(word) :]
    if how == 6:
        other = chance.choice(others)
        start = chance.randrange(len(other) + 1)
        return content[:at] + other[start : start + chance.choice((8, 64, 4096))] + content[at + length :]
    if how == 7:
        return content[:at] + _word(chance).encode("utf-8", "surrogatepass") + content[at:]
    return content[at:] + content[:at]


def _word(chance: random.Random) -> str:
    return chance.choice(WORDS)


def _table(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    how = chance.randrange(8)
    if how == 0:
        return text.encode(chance.choice(("utf-16", "cp1252", "utf-8-sig", "utf-16-le")), "replace")
    if how == 1:
        return (chance.choice(("sep=;\n", "# a\n", "\ufeff", "\n\n", '"', "\x00")) + text).encode()
    if how == 2:
        return text.replace("\n", chance.choice(("\r", "\r\n", "\n\n", "\n,\n"))).encode()
    if how == 3:
        return text.replace(",", chance.choice((";", "\t", "|", ",,"))).encode()
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\x00", ""), newline=""))) or [[]]
    except csv.Error:
        return text.replace(chance.choice("abcdei0123,"), _word(chance), 1).encode("utf-8", "surrogatepass")
    row = chance.choice(rows[:1] if chance.random() < 0.3 else rows)
    if how == 4 and row:
        row[chance.randrange(len(row))] = _word(chance)
    elif how == 5 and row:
        del row[chance.randrange(len(row))]
    elif how == 6:
        rows.insert(chance.randrange(len(rows) + 1), list(row))
    else:
        row.insert(chance.randrange(len(row) + 1), _word(chance))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _json(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.05:
        return chance.choice(
            (b"[" * DEEP, b'{"a":' * DEEP, b"[" * 200_000, b"9" * 6000, b'"\\ud800"', b"1e999", b"NaN")
        )
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError):
        return content
    places = list(_places(plain))
    if not places:
        return json.dumps(chance.choice(VALUES)).encode()
    holder, key = chance.choice(places)
    how = chance.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[_word(chance)] = holder[key]
    elif how == 2 and isinstance(holder, list):
        holder *= 2
    else:
        holder[key] = chance.choice((*VALUES, _word(chance)))
    return _dumped(plain)


def _dumped(plain: object) -> bytes:
    return json.dumps(plain).encode("utf-8", "surrogatepass")


def _places(plain: object):  # noqa: ANN202 - pairs of a holder and a key of it
    if isinstance(plain, dict | list):
        for key in list(plain) if isinstance(plain, dict) else range(len(plain)):
            yield plain, key
            yield from _places(plain[key])


def _toml(content: bytes, chance: random.Random) -> bytes:
    lines = content.decode("utf-8", "replace").splitlines() or [""]
    at = chance.randrange(len(lines))
    name = lines[at].partition("=")[0] or "a "
    odd = (
        "[" * DEEP, "{a=" * DEEP, "9" * 6000, "1e999", "nan", "-inf", "''", '"\\uD800"', "2026-11-29", "[[1]]", "{}",
        "true", "0x" + "f" * 400, '"""', "-1", "1e-9", "[1, 'a', {}]", "99999999999999999999",
    )  # fmt: skip
    lines[at] = f"{name}= {chance.choice(odd)}" if chance.random() < 0.8 else f"[{_word(chance)}]"
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _png(content: bytes, chance: random.Random) -> bytes:
    """Change a chunk and repair its checksum, so that the change gets past it."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append([content[at + 4 : at + 8], content[at + 8 : at + 8 + length]])
        at += 12 + length
    if not chunks:
        return content
    one = chance.choice(chunks)
    if chance.random() < 0.2:
        chunks.insert(chance.randrange(len(chunks) + 1), list(one))
    elif one[1]:
        place = chance.randrange(len(one[1]))
        one[1] = one[1][:place] + chance.randbytes(chance.choice((1, 4))) + one[1][place + 1 :]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return content[:8] + b"".join(packed)


def _safetensors(content: bytes, chance: random.Random) -> bytes:
    """Change the header, which is JSON after its length."""
    if len(content) < 8:
        return content
    (length,) = struct.unpack("<Q", content[:8])
    if length > len(content):
        return content
    header = _json(content[8 : 8 + length], chance)
    header += b" " * (-len(header) % 8)
    said = chance.choice((len(header), len(header), len(header), 2**63, 2**40, 0, len(content)))
    return struct.pack("<Q", said) + header + content[8 + length :]


OF_KIND = {"csv": _table, "json": _json, "toml": _toml, "png": _png, "safetensors": _safetensors}
