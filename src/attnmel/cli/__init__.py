"""The command line, a file a command: parse, call, print. The only place that prints."""

from attnmel.cli.app import main

__all__ = ["main"]
