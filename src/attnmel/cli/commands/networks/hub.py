"""`attnmel push` and `pull`: a run as a model on a Hugging Face hub, and back."""

from pathlib import Path
from typing import Annotated

import typer

from attnmel.api.model_names import NAME
from attnmel.cli.help import OUTPUT, option
from attnmel.cli.terminal import Json, Terminal, own_folder, print_json, print_table


def push(
    run: Annotated[str, typer.Argument(help=f"A run folder that was evaluated, or {NAME}.")],
    repository: Annotated[str, typer.Argument(help="OWNER/NAME of the model on the hub.")],
    dry_run: Annotated[bool, option(OUTPUT, "Show the files and the card; send nothing.", "--dry-run")] = False,
    private: Annotated[
        bool,
        option(OUTPUT, "Send to a private repository, new or there already; a public one is refused.", "--private"),
    ] = False,
    as_json: Json = False,
) -> None:
    """Send a run as a model to a Hugging Face hub.

    Sent are the checkpoint, a card with all measures and their intervals, the exported file if there is one, recipe,
    provenance and measures, without paths of this machine; of official data sets also the list of training images. Log
    in by `hf auth login` or $HF_TOKEN; $HF_ENDPOINT names another server.

    Example:
        attnmel push runs/isic2017/attnmel-lesion/seed-0 OWNER/NAME --dry-run
    """
    from attnmel.api.exporting import push as push_run

    terminal = Terminal()
    found = push_run(run, repository, private=private, dry_run=dry_run, progress=terminal)
    if as_json:
        print_json(found.to_dict())
        return
    print_table(["file", "bytes"], [[file, f"{size:,}"] for file, size in found.files.items()])
    if found.model is None:
        print(f"\n{found.card}")
        terminal.note(f"nothing was sent; without --dry-run these files go to {found.repository}")
    else:
        print(f"\n{found.model}")


def pull(
    repository: Annotated[str, typer.Argument(help="OWNER/NAME or OWNER/NAME@REVISION of the model on the hub.")],
    out: Annotated[
        Path | None, option(OUTPUT, "Folder to write [default: runs/NAME].", "--out", callback=own_folder)
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a model from a Hugging Face hub into a run folder.

    Every command also takes hf:OWNER/NAME@REVISION as a model, without a pull. Only the files of an attnmel model are
    fetched, and no pickle.

    Example:
        attnmel pull OWNER/NAME --out runs/theirs
    """
    from attnmel.api.exporting import pull as pull_run

    run = pull_run(repository, out)
    print_json({"run": str(run.path)}) if as_json else print(run.path)
