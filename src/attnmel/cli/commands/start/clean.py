"""`attnmel clean`: the caches, with their sizes and ages, and their removal."""

from pathlib import Path
from typing import Annotated

from attnmel.cli.help import DATA, OUTPUT, option
from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table
from attnmel.number_formats import fixed, size_in_words


def clean(
    yes: Annotated[bool, option(OUTPUT, "Remove what is listed.", "--yes")] = False,
    older: Annotated[
        float, option(DATA, "List only what was not written for so many days.", "--older", min=0, metavar="DAYS")
    ] = 0,
    runs: Annotated[
        Path, option(DATA, "Folder in which runs are looked for that were trained on a cache.", metavar="<folder>")
    ] = Path("runs"),
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show caches with their sizes and ages; remove them with --yes.

    Listed are prepared images, priors, maps, features and audits, all of which are computed again when they are needed.
    Data sets, weights, masks and runs are never touched. Let trainings end first: they read their caches.

    Example:
        attnmel clean --older 30
    """
    from attnmel.errors import counted
    from attnmel.files.folders import home_folder
    from attnmel.pipeline.clean import cached_folders, remove

    found = [one for one in cached_folders(home_folder(home), [runs]) if one.days >= older]
    for one in found if yes else ():
        remove(one)
    if as_json:
        print_json({"removed": yes, "caches": [one.as_dict() for one in found]})
        return
    if not found:
        Terminal().note("no caches")
        return
    rows = [
        [one.kind, size_in_words(one.size), fixed(one.days, 1), ", ".join(one.used_by) or "-", str(one.path)]
        for one in found
    ]
    print_table(["what", "size", "days", "runs", "folder"], rows)
    total = f"{counted(len(found), 'cache')}, {size_in_words(sum(one.size for one in found))}"
    Terminal().note(f"{total} removed" if yes else f"{total}; --yes removes {'it' if len(found) == 1 else 'them'}")
