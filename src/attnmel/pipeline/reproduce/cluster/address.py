"""A connection to a Ray cluster that runs already, or one sentence that says why there is none.

Ray is never started here, and no statistics of use are sent.
"""

import os
import socket
from importlib import import_module
from typing import Any

from attnmel.errors import ConfigError

ADDRESS = "RAY_ADDRESS"
"""Variable that names a cluster, as for Ray's own commands."""

CONNECT_LIMIT = 10.0
"""Seconds that a cluster's port may take to answer."""


def connected(address: str | None) -> Any:  # noqa: ANN401 - Ray is an extra
    """Return the module `ray`, connected to the cluster at HOST:PORT.

    None is for $RAY_ADDRESS, else for the cluster that runs on this machine.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers.
    """
    chosen = address or os.environ.get(ADDRESS) or "auto"
    _require_answer(chosen)
    ray = _ray()
    _connect(ray, chosen)
    return ray


def _ray() -> Any:  # noqa: ANN401 - Ray is an extra
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        return import_module("ray")
    except ImportError:
        raise ConfigError(
            "--engine ray needs the package ray, which is not installed; type: pip install 'attnmel[ray]'"
        ) from None


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401
    try:
        ray.init(address=address, configure_logging=False, logging_level="ERROR", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(why_not(address, error)) from error


def _require_answer(address: str) -> None:
    """Refuse at once what Ray would wait for more than a minute."""
    if "://" in address:
        raise ConfigError(
            f"{address} is the address of a Ray client; run this command on a machine of the cluster, with "
            "--address HOST:PORT as `ray start` prints it"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        if address != "auto":
            raise ConfigError(f"the address of the Ray cluster is '{address}', expected HOST:PORT, as 127.0.0.1:6379")
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_LIMIT).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({error}); start one, or name another by --address or {ADDRESS}"
        ) from None


def why_not(address: str, error: Exception) -> str:
    """Return a sentence for an error of Ray's `init`."""
    text = str(error)
    cause = str(error.__cause__ or "")
    if "ersion mismatch" in text:
        return f"the Ray cluster at {address} has other versions than this machine: {' '.join(text.split())[:300]}"
    if address == "auto":
        return f"no Ray cluster runs on this machine; start one by `ray start`, or name one by --address or {ADDRESS}"
    if "No node info" in cause + text:
        return (
            f"this machine is no part of the Ray cluster at {address}; run the command on one of its machines, or join "
            f"it: ray start --address={address}"
        )
    return f"the Ray cluster at {address} cannot be used: {text.splitlines()[0] if text else type(error).__name__}"
