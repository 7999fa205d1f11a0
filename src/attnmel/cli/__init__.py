"""The command line, by stage: parse, call, print. The only place that prints."""

from attnmel.cli.app import main

__all__ = ["main"]
