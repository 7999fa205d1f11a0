"""The checks of the network after DermaKNet: what the structure maps, polar pooling and asymmetry do to its scores."""

from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from attnmel.errors import ConfigError
from attnmel.models.classifiers import build_network, rate_share, train_without_masks
from attnmel.models.dermaknet import STRUCTURES, DermaKNet
from attnmel.models.output import predict_batch
from attnmel.training.losses import TotalLoss

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
PARTS = ("maps", "polar", "asymmetry")
EVERY = [some for count in range(4) for some in combinations(PARTS, count)]


def network(*without: str) -> DermaKNet:
    torch.manual_seed(0)
    built = build_network("dermaknet", width=0.05, classes=3, without=without).eval()
    assert isinstance(built, DermaKNet)
    return built


def trained(built: DermaKNet) -> DermaKNet:
    """Give the branches that start at 0 some weights."""
    for layer in (built.polar, built.asymmetry):
        if layer is not None:
            nn.init.normal_(layer.weight)
    return built


@pytest.mark.parametrize("without", EVERY)
def test_before_the_first_step_the_further_branches_change_nothing(without: tuple[str, ...]) -> None:
    built, alone = network(*without), network(*without, "polar", "asymmetry")
    alone.load_state_dict({name: built.state_dict()[name] for name in alone.state_dict()})
    torch.testing.assert_close(built(IMAGES).logits, alone(IMAGES).logits)


def test_with_all_maps_1_the_first_branch_is_the_plain_classifier() -> None:
    built, plain = network("polar", "asymmetry"), build_network("vgg16-gap", width=0.05, classes=3).eval()
    plain.get_submodule("trunk").load_state_dict(built.trunk.state_dict())
    channels = built.trunk.channels[2]
    weights = built.head.weight.data.unflatten(1, (1 + STRUCTURES, channels)).sum(1)
    plain.load_state_dict({"head.weight": weights, "head.bias": built.head.bias.data}, strict=False)
    features = built.trunk(IMAGES).stride32
    ones = torch.ones(2, 1 + STRUCTURES, 2, 2)
    torch.testing.assert_close(built.scores(features, ones), plain(IMAGES).logits)


def test_without_maps_polar_and_asymmetry_it_is_vgg16_gap() -> None:
    built, plain = network(*PARTS), build_network("vgg16-gap", width=0.05, classes=3).eval()
    plain.load_state_dict(built.state_dict())
    torch.testing.assert_close(built(IMAGES).logits, plain(IMAGES).logits)


def test_a_quarter_turn_of_map_and_features_keeps_the_asymmetry_scores_of_equal_axes() -> None:
    built = trained(network("polar"))
    assert built.asymmetry is not None
    by_axis = built.asymmetry.weight.data.unflatten(1, (1 + STRUCTURES, 2, -1))
    by_axis[:, :, 1] = by_axis[:, :, 0]
    features, maps = torch.rand(2, built.trunk.channels[2], 4, 4), torch.rand(2, 1 + STRUCTURES, 4, 4)
    turned = built.scores(features.rot90(1, (2, 3)), maps.rot90(1, (2, 3)))
    torch.testing.assert_close(turned, built.scores(features, maps))


def gradients(loss: Tensor, built: nn.Module) -> set[str]:
    loss.backward()
    return {name for name, weights in built.named_parameters() if weights.grad is not None and weights.grad.any()}


def test_no_gradient_of_the_classes_reaches_the_maps_and_none_of_the_masks_the_trunk() -> None:
    built = trained(network())
    of_classes = gradients(built(IMAGES).logits.square().sum(), built)
    assert not [name for name in of_classes if name.startswith("structures")]
    assert {name.partition(".")[0] for name in of_classes} == {"trunk", "head", "polar", "asymmetry"}
    built = network()
    marks, labels, has_prior = torch.ones(2, STRUCTURES, 64, 64), torch.tensor([0, 1]), torch.tensor([True, True])
    output = built(IMAGES)
    loss = TotalLoss(gamma=0.0, mask_weight=1.0)
    of_masks = gradients(loss.mask_term(output, marks, has_prior), built)
    assert {name.partition(".")[0] for name in of_masks} == {"structures"}
    assert loss(output._replace(logits=output.logits.detach()), labels, marks, has_prior) > 0


def test_layers_of_the_maps_stay_as_they_start_where_no_mask_trains_them() -> None:
    built = network()
    train_without_masks(built)
    kept = {name for name, weights in built.named_parameters() if not weights.requires_grad}
    assert kept == {name for name, _ in built.named_parameters() if name.startswith("structures")}


def test_further_branches_have_their_share_of_the_learning_rate() -> None:
    shares = {name: rate_share(network(), name) for name in ("trunk.features.0.weight", "head.bias", "polar.weight")}
    assert shares == {"trunk.features.0.weight": 1, "head.bias": 1, "polar.weight": pytest.approx(1 / 12)}
    assert rate_share(network(), "asymmetry.bias") == 0.5
    assert rate_share(build_network("vgg16-gap", width=0.05, classes=2), "head.weight") == 1


def test_an_unknown_part_is_answered_with_the_known() -> None:
    with pytest.raises(ConfigError, match="unknown part to leave out 'rings'; known: asymmetry, maps, polar"):
        build_network("dermaknet", classes=2, without=("rings",))


def with_ellipse(*without: str) -> DermaKNet:
    torch.manual_seed(0)
    built = build_network("dermaknet", width=0.05, classes=3, without=without, grid="ellipse").eval()
    assert isinstance(built, DermaKNet)
    return trained(built)


@pytest.mark.parametrize(("without", "planes"), [((), STRUCTURES + 1), (("maps",), 1), (("polar",), STRUCTURES + 1)])
def test_the_ellipse_has_a_plane_of_its_own_that_is_no_modulating_map(without: tuple[str, ...], planes: int) -> None:
    built, disc = with_ellipse(*without), network(*without)
    output = built(IMAGES)
    assert output.masks is not None
    assert output.masks.shape[1] == planes
    assert built.head.weight.shape == disc.head.weight.shape
    assert disc(IMAGES).without_lesion is None


def test_where_no_lesion_is_found_the_scores_are_those_of_the_disc_and_it_is_counted() -> None:
    built, disc = with_ellipse(), trained(network())
    weights = built.state_dict()
    for name in ("structures.2.weight", "structures.2.bias"):
        weights[name][STRUCTURES:] = 0
    weights["structures.2.bias"][STRUCTURES] = -9
    built.load_state_dict(weights)
    disc.load_state_dict(
        {name: one[:STRUCTURES] if name.startswith("structures.2") else one for name, one in weights.items()}
    )
    output = built(IMAGES)
    assert output.without_lesion is not None
    assert output.without_lesion.tolist() == [True, True]
    assert predict_batch(built, IMAGES).without_lesion == 2
    torch.testing.assert_close(output.logits, disc(IMAGES).logits)
    weights["structures.2.bias"][STRUCTURES] = 9
    built.load_state_dict(weights)
    assert predict_batch(built, IMAGES).without_lesion == 0


def test_presence_alone_trains_the_structure_maps_and_marks_the_lesion() -> None:
    built = with_ellipse()
    marks = torch.zeros(2, STRUCTURES + 1, 64, 64)
    marks[:, -1, 16:48, 16:48] = 1
    loss = TotalLoss(gamma=0.0, mask_weight=1.0, by_presence=True)
    reached = gradients(loss.mask_term(built(IMAGES), marks, torch.tensor([True, True])), built)
    assert reached == {name for name, _ in built.named_parameters() if name.startswith("structures")}
