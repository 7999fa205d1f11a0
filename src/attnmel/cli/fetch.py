"""`attnmel fetch`: the official files of a data set."""

from typing import Annotated

import typer

from attnmel.cli.terminal import Home, Json, Terminal, print_json, print_table


def fetch(
    dataset: Annotated[str, typer.Argument(help="isic2016, isic2017, isic2018 (with task 1-2) or isic2018-task1")],
    mirror: Annotated[
        str | None,
        typer.Option(help="Address that holds <year>/<official file name>: http(s):// or file://.", show_default=False),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Fetch a data set's official files, resumed after an interruption, checked and unpacked."""
    import dataclasses

    from attnmel.data.archives.fetch import fetch_with_companions
    from attnmel.folders import dataset_folder, home_folder

    came = fetch_with_companions(dataset, home_folder(home), mirror=mirror, progress=Terminal())
    states = [state for one in came.values() for state in one]
    if as_json:
        print_json([dataclasses.asdict(state) for state in states])
        return
    rows = [[s.name, str(s.found), "-" if s.expected is None else str(s.expected), s.status] for s in states]
    print_table(["file", "found", "expected", "state"], rows)
    print(f"\nunpacked in {', '.join(str(dataset_folder(home_folder(home), name)) for name in came)}")
