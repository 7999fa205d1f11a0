"""`attnmel export`: a trained model as one file for others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attnmel.cli.model_names import NAME, shipped
from attnmel.cli.terminal import Home, Json, Out, Terminal, print_json, print_table

if TYPE_CHECKING:
    from attnmel.pipeline.export.export import Exported


def export(
    model: Annotated[str, typer.Argument(help=f"A run folder, a checkpoint, or {NAME}.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="As an ONNX file; the only format so far.")] = False,
    out: Out = None,
    int8: Annotated[bool, typer.Option("--int8", help="In 8 bits, with ranges of training images.")] = False,
    bound: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="AUC that int8 may cost at the worst [default: 0.02].", show_default=False),
    ] = None,
    split: Annotated[
        Literal["train", "validation", "test", "internal"], typer.Option(help="Whose images the file is checked on.")
    ] = "test",
    limit: Annotated[
        int | None, typer.Option(min=2, help="Images of it at the most [default: 600].", show_default=False)
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write a model as one ONNX file, from the prepared square to probabilities and attention maps.

    The file is compared with the network first, on images of the run's data set and on large phantoms; where they do
    not agree, none is written.
    """
    if not onnx:
        raise typer.BadParameter("name a format: --onnx")

    from attnmel.deploy.onnx_file import BOUND
    from attnmel.folders import home_folder
    from attnmel.pipeline.export.export import LIMIT, export_onnx
    from attnmel.pipeline.pretrained.run import copy_onnx
    from attnmel.runtime import use_threads

    if found := shipped(model):
        print(copy_onnx(found, out, int8=int8))
        return
    use_threads()
    exported = export_onnx(
        Path(model),
        home=home_folder(home),
        out=out,
        int8=int8,
        bound=BOUND if bound is None else bound,
        split=split,
        limit=limit or LIMIT,
        progress=Terminal(),
    )
    if as_json:
        print_json({"path": str(exported.path), **exported.facts.as_dict()})
        return
    _print(exported)


def _print(exported: "Exported") -> None:
    facts = exported.facts
    print(f"checked on {facts.checked_on}; furthest from torch in float32:")
    print_table(
        ["", "images", "probability", "map", "AUC"],
        [
            [one.engine, f"{one.images + one.phantoms}", *map(_small, (one.probability, one.attention, one.auc))]
            for one in facts.parity
        ],
    )
    if facts.costs:
        print("\nwhat a lower precision costs:")
        print_table(
            ["", "engine", "images", "AUC float32", "AUC", "difference", "95 % interval", "probability", "maps"],
            [
                [
                    f"{one.precision}, {one.task}",
                    one.engine,
                    f"{one.images}",
                    f"{one.float32:.4f}",
                    f"{one.auc:.4f}",
                    f"{one.difference:+.4f}",
                    f"{one.low:+.4f} to {one.high:+.4f}",
                    _small(one.probability),
                    _small(one.attention),
                ]
                for one in facts.costs
            ],
        )
    print(f"\n{exported.path}")


def _small(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"
