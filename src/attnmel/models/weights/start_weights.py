"""The start weights of a network: random, published ImageNet weights, or another run's checkpoint.

torchvision's published files are pickles, the one exception to safetensors: the SHA-256 is checked first, then they are
read with `weights_only=True`, which takes tensors and plain containers and runs no code. Published weights may lie in a
.safetensors file too, under the same names; reading one runs no code, so any is read, and its SHA-256 is recorded.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import torch
from torch import Tensor, nn

from attnmel.errors import ArchiveError, CheckpointError, ConfigError
from attnmel.files.checksums import file_sha256
from attnmel.files.download import download
from attnmel.files.folders import expanded, weights_folder
from attnmel.files.hub import hub_folder, hub_name
from attnmel.files.hub import pinned_hub_name as pinned_model
from attnmel.files.locks import built_once
from attnmel.models.heads import Head
from attnmel.models.trunks.vgg import VggTrunk, batch_normed_names, lacks_batch_norm, without_batch_norm
from attnmel.models.weights.card import CARD, described
from attnmel.models.weights.checkpoints import checkpoint_file, read_checkpoint, require_network
from attnmel.models.weights.efficientnet_lite import PACKAGED, licence_of, packaged_file, renamed
from attnmel.models.weights.published_weights import HASH_IN_NAME, IMAGENET, check_hash, pinned
from attnmel.models.weights.safetensors_io import check_finite, check_tensors, load_state, read_metadata
from attnmel.progress import SILENT, Progress


class Start(NamedTuple):
    """The start weights of a network."""

    sentence: str
    """For the provenance: which weights were put in."""
    licence: str | None = None
    """Of the weights, or of the data that an earlier run was trained on, which stays with the weights.

    None for a random start; also for torchvision's published weights, whose files say nothing of their terms. That of
    EfficientNet-Lite's weights is known by their hash.
    """
    bare: bool = False
    """Whether the weights are of a VGG-16 without batch-norm and the trunk has batch-norms, which are at their random
    start: `vgg_rescale` makes them fit."""
    rescalable: bool = False
    """Whether they are published weights of a VGG-16 without batch-norm, which `vgg_rescale` may rescale."""
    facts: dict[str, Any] | None = None
    """What was measured to make the weights fit, for the provenance."""


# Where a network keeps what torchvision names otherwise: the convolutions, and the dense layers of "vgg16".
PUBLISHED_NAMES = {"trunk.features.": "features.", "dense.0.": "classifier.0.", "dense.3.": "classifier.3."}

# A batch-norm's count of batches is younger than the published files and plays no part with a fixed momentum.
BATCH_COUNT = "num_batches_tracked"

RANDOM = "random"
START_NAMES = (RANDOM, "imagenet")  # those that are a name, not a place

PICKLE = ".pth"  # of torchvision's published files

HEAD, TRUNK = "head.", "trunk.features."
ADDRESS = re.compile(r"(https?|file)://", re.IGNORECASE)


def start_weights(
    network: nn.Module,
    source: str,
    *,
    trunk: str,
    width: float,
    classes: Sequence[str],
    home: Path,
    progress: Progress = SILENT,
) -> Start:
    """Put start weights into a network that has a random start; return what was done.

    `source` is "random", "imagenet" (the published file, from its installed package, `home` or its address), an
    address or a path of a .pth file, a path of a .safetensors file of published weights, or a run folder, a
    checkpoint of attnmel or a model of a hub, whose head is left out where its classes are not `classes`, and of which
    another network takes the trunk alone. Weights of a VGG-16 without batch-norm fill the convolutions of the trunk
    "vgg16_bn" too; the result records it.

    Raises:
        ConfigError: ImageNet weights for a network of another width.
        CheckpointError: the weights are not there, not reachable, damaged, or of another architecture.
    """
    if source == RANDOM:
        return Start("random start")
    if source == "imagenet":
        return _put_pickle(network, _imagenet_file(trunk, width, home, progress))
    if ADDRESS.match(source):
        return _put_pickle(network, _addressed_file(source, trunk, home, progress))
    path = weights_file(source)
    if path.suffix == PICKLE:
        return _put_pickle(network, path)
    if CARD in read_metadata(path):
        return _put_checkpoint(network, path if hub_name(source) else expanded(source), classes, source)
    return _put_safetensors(network, path)


def is_published(source: str) -> bool:
    """Whether start weights are random or published ones by their name, not a file that says more of itself."""
    return source in START_NAMES or ADDRESS.match(source) is not None or source.endswith(PICKLE)


def weights_file(source: str) -> Path:
    """Return the file that a path of a .pth or .safetensors file, or of a run folder, or a model of a hub means.

    Raises:
        CheckpointError: there is none.
    """
    if name := hub_name(source):
        return checkpoint_file(hub_folder(name))
    path = expanded(source)
    if path.is_file() and path.suffix == PICKLE:
        return path
    if path.is_dir() or path.suffix == ".safetensors":
        return checkpoint_file(path)
    raise CheckpointError(
        f'no weights at \'{source}\'; model.weights is "imagenet", "random", an address or a path of a .pth file, '
        "a run folder, a .safetensors file, or hf:OWNER/NAME@REVISION"
    )


def stored_source(source: str) -> str:
    """Return weights as a stored recipe names them: a path in full, a model of a hub with its commit and hash.

    Raises:
        AttnmelError: as `hub_folder`.
    """
    if name := hub_name(source):
        return str(pinned_model(name))
    path = expanded(source)
    return str(path.absolute()) if source not in START_NAMES and path.exists() else source


def _imagenet_file(trunk: str, width: float, home: Path, progress: Progress) -> Path:
    if width != 1:
        raise ConfigError(
            f'model.width is {width:g}, but ImageNet weights exist for width 1 only; set model.weights = "random" '
            "or model.width = 1"
        )
    if trunk in PACKAGED:
        return packaged_file(trunk)
    published = IMAGENET[trunk]
    return _fetched(published.address, weights_folder(home) / published.name, trunk, progress, published.prefix)


def _addressed_file(address: str, trunk: str, home: Path, progress: Progress) -> Path:
    name = unquote(urlsplit(address).path).rsplit("/", 1)[-1]
    if not name.endswith(PICKLE):
        raise CheckpointError(
            f"the address {address} does not end in the name of a .pth file; fetch a checkpoint of attnmel by other "
            "means and name its path"
        )
    named = HASH_IN_NAME.search(name)
    prefix = pinned(named[1].lower()) if named else None
    return _fetched(address, weights_folder(home) / name, trunk, progress, prefix)


def _fetched(address: str, target: Path, trunk: str, progress: Progress, prefix: str | None) -> Path:
    # Only a name with the hash proves that a file fetched earlier is the one at this address.
    fetch = partial(_fetch, address, target, trunk, progress, prefix)
    built_once(target, lambda: prefix is not None and target.is_file(), fetch, progress.note)
    return target


def _fetch(address: str, target: Path, trunk: str, progress: Progress, prefix: str | None) -> None:
    progress.note(f"start weights from {address}")
    try:
        download(address, target, progress=progress, sha256_prefix=prefix)
    except ArchiveError as error:
        name = (PACKAGED.get(trunk) or IMAGENET[trunk]).name
        raise CheckpointError(
            f"no weights from {address}: {error}\n"
            "Three ways on; in a recipe with parts settings go to every part:\n"
            f"  fetch {name} on another machine and put it at {target}; then nothing needs to be set\n"
            f"  another address or place: --set model.weights=http://.../{name} or --set model.weights=PATH/{name}\n"
            "  a random start, and colours of the data set: --set model.weights=random --set data.normalise_by=dataset"
        ) from None


def _put_pickle(network: nn.Module, path: Path) -> Start:
    terms = _of_start(licence_of(check_hash(path)))
    return _put_published(network, renamed(_read_pickle(path)), path, path.name)._replace(licence=terms)


def _put_safetensors(network: nn.Module, path: Path) -> Start:
    published, metadata = load_state(path)
    check_finite(published, path)
    start = _put_published(network, published, path, f"{path.name} (SHA-256 {file_sha256(path)})")
    return start._replace(licence=_of_start(metadata.get("licence")))


def _of_start(terms: str | None) -> str | None:
    return f"{terms} (start weights)" if terms else None


def _put_published(network: nn.Module, published: Mapping[str, Tensor], path: Path, what: str) -> Start:
    """Put in all but the head, cast to the network's types; the sentence names the parts that are left as they were."""
    own = network.state_dict()
    if bare := lacks_batch_norm(network, published):
        own, published = without_batch_norm(own, TRUNK), batch_normed_names(published)
    renamed = {name: _published_name(name) for name in own}
    wanted = {name: public for name, public in renamed.items() if public and not name.endswith(BATCH_COUNT)}
    chosen = {name: published[public] for name, public in wanted.items() if public in published}
    # A trunk with more layers has other names too, so that every convolution must be found and none left over.
    known = {*wanted.values()}
    ours = {name for name in published if name.startswith("features.") and not name.endswith(BATCH_COUNT)}
    left = {name: published[name] for name in published if name in ours - known}
    check_tensors({**chosen, **left}, {name: own[name] for name in wanted}, path.name)
    if whole := [name for name, tensor in chosen.items() if not tensor.is_floating_point()]:
        raise CheckpointError(
            f"{path}: tensor '{whole[0]}' holds {chosen[whole[0]].dtype} ({len(whole)} of {len(chosen)} hold no "
            "floating numbers), as a quantised network's; expected weights as torchvision publishes them"
        )
    network.load_state_dict(chosen, strict=False)
    trunk = network.get_submodule("trunk")
    rescalable = bare or (isinstance(trunk, VggTrunk) and not trunk.batch_norm)
    sentence = f"published weights {what}; {_fresh_parts(own, chosen)} start at random"
    return Start(sentence, bare=bare, rescalable=rescalable)


