"""`attnmel docs`: the documentation as pages on this machine."""

import webbrowser
from pathlib import Path
from typing import Annotated

from attnmel.cli.help import OUTPUT, option
from attnmel.cli.terminal import Home, Json, Terminal, own_folder, print_json

PORT = 8644


def docs(
    out: Annotated[
        Path | None,
        option(OUTPUT, "Write the pages into this folder and end.", "--out", callback=own_folder, metavar="<folder>"),
    ] = None,
    port: Annotated[int, option(OUTPUT, "Port of the pages; 0: any free one.", min=0, max=65535)] = PORT,
    browser: Annotated[bool, option(OUTPUT, "Open the pages in the browser.", "--browser")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the documentation as pages on this machine, offline.

    They are built once for each version, by the extra `docs`, into the folder `docs` of the home folder.

    Example:
        attnmel docs --browser
    """
    from attnmel.files.folders import home_folder
    from attnmel.pipeline.documents import build, built_pages, serving, source_folder

    terminal = Terminal()
    if out is not None:
        build(source_folder(), out)
        print_json({"folder": str(out)}) if as_json else print(out)
        return
    pages = built_pages(home_folder(home), terminal)
    with serving(pages, port) as (address, wait):
        print_json({"address": address}) if as_json else print(address, flush=True)
        terminal.note("open this address in a browser. Ctrl-C stops the pages")
        if browser:
            webbrowser.open(address)
        try:
            wait()
        except KeyboardInterrupt:
            terminal.note("stopped")
