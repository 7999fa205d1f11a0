"""The command line, by stage: parse, call, print. The only place that prints."""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    from attnmel.cli.early_prediction import compile_named_network

    # pydantic would read the metadata of every installed package, to find plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    compile_named_network(sys.argv[1:])

    from attnmel.cli.app import main as run

    run()
