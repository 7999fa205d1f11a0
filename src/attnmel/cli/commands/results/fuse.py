"""`attnmel fuse`: the predictions of several runs and files as one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attnmel.api.model_names import NAME
from attnmel.cli.help import DATA, EVALUATION, OUTPUT, option
from attnmel.cli.terminal import Home, Json, Terminal, command_line, print_json, print_table
from attnmel.number_formats import fixed

if TYPE_CHECKING:
    from attnmel.pipeline.fuse.fuse import Fused


def fuse(
    members: Annotated[
        list[str],
        typer.Argument(
            help="Run folders, folders of seed-* runs, fused results, files of predictions (FILE, or "
            f"FILE@VALIDATION_FILE for rules that are fitted), or {NAME}."
        ),
    ],
    out: Annotated[
        Path, option(OUTPUT, "New file ending in .csv, or new folder, which is a run for other commands.", "--out")
    ],
    by: Annotated[
        Literal["mean", "rank", "weighted", "confidence", "extreme", "stack", "stack-extreme"],
        option(
            EVALUATION,
            "Rule: mean; mean rank; mean weighted by validation accuracy, or by that times the highest probability; "
            "the probability farthest from 0.5; logistic models of random combinations: mean, or most extreme.",
            "--by",
        ),
    ] = "mean",
    dataset: Annotated[
        str | None, option(DATA, "Challenge whose format files have [default: data set of the runs].")
    ] = None,
    split: Annotated[str, option(DATA, "Evaluated split of the runs, and that which files are of.")] = "test",
    positive: Annotated[
        list[str] | None,
        option(EVALUATION, "Class to fuse against the rest; repeatable [default: all classes of the members]."),
    ] = None,
    seed: Annotated[int, option(EVALUATION, "Random seed of a stack.", min=0)] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Fuse predictions of several runs and files into one.

    Weights and stacks are fitted on validation predictions alone. A CSV by mean, rank or extreme needs no labels and no
    data set on disk.

    Example:
        attnmel fuse runs/isic2017/mahbod runs/isic2017/attnmel --by weighted --out runs/fused
    """
    from attnmel.api.results import fuse as fuse_members

    terminal = Terminal()
    fused = fuse_members(
        members,
        out,
        by=by,
        dataset=dataset or "",
        split=split,
        positives=positive or (),
        seed=seed,
        home=home,
        command=command_line(),
        progress=terminal,
    )
    if as_json:
        print_json(fused.to_dict())
        return
    for note in fused.found.notes:
        terminal.note(f"note: {note}")
    _print(fused.found)


def _print(fused: "Fused") -> None:
    card = fused.card
    print(
        f"{len(card.members)} members fused by {card.by}, fitted on {card.fitted_on}; classes {', '.join(card.classes)}"
    )
    if fused.measures:
        heads = [f"{measure} {name}" for name in card.positives for measure in ("AUC", "AP")]
        mean_auc = len(card.positives) > 1
        weights = [fixed(one.weight) for one in card.members] + ["", ""]
        rows = []
        for (name, by_class), weight in zip(fused.measures.items(), weights, strict=True):
            cells = [fixed(value, 4, missing="-") for name in card.positives for value in by_class[name]]
            mean = [fixed(sum(auc for auc, _ in by_class.values()) / len(by_class), 4, missing="-")] if mean_auc else []
            rows.append([name, weight, *cells, *mean])
        print_table([card.split, "weight", *heads, *(["mean AUC"] if mean_auc else [])], rows)
    print(f"\n{fused.out}")
