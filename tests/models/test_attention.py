import numpy as np
import pytest
import torch

from attnmel.config.settings.model import ATTENTIONS, Attention
from attnmel.models.attention import AttentionGate


def bilinear(grid: np.ndarray, side: int) -> np.ndarray:
    """Up-sample [h, h] to [side, side], point by point, with pixel centres at halves (align_corners false)."""
    small = len(grid)
    result = np.zeros((side, side))
    for row in range(side):
        for column in range(side):
            y, x = (min(max((place + 0.5) * small / side - 0.5, 0), small - 1) for place in (row, column))
            top, left = int(y), int(x)
            below, right = min(top + 1, small - 1), min(left + 1, small - 1)
            dy, dx = y - top, x - left
            upper = (1 - dx) * grid[top, left] + dx * grid[top, right]
            lower = (1 - dx) * grid[below, left] + dx * grid[below, right]
            result[row, column] = (1 - dy) * upper + dy * lower
    return result


def plain_gate(
    gate: AttentionGate, local: np.ndarray, guide: np.ndarray, kind: Attention
) -> tuple[np.ndarray, np.ndarray]:
    """The gate on one image by its formula; gives features [C] and map [h, h]."""
    w_local = gate.local_weights.weight.detach().numpy()[:, :, 0, 0]
    w_global = gate.global_weights.weight.detach().numpy()[:, :, 0, 0]
    w_score = gate.score.weight.detach().numpy()[0, :, 0, 0]
    bias = gate.get_parameter("score.bias").detach().numpy()[0]
    side = local.shape[-1]
    guided = np.stack([bilinear(grid, side) for grid in np.einsum("dc,chw->dhw", w_global, guide)])
    hidden = np.maximum(np.einsum("dc,chw->dhw", w_local, local) + guided, 0)
    scores = np.einsum("d,dhw->hw", w_score, hidden) + bias
    if kind == "sigmoid":
        attention = 1 / (1 + np.exp(-scores))
        return (attention * local).mean((1, 2)), attention
    attention = np.exp(scores) / np.exp(scores).sum()
    return (attention * local).sum((1, 2)), attention


def random_gate(kind: Attention) -> AttentionGate:
    torch.manual_seed(1)
    gate = AttentionGate(5, 6, hidden=4, kind=kind).double()
    torch.nn.init.constant_(gate.get_parameter("score.bias"), -0.3)
    return gate


@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("side", [4, 8])
def test_gate_is_its_formula(kind: Attention, side: int) -> None:
    gate = random_gate(kind)
    local, guide = torch.randn(2, 5, side, side).double(), torch.randn(2, 6, 2, 2).double()
    features, attention = gate(local, guide)
    for image in range(2):
        expected = plain_gate(gate, local[image].numpy(), guide[image].numpy(), kind)
        np.testing.assert_allclose(features[image].detach(), expected[0], rtol=1e-12)
        np.testing.assert_allclose(attention[image, 0].detach(), expected[1], rtol=1e-12)


def test_softmax_attention_sums_to_one_even_under_autocast() -> None:
    gate = AttentionGate(5, 6, hidden=4, kind="softmax")
    with torch.autocast("cpu", torch.bfloat16):
        attention = gate(10 * torch.randn(3, 5, 28, 28), 10 * torch.randn(3, 6, 7, 7)).attention
    assert attention.dtype == torch.float32
    torch.testing.assert_close(attention.sum((1, 2, 3)), torch.ones(3))


def test_sigmoid_attention_without_weights_is_one_half() -> None:
    gate = random_gate("sigmoid")
    for parameter in gate.parameters():
        torch.nn.init.zeros_(parameter)
    local = torch.randn(2, 5, 4, 4).double()
    features, attention = gate(local, torch.randn(2, 6, 2, 2).double())
    assert (attention == 0.5).all()
    torch.testing.assert_close(features, local.mean((2, 3)) / 2)


@pytest.mark.parametrize(("local", "parameters"), [(256, 196_865), (512, 262_401)])
def test_parameter_count(local: int, parameters: int) -> None:
    with torch.device("meta"):
        gate = AttentionGate(local, 512)
    assert sum(parameter.numel() for parameter in gate.parameters()) == parameters


def test_start_is_kaiming_by_fan_in() -> None:
    torch.manual_seed(0)
    gate = AttentionGate(256, 512)
    assert gate.local_weights.weight.std().item() == pytest.approx((2 / 256) ** 0.5, rel=0.02)
    assert gate.global_weights.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    assert gate.get_parameter("score.bias").item() == 0
