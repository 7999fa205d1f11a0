"""The scores of given classes, from a network in evaluation mode and whatever it returns with them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnmel.errors import ConfigError


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put every module in evaluation mode, and each back in its own mode at the end, also after an error."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def logits_of(output: object) -> Float[Tensor, "B K"]:
    """Return the scores of an `Output`, of any other tuple or list that begins with them, or of a plain tensor.

    Raises:
        ConfigError: the output is of another kind.
    """
    logits = output[0] if isinstance(output, tuple | list) and output else output
    if isinstance(logits, Tensor) and logits.ndim == 2:
        return logits
    found = f"a tensor of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
    raise ConfigError(
        f"the network returns {found}; expected scores of images and classes (a tensor of two dimensions), alone or "
        "first in a tuple"
    )


def scores_of(output: object, classes: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
    """Return each image's score of its class, before the softmax.

    Every method explains this score and not the probability: it does not saturate, and it does not move with the
    evidence for other classes.
    """
    logits = logits_of(output)
    check_class_numbers(classes, logits.shape[1])
    return logits.gather(1, classes.to(logits.device)[:, None])[:, 0]


def check_class_numbers(classes: Int[Tensor, " B"], count: int) -> None:
    """Refuse classes that a network for `count` classes does not have.

    Raises:
        ConfigError: names the first one.
    """
    if wrong := [number for number in classes.tolist() if not 0 <= number < count]:
        raise ConfigError(f"class {wrong[0]} of a network for {count} classes; expected 0 to {count - 1}")


def differentiable(images: Float[Tensor, "B 3 s s"]) -> Float[Tensor, "B 3 s s"]:
    """Return images that a gradient may be taken through, also inside `torch.inference_mode`."""
    with torch.inference_mode(False):
        return images.clone() if images.is_inference() else images.detach()
