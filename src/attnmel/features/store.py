"""A fitted system as a checkpoint: arrays and weights in safetensors, its settings and manifest as text; no pickle.

`SystemNetwork` gives it the form of a network, so that what predicts images by a checkpoint takes it too.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnmel.compute import runtime
from attnmel.errors import CheckpointError
from attnmel.features.card import SYSTEM, SvmFacts, SystemCard, read_system_card
from attnmel.features.sources import FeatureSource
from attnmel.features.svm.classifier import FittedSvm
from attnmel.features.svm.logistic import Logistic
from attnmel.features.svm.scaling import FittedScaling
from attnmel.features.system import FittedSystem, Place, SystemMember
from attnmel.features.trunk_network import TrunkNetwork, network_of
from attnmel.models.output import Output
from attnmel.models.weights.card import Card
from attnmel.models.weights.checkpoints import checkpoint_file, load_checkpoint, read_checkpoint, save_weights
from attnmel.models.weights.safetensors_io import read_metadata

ENCODER, SCALING, SVM, TRUNK = "encoder", "scaling", "svm", "trunk"


class SystemNetwork(nn.Module):
    """A fitted system in the form of a network without attention, which takes RGB in [0, 1], not normalised.

    Its scores are the logarithms of its probabilities.
    """

    def __init__(self, system: FittedSystem) -> None:
        super().__init__()
        self.system = system

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> Output:
        """Classify prepared images of the card's size."""
        pixels = (images.float() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        with np.errstate(divide="ignore"):  # a probability of 0 stays 0 after the softmax
            return Output(torch.from_numpy(np.log(self.system.probabilities(pixels))))


def save_system(path: Path, system: FittedSystem, card: Card) -> None:
    """Write a fitted system; replaces a former checkpoint."""
    arrays: dict[str, Tensor] = {}
    for member in system.members:
        arrays |= {f"{member.place.name}.{name}": _tensor(value) for name, value in _arrays(member).items()}
    for name, source in system.sources.items():
        if isinstance(source.trunk, TrunkNetwork):
            arrays |= {
                f"{TRUNK}.{_weights_name(system.card, name)}.{key}": v for key, v in source.trunk.tensors.items()
            }
    save_weights(path, arrays, card, {SYSTEM: system.card.model_dump_json()})


def load_classifier(path: Path) -> tuple[nn.Module, Card]:
    """Read a run folder's best checkpoint, or a checkpoint file, of a network or a fitted system.

    Raises:
        CheckpointError: as `load_checkpoint`, or a fitted system of another version or without some of its arrays.
    """
    file = checkpoint_file(path)
    texts = read_metadata(file)
    if SYSTEM not in texts:
        return load_checkpoint(path)
    tensors, card = read_checkpoint(file)
    return SystemNetwork(_system(tensors, read_system_card(texts[SYSTEM], file), file)), card


def _system(tensors: Mapping[str, Tensor], card: SystemCard, path: Path) -> FittedSystem:
    device = runtime.choose_device()
    try:
        trunks = {
            name: network_of(facts, _below(tensors, f"{TRUNK}.{_weights_name(card, name)}."), device)
            for name, facts in card.trunks.items()
        }
        members = tuple(_member(tensors, facts) for facts in card.members)
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} lacks arrays of its fitted system ({str(error).splitlines()[0]}); copy it again from where it "
            "came, or fit it again"
        ) from None
    sources = {name: FeatureSource(one, card.size, trunks.get(name)) for name, one in card.features.items()}
    return FittedSystem(card, sources, members)


def _arrays(member: SystemMember) -> dict[str, np.ndarray]:
    svm = member.svm
    own = {"vectors": svm.vectors, "coefficients": svm.coefficients, "intercepts": svm.intercepts}
    groups = {ENCODER: member.encoder, SCALING: svm.scaling.arrays, SVM: own}
    return {f"{group}.{name}": value for group, arrays in groups.items() for name, value in arrays.items()}


def _member(tensors: Mapping[str, Tensor], facts: SvmFacts) -> SystemMember:
    groups = {
        group: {name: one.numpy() for name, one in _below(tensors, f"{facts.name}.{group}.").items()}
        for group in (ENCODER, SCALING, SVM)
    }
    svm = FittedSvm(
        kernel=facts.kernel,
        scaling=FittedScaling(facts.scaling, groups[SCALING]),
        unit=facts.unit,
        gamma=facts.gamma,
        cost=facts.cost,
        vectors=groups[SVM]["vectors"],
        coefficients=groups[SVM]["coefficients"],
        intercepts=groups[SVM]["intercepts"],
        logistics=tuple(Logistic(*one) for one in facts.logistics),
    )
    return SystemMember(Place(facts.feature, facts.tap, facts.context), groups[ENCODER], svm, facts.auc)


def _weights_name(card: SystemCard, feature: str) -> str:
    """Return the name that the weights of a feature are stored under: once for features of the same weights."""
    return card.trunks[feature].sha256[:16]


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
