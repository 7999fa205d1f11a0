"""`attnmel serve`: a page on this machine to drop images on, and its JSON API."""

import os
import shlex
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from attnmel.api.model_names import NAME, fast_model, shipped
from attnmel.cli.help import ADVANCED, OUTPUT, option
from attnmel.cli.terminal import Json, Terminal, end_if_hung, print_address
from attnmel.errors import ConfigError

PORT = 8642

TOKEN = "ATTNMEL_TOKEN"
"""Variable of the environment that gives the token without showing it, in lists of processes or in logs."""


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(help=f"{NAME}, ONNX files of `attnmel export` or run folders with one [default: pretrained]."),
    ] = None,
    segmenter: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Run or file of `attnmel segment train`: the border of its lesion mask is shown, too.",
            metavar="<file>",
        ),
    ] = None,
    port: Annotated[int, option(OUTPUT, "Port of the page; 0: any free one.", min=0, max=65535)] = PORT,
    browser: Annotated[bool, option(OUTPUT, "Open the page in the browser.", "--browser")] = False,
    host: Annotated[
        str, option(ADVANCED, "Address to listen on; one that other machines can reach needs --token.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        option(ADVANCED, "Host name by which a proxy calls the server; repeatable.", "--name", metavar="<host>"),
    ] = None,
    token: Annotated[
        str | None,
        option(ADVANCED, "Secret text that every request has to give.", envvar=TOKEN, show_default=False),
    ] = None,
    stall_limit: Annotated[
        float,
        option(ADVANCED, "Give up an image that takes longer; 0: never.", min=0, metavar="SECONDS"),
    ] = 120,
    as_json: Json = False,
) -> None:
    """Open a page on this machine to drop images on.

    It shows calibrated probabilities, decisions, attention maps and warnings. Images stay in the memory of this
    machine: nothing is stored, nothing is sent elsewhere. Programs get the same answers as JSON
    (docs/prediction/serve.md).

    Example:
        attnmel serve
    """
    from attnmel.web.packages import require_packages

    require_packages()
    from attnmel.web.app import make_app
    from attnmel.web.guard import require_token
    from attnmel.web.limits import Limits
    from attnmel.web.models import Models
    from attnmel.web.server import address_of, guarded, open_port, run

    require_token(host, token)
    limits = Limits(stall_seconds=stall_limit)
    paths, given_names = _named(models or ["pretrained"])
    mask_of = None
    if segmenter is not None:
        from attnmel.pipeline.predict.masks.segmenter_masks import SegmenterMasks  # with torch

        mask_of = SegmenterMasks(segmenter)
    listening = open_port(host, port)
    app = make_app(Models(paths, mask_of, given_names), limits, token=token)
    # What is printed is kept in logs, as of a container, and whoever set the variable knows the token.
    hidden = token is not None and token == os.environ.get(TOKEN)
    print_address(address_of(listening, host, None if hidden else token), as_json=as_json)
    ending = f", with ?token= and the token of ${TOKEN} at its end" if hidden else ""
    Terminal().note(f"{', '.join(paths)}: open this address in a browser{ending}. Ctrl-C stops the page")
    if browser:
        webbrowser.open(address_of(listening, host, token))
    try:
        run(guarded(app, host, token, name or ()), listening, limits)
    except KeyboardInterrupt:
        Terminal().note("stopped")
        end_if_hung(0)


def _named(models: list[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the ONNX file of each model by the name that the page shows, and that name by the names as given."""
    from attnmel.files.hub import PREFIX
    from attnmel.pretrained.catalogue import ANY

    found: dict[str, Path] = {}
    given: dict[str, str] = {}
    usual = shipped(ANY)
    for model in models:
        path, known = _onnx_file(model), shipped(model)
        name = known.card.name if known else model if model.startswith(PREFIX) else _name(path)
        if path not in found.values():
            number = sum(one.partition(" (")[0] == name for one in found)
            found[f"{name} ({number + 1})" if number else name] = path
        shown = next(one for one, own in found.items() if own == path)
        given |= {model: shown} | ({ANY: shown} if known and usual and known.card.name == usual.card.name else {})
    return found, given


def _onnx_file(model: str) -> Path:
    """Return the file of a model, of a run folder the one that was exported into it.

    Raises:
        ConfigError: there is none, or it is no ONNX file.
        CheckpointError: the run's file is of another checkpoint than the run has now.
    """
    from attnmel.files.folders import RunFolder

    path = fast_model(model, Terminal())
    if path.is_dir():
        run = RunFolder(path)
        path = run.onnx
        if path.is_file():
            from attnmel.deploy.onnx.same_checkpoint import require_same_checkpoint

            require_same_checkpoint(run)
    if path.suffix.lower() != ".onnx" or not path.is_file():
        raise ConfigError(
            f"the page runs exported models, and {model} is none; write one first: "
            f"attnmel export {shlex.quote(str(model))} --onnx"
        )
    return path


def _name(path: Path) -> str:
    """Return the file's name, or of a run's file the names of the recipe and of the run."""
    from attnmel.files.folders import RunFolder

    own = path.absolute()
    return "/".join(own.parts[-3:-1]) if own == RunFolder(own.parent).onnx else own.stem
