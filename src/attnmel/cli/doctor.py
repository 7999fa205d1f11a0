"""`attnmel doctor`: what this machine has."""

from attnmel.cli.terminal import Home, Json, print_json


def doctor(home: Home = None, as_json: Json = False) -> None:
    """Say versions, device, precision, threads, and where data and cache lie with the room they have."""
    from attnmel.folders import home_folder
    from attnmel.pipeline.doctor import examine

    found = examine(home_folder(home))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        print(f"{name:18} {value}")
