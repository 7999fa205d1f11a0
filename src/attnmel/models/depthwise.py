"""Convolutions within each channel whose gradient, in training on the CPU, avoids what oneDNN computes slowly.

Of torch 2.13 (oneDNN 3.x) on one core with AVX-512: in bf16 the gradient of the input takes 13 to 100 times as long as
in float32 at stride 2, and that of the weights 2 to 4 times at 5x5; both are computed in float32 here
(docs/performance.md, "Light trunks").
"""

from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

HALVES = (torch.bfloat16, torch.float16)
QUICK_SIDE = 3
"""The largest kernel whose weights' gradient oneDNN computes quickly in bf16."""


class Depthwise(nn.Conv2d):
    """A convolution within each channel: same numbers as `nn.Conv2d` with as many groups as channels, trained faster."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # Anywhere else torch's own: it can be exported, compiled and differentiated twice.
        if not self.training or bias is not None or not _is_quick(input, weight):
            return super()._conv_forward(input, weight, bias)
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            input, weight = input.to(dtype), weight.to(dtype)
        stride, padding = cast("tuple[int, int]", self.stride), cast("tuple[int, int]", self.padding)
        return cast(Tensor, _Convolution.apply(input, weight, stride, padding))


def _is_quick(input: Tensor, weight: Tensor) -> bool:
    return (
        torch.is_grad_enabled()
        and input.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
    )


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
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (gradient,) = gradients
        input, weight = ctx.saved_tensors
        shape = (ctx.stride, ctx.padding)
        inputs = _input_gradient(gradient, input, weight, *shape) if ctx.needs_input_grad[0] else None
        weights = _weight_gradient(gradient, input, weight, *shape) if ctx.needs_input_grad[1] else None
        return inputs, weights, None, None


def _input_gradient(
    gradient: Tensor, input: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    wide = input.dtype in HALVES and max(stride) > 1
    if wide:
        # The values of the input are not needed, so that they are not cast.
        whole = torch.empty_like(input, dtype=torch.float32)
        return _gradient(gradient.float(), whole, weight.float(), stride, padding, 0).to(input.dtype)
    return _gradient(gradient, input, weight, stride, padding, 0)


def _weight_gradient(
    gradient: Tensor, input: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    if input.dtype in HALVES and max(weight.shape[2:]) > QUICK_SIDE:
        return _gradient(gradient.float(), input.float(), weight.float(), stride, padding, 1).to(weight.dtype)
    return _gradient(gradient, input, weight, stride, padding, 1)


def _gradient(
    gradient: Tensor, input: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int], place: int
) -> Tensor:
    """Return torch's gradient of the input (place 0) or of the weight (1)."""
    wanted = [one == place for one in range(3)]
    groups = len(weight)
    return torch.ops.aten.convolution_backward(
        gradient, input, weight, None, stride, padding, (1, 1), False, (0, 0), groups, wanted
    )[place]
