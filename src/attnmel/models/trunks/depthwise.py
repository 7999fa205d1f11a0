"""Convolutions within each channel whose gradient, in training on the CPU, goes around what oneDNN computes slowly.

With torch 2.13 on AVX-512 the weights' gradient of a kernel wider than 3 takes up to twice as long in float32, and 7 to
17 times in bf16, as its columns in two parts; the input's gradient at stride 2 takes 13 to 75 times as long in bf16
as in float32 (docs/results/performance.md, "Light trunks").
"""

from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

HALVES = (torch.bfloat16, torch.float16)
QUICK_COLUMNS = 3
"""The widest kernel whose weights' gradient oneDNN computes quickly; its rows do not matter."""


class Depthwise(nn.Conv2d):
    """`nn.Conv2d` with as many groups as channels, trained faster: the same numbers up to their rounding."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not self._has_own_gradient(input):
            return super()._conv_forward(input, weight, bias)
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            input, weight = input.to(dtype), weight.to(dtype)
        stride, padding = cast("tuple[int, int]", self.stride), cast("tuple[int, int]", self.padding)
        return cast(Tensor, _Convolution.apply(input, weight, stride, padding))

    def _has_own_gradient(self, input: Tensor) -> bool:
        # Outside training torch's own, which can be exported and differentiated twice.
        trained = self.training and torch.is_grad_enabled() and not torch.compiler.is_compiling()
        usual = self.bias is None and self.padding_mode == "zeros" and self.dilation == (1, 1)
        per_channel = self.groups == self.in_channels == self.out_channels and isinstance(self.padding, tuple)
        return trained and usual and per_channel and input.ndim == 4 and input.device.type == "cpu"


class _Convolution(torch.autograd.Function):
    """The convolution, with its gradient by `_input_gradient` and `_weight_gradient`."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context has no public type
        input: Float[Tensor, "B C h w"],
        weight: Float[Tensor, "C 1 k l"],
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Float[Tensor, "B C p q"]:
        ctx.save_for_backward(input, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(input, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  # pyright: ignore[reportIncompatibleMethodOverride]
        (gradient,) = grad_outputs
        input, weight = ctx.saved_tensors
        shape = (ctx.stride, ctx.padding)
        inputs = _input_gradient(gradient, input, weight, *shape) if ctx.needs_input_grad[0] else None
        weights = _weight_gradient(gradient, input, weight, *shape) if ctx.needs_input_grad[1] else None
        return inputs, weights, None, None


def _input_gradient(
    gradient: Tensor, input: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    if input.dtype not in HALVES or max(stride) == 1:
        return _gradient(gradient, input, weight, stride, padding, 0)
    # The input's values are not used, so that they need no cast.
    shape = torch.empty_like(input, dtype=torch.float32)
    return _gradient(gradient.float(), shape, weight.float(), stride, padding, 0).to(input.dtype)


def _weight_gradient(
    gradient: Tensor, input: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    rows, columns = weight.shape[2:]
    if columns <= QUICK_COLUMNS:
        return _gradient(gradient, input, weight, stride, padding, 1)
    reach = [(side - 1) * step for side, step in zip(gradient.shape[2:], stride, strict=True)]
    parts, before = [], 0
    # Parts of nearly one width: a single column is slow again at stride 2.
    for part in weight.tensor_split(-(-columns // QUICK_COLUMNS), dim=3):
        left, top = padding[1] - before, padding[0]
        right, below = reach[1] + part.shape[3] - input.shape[3] - left, reach[0] + rows - input.shape[2] - top
        # What these columns see of the input; a negative padding cuts.
        seen = functional.pad(input, (left, right, top, below))
        parts.append(_gradient(gradient, seen, part, stride, (0, 0), 1))
        before += part.shape[3]
    return torch.cat(parts, dim=3)


def _gradient(
    gradient: Tensor, input: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int], place: int
) -> Tensor:
    """Return torch's gradient of the input (place 0) or of the weight (1)."""
    wanted = [one == place for one in range(3)]
    groups = len(weight)
    return torch.ops.aten.convolution_backward(
        gradient, input, weight, None, stride, padding, (1, 1), False, (0, 0), groups, wanted
    )[place]
