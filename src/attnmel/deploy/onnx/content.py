"""Whether an ONNX file holds the bytes that were exported, and all of its weights. No torch.

The hash finds damage, not malice: whoever changes a file on purpose can write another hash. Weights in other files are
refused, since an engine would read whatever file the model names.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import hashlib
from io import BytesIO
from pathlib import Path

from attnmel.deploy.onnx.protobuf import NotProtobufError, read_field
from attnmel.errors import CheckpointError
from attnmel.files.checksums import file_sha256

_INSIDE = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""By the kind of a message: numbers of its fields that lead to tensors, and the kind of each."""

_EXTERNAL = 13
"""Number of the field of a tensor that names another file."""

_NAMED = b"location"
"""Key that each such field must have."""

_DEEPEST = 40
"""Graphs in graphs: more than any network has."""


def content_hash(path: Path) -> str:
    """Return size and SHA-256 of a file, as `check_content` takes them."""
    return f"{path.stat().st_size} {file_sha256(path)}"


def check_content(path: Path, expected: str | None) -> None:
    """Compare the first bytes of an ONNX file with their hash; None in files of earlier versions.

    Raises:
        CheckpointError: they differ, the file is damaged inside, or a tensor's values are in another file.
    """
    content = path.read_bytes()
    if expected is not None:
        size, _, digest = expected.partition(" ")
        first = content[: int(size)] if size.isdecimal() else b""
        if hashlib.sha256(first).hexdigest() != digest:
            raise CheckpointError(
                f"{path} is damaged: its bytes are not those that were exported (SHA-256); copy the file again, or "
                "export again"
            )
    try:
        has_external = _NAMED in content and _has_external(content, "model")
    except NotProtobufError:
        raise CheckpointError(
            f"{path} is damaged, or no ONNX file that `attnmel export RUN --onnx` wrote: copy the file again, or "
            "export again"
        ) from None
    if has_external:
        raise CheckpointError(
            f"{path} takes weights from other files, which are not read; expected one file with all its weights, as "
            "`attnmel export RUN --onnx` writes it"
        )


def _has_external(content: bytes, kind: str, depth: int = 0) -> bool:
    file = BytesIO(content)
    while file.tell() < len(content):
        number, length = read_field(file)
        if kind == "tensor" and number == _EXTERNAL:
            return True
        inner = _INSIDE[kind].get(number)
        if inner is None:
            file.seek(length, 1)
        elif depth == _DEEPEST:
            raise NotProtobufError
        elif _has_external(file.read(length), inner, depth + 1):
            return True
    return False
