"""Run the application on a port of this machine until Ctrl-C."""

import signal
import socket
from collections.abc import Sequence
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI

from attnmel.errors import ConfigError
from attnmel.pipeline.predict.stall_guard import stall_watched
from attnmel.web.guard import EVERY_ADDRESS, Guard, is_loopback
from attnmel.web.limits import Limits

SHUTDOWN = 3
"""Seconds that requests have to finish on Ctrl-C."""


def open_port(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        ConfigError: the host is unknown or not of this machine, or the port is in use or not allowed.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=128)
        # Inherited by every connection. asyncio sets it only where the socket names TCP as its protocol, which this one
        # does not; without it the second part of an answer waits 40 ms for the first to be confirmed.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"cannot listen on {host}, port {port} ({reason}); choose another --port, or a --host of this machine"
        ) from None


def address_of(listening: socket.socket, host: str, token: str | None = None) -> str:
    """Return the address of the page, with the token that it is opened by."""
    shown = "localhost" if host in EVERY_ADDRESS else host
    name = f"[{shown}]" if ":" in shown else shown
    port = listening.getsockname()[1]
    return f"http://{name}:{port}/" + ("" if token is None else f"?token={quote(token, safe='')}")


def guarded(app: FastAPI, host: str, token: str | None, other_names: Sequence[str] = ()) -> Guard:
    """Return the application behind its guard, which knows the names of the server."""
    names = [*other_names, *([] if host in EVERY_ADDRESS else [host])]
    if not is_loopback(host):
        names += [socket.gethostname(), f"{socket.gethostname()}.local"]
    return Guard(app, names=names, any_address=not is_loopback(host), token=token)


def configured(app: Guard, limits: Limits) -> uvicorn.Config:
    """Return uvicorn's settings: nothing is logged but errors, and connections are limited."""
    return uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - an ASGI application
        loop="asyncio",  # the one that is tested with Ctrl-C and hung libraries, whatever else is installed
        log_level="error",
        access_log=False,  # names of images, and tokens, are nobody's business
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=SHUTDOWN,
    )


def run(app: Guard, listening: socket.socket, limits: Limits) -> None:
    """Serve until Ctrl-C, which is raised as KeyboardInterrupt once the last requests are answered.

    If a library hangs so that no Python code can run at all, another process ends this one with a sentence.
    """
    limit = limits.stall_seconds
    stalled = f"no code could run for {limit:g} seconds: a library hangs. Start the server again"
    with stall_watched(limit, stalled=stalled, stopped="stopped by force, since a library did not return"):
        # uvicorn ends within seconds of Ctrl-C, and then raises the signal again: the watching process would count two.
        signal.set_wakeup_fd(-1)
        uvicorn.Server(configured(app, limits)).run([listening])
