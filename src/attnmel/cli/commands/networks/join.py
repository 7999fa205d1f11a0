"""`attnmel join`: the shards of a prediction as one table."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.cli.terminal import Json, out_file, print_json


def join(
    tables: Annotated[list[Path], typer.Argument(help="Tables of `attnmel predict --shard`, in any order.")],
    out: Annotated[Path, out_file("File to write.")],
    as_json: Json = False,
) -> None:
    """Join the shards of a prediction into one table.

    It has the same bytes as the table of one command without --shard. A shard that is missing, is there twice or was
    made with another model, other images or options is an error.

    Example:
        attnmel join part-*.csv --out table.csv
    """
    from attnmel.pipeline.predict.shards import join_shards

    images = join_shards(tables, out)
    if as_json:
        print_json({"out": str(out), "images": images})
    else:
        print(out)
