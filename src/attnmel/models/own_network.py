"""Networks of users: a function that builds a torch module, by a name that recipes and checkpoints hold.

The contract: `build(classes)` returns a module that takes normalised images, (B, 3, s, s) in float32 with s a multiple
of 32, and returns the scores of the classes before the softmax, (B, classes). Weights that it starts from are its own.
A checkpoint holds its name and its weights, never code.
"""

import inspect
import re
from collections.abc import Callable
from importlib.metadata import entry_points

import torch
from jaxtyping import Float
from torch import OutOfMemoryError, Tensor, nn
from torch.nn.parameter import is_lazy

from attnmel.arguments import checked_arguments
from attnmel.config.settings.model import OWN_NAME
from attnmel.errors import AttnmelError, ConfigError, listed
from attnmel.models.output import Output

Build = Callable[[int], nn.Module]
"""From the number of classes to a module with a start of its own, drawn from torch's global generator."""

ENTRY_POINTS = "attnmel.networks"
"""Group of the entry points by which an installed package offers networks, so that commands know them too."""

_REGISTERED: dict[str, Build] = {}


class OwnNetwork(nn.Module):
    """A module that is not the package's, as a classifier of the package."""

    def __init__(self, name: str, module: nn.Module, classes: int) -> None:
        super().__init__()
        self.name: str = name
        self.classes: int = classes
        self.module = module

    def forward(self, images: Float[Tensor, "B 3 s s"]) -> Output:
        """Classify normalised images.

        Raises:
            ConfigError: the module fails, or returns something else than scores, in training without a gradient.
        """
        try:
            scores = self.module(images)
        except (AttnmelError, OutOfMemoryError):
            raise
        except Exception as error:
            raise ConfigError(
                f"the network '{self.name}' fails on images of shape {tuple(images.shape)} ({_first_line(error)}); "
                "expected scores of the classes of any such images: correct its forward"
            ) from error
        expected = (len(images), self.classes)
        if not isinstance(scores, Tensor) or tuple(scores.shape) != expected:
            found = f"shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else f"type {type(scores).__name__}"
            raise ConfigError(
                f"the network '{self.name}' returned {found}; expected the scores of the classes, of shape {expected}"
            )
        if self.training and torch.is_grad_enabled() and not scores.requires_grad:
            raise ConfigError(
                f"the network '{self.name}' returned scores without a gradient, so that none of its weights would "
                "learn; return what its layers compute, neither detached nor rounded to classes"
            )
        return Output(scores)


@checked_arguments("build")
def register_network(build: Build, name: str = "") -> str:
    """Make a network known in this process, by the name of its function or another one, and return that name.

    A name that is known already gets the new function, as where a cell of a notebook is run again.

    Raises:
        ConfigError: a name that is none (letters, digits, "-", "_" and "."), or no function of the number of classes.
    """
    if isinstance(build, nn.Module) or not _takes_classes(build):
        raise ConfigError(
            f"a network of your own is a function from the number of classes to a torch module; found: {build!r}"
        )
    name = name or getattr(build, "__name__", "")
    if name == "<lambda>":
        raise ConfigError("a lambda has no name to store the network by; write the function with def")
    if not re.fullmatch(OWN_NAME, name):
        raise ConfigError(f"'{name}' cannot be the name of a network; give one of letters, digits, '-', '_' and '.'")
    _REGISTERED[name] = build
    return name


def _takes_classes(build: object) -> bool:
    try:
        inspect.signature(build).bind(2)  # pyright: ignore[reportArgumentType] - TypeError is the answer
    except (TypeError, ValueError):
        return False
    return True


def own_network(name: str, classes: int) -> OwnNetwork:
    """Return the registered network of that name for so many classes.

    Raises:
        ConfigError: no such network, what is registered fails or builds none, or a state that no checkpoint can hold.
    """
    try:
        module = _build(name)(classes)
    except AttnmelError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the network '{name}' cannot be built for {classes} classes ({_first_line(error)}); correct its function"
        ) from error
    if not isinstance(module, nn.Module):
        raise ConfigError(f"the network '{name}' is built as a {type(module).__name__}; expected a torch.nn.Module")
    for key, value in module.state_dict().items():
        if why := _unstorable(value):
            raise ConfigError(f"the network '{name}' has '{key}', which {why}")
    return OwnNetwork(name, module, classes)


def _unstorable(value: object) -> str:
    """Return why a value of a module's state cannot be in a checkpoint, with what to do; empty where it can."""
    if not isinstance(value, Tensor):
        return f"is a {type(value).__name__}; a checkpoint holds tensors alone: leave it out of the module's state"
    if is_lazy(value):
        return "has no size yet, as of a lazy layer; give the size, or pass an image through in the network's function"
    if not value.isfinite().all():
        return (
            "is not finite, and a checkpoint with such values counts as damaged; register what is not trained with "
            "persistent=False"
        )
    return ""


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}".removesuffix(": ")


def _build(name: str) -> Build:
    if name in _REGISTERED:
        return _REGISTERED[name]
    offered = entry_points(group=ENTRY_POINTS)
    if name in offered.names:
        return offered[name].load()
    known = listed(sorted({*_REGISTERED, *offered.names})) or "none"
    raise ConfigError(
        f"the network '{name}' is not attnmel's, and nothing here builds it (known: {known}); in Python call "
        f"attnmel.register_network(FUNCTION, '{name}') first; for commands install a package with an entry point of "
        f"the group {ENTRY_POINTS}"
    )