def _published_name(name: str) -> str | None:
    for own, public in PUBLISHED_NAMES.items():
        if name.startswith(own):
            return public + name.removeprefix(own)
    return None


def _fresh_parts(own: Mapping[str, Tensor], chosen: Mapping[str, Tensor]) -> str:
    fresh = {name.split(".")[0] for name in own if name not in chosen and not name.endswith(BATCH_COUNT)}
    return " and ".join(sorted(fresh)) or "no parts"


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged pickle fails in any way that its bytes lead to
        first_line = str(error).strip().split("\n")[0]
        raise CheckpointError(
            f"{path} cannot be read as weights ({first_line}); expected a state dict as torchvision publishes them"
        ) from None
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{path} holds no state dict (names with tensors), as torchvision publishes them")
    return tensors


def _put_checkpoint(network: nn.Module, path: Path, classes: Sequence[str], source: str) -> Start:
    """Put in all; without the head where its classes are others, the trunk alone where it is another network."""
    (tensors, card), own = read_checkpoint(path), network.state_dict()
    require_network(card, path)
    if card.own:
        raise CheckpointError(
            f"{path} is {described(card)}: it has no trunk that a network of attnmel could start from"
        )
    heads = tuple(f"{name}." for name, part in network.named_modules() if isinstance(part, Head))
    if bare := lacks_batch_norm(network, tensors, TRUNK):
        own, tensors = without_batch_norm(own, TRUNK), batch_normed_names(tensors, TRUNK)
    is_same_network = _form(own) == _form(tensors)
    same = card.classes == tuple(classes) and own.keys() == tensors.keys()
    of_same = {name for name in own | tensors if is_same_network and (same or not name.startswith(heads))}
    taken = of_same | {name for name in own | tensors if name.startswith(TRUNK)}
    parts, expected = ({name: one[name] for name in one if name in taken} for one in (tensors, own))
    check_tensors(parts, expected, f"{path} ({described(card)})")
    network.load_state_dict(parts, strict=False)
    head = "with its head" if same else f"with a new head for {', '.join(classes)}"
    if not is_same_network:
        head = f"of its trunk alone (that network is {card.network}); {_fresh_parts(own, parts)} start at random"
    name = source if hub_name(source) else path
    return Start(f"weights of {name} ({card.recipe}, epoch {card.epoch}), {head}", card.licence, bare=bare)


def _form(tensors: Mapping[str, Tensor]) -> tuple[set[str], object]:
    """Return the parts of a network and the number of features of its head, by which networks on a trunk differ."""
    return {name.partition(".")[0] for name in tensors}, tensors[f"{HEAD}weight"].shape[1:]
