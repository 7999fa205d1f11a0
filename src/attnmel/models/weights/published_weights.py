"""Published files of ImageNet weights as pickles: where they are, and the SHA-256 by which they are known. No torch."""

import re
from pathlib import Path
from typing import NamedTuple

from attnmel.errors import CheckpointError
from attnmel.files.checksums import file_sha256


class PublishedWeights(NamedTuple):
    """A published file of weights: address, and its SHA-256, or the first digits of it where only those are known."""

    address: str
    prefix: str
    """Hexadecimal: all 64 digits as others who have the file publish them, or the eight that its name holds."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.address.rsplit("/", 1)[-1]


IMAGENET: dict[str, PublishedWeights] = {
    "vgg16_bn": PublishedWeights("https://download.pytorch.org/models/vgg16_bn-6c64b313.pth", "6c64b313"),
    "vgg16": PublishedWeights(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    ),
    "mobilenet_v2": PublishedWeights(
        "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    ),
}

HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.pth$", re.IGNORECASE)


def check_hash(path: Path) -> str:
    """Return a .pth file's SHA-256, compared with the published files', and with the digits in its name.

    The digits in a name say that a file is whole, not who made it; a published file is known by its whole SHA-256,
    where that is known.

    Raises:
        CheckpointError: it is another one.
    """
    found = file_sha256(path)
    named = HASH_IN_NAME.search(path.name)
    if named and not found.startswith(expected := pinned(named[1].lower())):
        raise CheckpointError(
            f"{path}: SHA-256 starts with {found[: len(expected)]}, expected {expected} as its name says. "
            "The file is damaged or another one: delete it and fetch it again."
        )
    if not named and not any(found.startswith(known.prefix) for known in IMAGENET.values()):
        expected = ", ".join(f"{known.prefix[:8]} ({trunk})" for trunk, known in IMAGENET.items())
        raise CheckpointError(
            f"{path}: SHA-256 starts with {found[:8]}, none of the published files' {expected}. A .pth file is read "
            "only where its hash is known: by these, or by a name that ends in -<first 8 digits of SHA-256>.pth."
        )
    return found


def pinned(digits: str) -> str:
    """Return the SHA-256 of the published file that begins with these digits, else the digits."""
    return next((known.prefix for known in IMAGENET.values() if known.prefix.startswith(digits)), digits)
