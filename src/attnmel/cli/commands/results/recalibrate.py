"""`attnmel recalibrate`: a trained network -> its copy for another place."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnmel.api.model_names import NAME
from attnmel.cli.commands.networks.train import Columns, named_columns
from attnmel.cli.completion import data_sets, models
from attnmel.cli.help import DATA, OUTPUT, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, print_json, print_table
from attnmel.number_formats import TO, fixed, in_brackets, in_full, two_cells

if TYPE_CHECKING:
    from attnmel.models.weights.operating_points import Threshold
    from attnmel.pipeline.evaluate.recalibrate import Recalibrated


def recalibrate(
    run: Annotated[str, typer.Argument(help=f"A run folder, or {NAME}.", autocompletion=models)],
    on: Annotated[
        str,
        option(DATA, "Folder of labelled images with labels.csv, or a data set.", "--on", autocompletion=data_sets),
    ],
    out: Annotated[Path, option(OUTPUT, "New folder for the copy, which is a run for other commands.", "--out")],
    split: Annotated[
        str | None,
        option(DATA, "train, validation, test or internal, to keep other images for `evaluate` [default: all images]."),
    ] = None,
    exclude: Annotated[
        Path | None, option(DATA, "List of images to leave out, by `attnmel audit --exclusions`.")
    ] = None,
    columns: Columns = None,
    exclude_known: Annotated[
        bool,
        option(DATA, "Leave out the images that the network is known to have learnt from.", "--exclude-known"),
    ] = False,
    allow_leakage: Annotated[
        bool, option(DATA, "Go on although the network was trained on some images.", "--allow-leakage")
    ] = False,
    threads: Threads = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Choose probabilities and thresholds anew for another place.

    At another clinic a network's probabilities are often too high or too low, and its thresholds reach other
    sensitivities. On labelled images from there an offset of each class, a temperature and the thresholds are chosen
    again, for a copy of the run. Of two classes the order of the images stays, and so does the AUC. Printed is the
    calibration on these images, before and after.

    Example:
        attnmel recalibrate pretrained --on /data/clinic --split train --out runs/clinic
    """
    from attnmel.api.results import recalibrate as recalibrate_model

    recalibrated = recalibrate_model(
        run,
        out,
        on=on,
        split=split,
        exclude=exclude,
        columns=named_columns(columns),
        exclude_known=exclude_known,
        allow_leakage=allow_leakage,
        home=home,
        threads=threads,
        progress=Terminal(),
    )
    if as_json:
        print_json(recalibrated.to_dict())
        return
    _print(recalibrated.found)
    print(f"\ntry it on other images: attnmel evaluate {shlex.quote(str(out))} --on FOLDER --split test")


def _print(found: "Recalibrated") -> None:
    print(f"{found.images:,} images, {found.positives:,} {found.target_class}")
    for note in found.notes:
        print(f"note: {note}")
    offsets = ", ".join(f"{name} {fixed(value)}" for name, value in found.offsets.items())
    print(f"offsets of the scores: {offsets}; temperature {fixed(found.temperature)}\n")
    heads = [found.target_class, "before", "95 % interval", "after", "95 % interval"]
    rows = [
        [name, *two_cells(found.before.measures[name]), *two_cells(found.after.measures[name])] for name in MEASURES
    ]
    print_table(heads, rows)
    print("after: each fifth of the images with what the others fit. At best the intercept is 0 (above 0 probabilities")
    print("are too low, below 0 too high) and the slope 1; of the others lower is better\n")
    print("thresholds, with what they reach on the images that chose them, which flatter them")
    rows = [[one.task, f"{one.target:g}", in_full(one.threshold), *_reached(one)] for one in found.thresholds]
    print_table(["class", "aim", "threshold", "sensitivity", "specificity"], rows)


def _reached(one: "Threshold") -> list[str]:
    """Return sensitivity and specificity with the intervals, in brackets, on the images that chose a threshold."""
    rates = [rate for chosen in one.achieved[:1] for rate in (chosen.sensitivity, chosen.specificity)]
    return [in_brackets(rate, to=TO) for rate in rates]


MEASURES = ("intercept", "slope", "calibration_error", "brier", "log_loss")
"""Shown of the calibration; the rest is in the JSON."""
