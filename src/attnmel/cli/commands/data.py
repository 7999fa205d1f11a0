"""`attnmel fetch`, `verify`, `audit` and `statistics`: the images and labels that networks are trained on."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.commands.networks.train import Columns, Overrides, Strict, named_columns
from attnmel.cli.completion import data_sets, recipes
from attnmel.cli.help import ADVANCED, DATA, OUTPUT, option
from attnmel.cli.terminal import Home, Json, Terminal, out_file, own_file, print_json, print_table


def fetch(
    dataset: Annotated[
        str,
        typer.Argument(
            help="isic2016, isic2017, isic2018, isic2018-task1, isic2019, isic2020 or milk10k.",
            autocompletion=data_sets,
        ),
    ],
    mirror: Annotated[
        str | None, option(DATA, "Address of a copy, <address>/<year>/<official file name>: http(s):// or file://.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Download the official files of an ISIC data set.

    Files are checked and unpacked; after an interruption the same command continues the download. PH2 and Derm7pt are
    given to people who ask: for ph2 and derm7pt it says where, and where to unpack them.

    Example:
        attnmel fetch isic2017
    """
    from attnmel.datasets import fetch as fetch_files

    fetched = fetch_files(dataset, mirror=mirror, home=home, progress=Terminal())
    if as_json:
        print_json(fetched.to_dict())
        return
    rows = [[s.name, str(s.found), "-" if s.expected is None else str(s.expected), s.status] for s in fetched.states]
    print_table(["file", "found", "expected", "state"], rows)
    print(f"\nunpacked in {', '.join(map(str, fetched.folders))}")


def verify(
    datasets: Annotated[
        list[str],
        typer.Argument(help="Known data sets, or folders with labels.csv or of isic-cli.", autocompletion=data_sets),
    ],
    out: Annotated[
        Path | None,
        option(OUTPUT, "HTML file for a contact sheet: masks drawn on images, findings first.", callback=own_file),
    ] = None,
    png: Annotated[Path | None, option(OUTPUT, "PNG file for the same contact sheet.", callback=own_file)] = None,
    recipe: Annotated[
        str | None,
        option(
            DATA,
            "Check an own folder's labels and splits as a training by this recipe (a name, a TOML file or a run "
            "folder) would [default: any labels].",
            metavar="RECIPE",
        ),
    ] = None,
    columns: Columns = None,
    strict: Strict = False,
    sample: Annotated[int, option(OUTPUT, "Number of random images on the contact sheet.", min=0)] = 48,
    seed: Annotated[int, option(ADVANCED, "Random seed of the contact sheet's sample.", min=0)] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Check that every file of a data set is there and usable.

    Counts, ids, labels, images and masks are checked, and each kind of finding comes with a hint for its repair. The
    exit code is 1 if there is an error.

    Example:
        attnmel verify isic2017 --out contact-sheet.html
    """
    from attnmel.datasets import verify as verify_sets
    from attnmel.pipeline.data.verify import printed_notes, summary_rows, verdict

    found = verify_sets(
        *datasets,
        recipe=recipe,
        columns=named_columns(columns),
        strict=strict,
        html=out,
        png=png,
        sample=sample,
        seed=seed,
        home=home,
        progress=Terminal(),
    )
    if as_json:
        print_json([one.to_dict() for one in found])
    else:
        for one in found:
            print(f"{one.title}: {verdict(one)}")
            print(f"  {', '.join(f'{count:,} {what}' for what, count in one.counts.items())}")
            for note in one.notes:
                print(f"  note: {note}")
            rows = summary_rows(one)
            if rows:
                print_table(["found", "severity", "count"], [[kind, grave, count] for kind, count, grave, _ in rows])
                print()
            for kind, findings in one.by_kind().items():
                print(f"  {kind}: {one.hint(kind)}")
                for note in printed_notes(one, findings):
                    print(f"      {note}")
            print()
        for path in filter(None, (out, png)):
            print(f"contact sheet: {path}")
    if any(one.errors for one in found):
        raise typer.Exit(1)


def audit(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET[:SPLIT]", help="Data sets, splits or folders.", autocompletion=data_sets),
    ] = None,
    train: Annotated[
        list[str] | None,
        option(DATA, "Training data, to be compared with --test; repeatable.", metavar="DATASET[:SPLIT]"),
    ] = None,
    test: Annotated[
        list[str] | None,
        option(
            DATA,
            "Evaluation data; the exit code is 1 if any of it is also in --train. Repeatable.",
            metavar="DATASET[:SPLIT]",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        option(
            DATA,
            "Read own folders, and split those without a column split, as a training by this recipe (a name, a TOML "
            "file or a run folder) would; also by its data.fold, and its own data set without what data.exclude and "
            "data.limit leave out [default: any labels].",
            metavar="RECIPE",
        ),
    ] = None,
    embedding: Annotated[
        str | None,
        option(
            ADVANCED,
            "Compare images also by the embedding of a trained network (a run folder, a checkpoint, `pretrained`, "
            "hf:OWNER/NAME@REVISION), or of a random one.",
            metavar="MODEL|random",
        ),
    ] = None,
    exhaustive: Annotated[
        bool,
        option(
            ADVANCED,
            "Compare each image with every other even of more than 20,000, of which else only those in groups that are "
            "alike are compared.",
            "--exhaustive",
        ),
    ] = False,
    exclusions: Annotated[
        Path | None,
        option(
            OUTPUT,
            "CSV file for the list of images to exclude, for `train --exclude` and `evaluate --exclude`.",
            callback=own_file,
        ),
    ] = None,
    columns: Columns = None,
    leave_out: Annotated[
        Literal["train", "test"], option(OUTPUT, "Which image of a leak the list excludes.")
    ] = "train",
    out: Annotated[Path | None, out_file("HTML file for a page of all pairs [default: none is written].")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Find images and lesions that occur twice.

    Reported are equal ids, equal files, near-duplicate images (also mirrored, and turned by quarters or up to 10
    degrees), and lesions with images in two places; also one image with two different labels.

    Example:
        attnmel audit isic2016 isic2017 --out audit.html --exclusions exclusions.csv
    """
    from attnmel.datasets import audit as audit_sets
    from attnmel.pipeline.data.audit_output import counts, exclusions_sentence, not_found, summary

    audited = audit_sets(
        *(names or ()),
        train=train or (),
        test=test or (),
        recipe=recipe,
        embedding=embedding or "",
        exhaustive=exhaustive,
        columns=named_columns(columns),
        page=out,
        exclusions=exclusions,
        leave_out=leave_out,
        home=home,
        progress=Terminal(),
    )
    if as_json:
        print_json(audited.to_dict())
    else:
        print(summary(audited))
        if rows := counts(audited):
            print_table(["kind", "between", "and", "pairs"], [[*map(str, row)] for row in rows])
        if out is not None:
            print(f"\npage: {out}")
        if exclusions is not None:
            print(f"exclusions: {exclusions} ({exclusions_sentence(audited, leave_out)})")
        print(f"\n{not_found(audited)}")
    if audited.leaks:
        raise typer.Exit(1)


def statistics(
    recipe: Annotated[
        str, typer.Argument(help="A recipe; its data set, crop and size are used.", autocompletion=recipes)
    ],
    overrides: Overrides = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compute the colour statistics of a data set.

    Mean and standard deviation of each channel over the training images, by which images are normalised. They are
    stored in the cache and printed as settings of a recipe.

    Example:
        attnmel statistics isic2017/attnmel --set data.dataset=/data/clinic
    """
    from attnmel.datasets import colour_statistics

    found = colour_statistics(recipe, overrides or (), home=home, progress=Terminal())
    if as_json:
        print_json(found.model_dump())
        return
    # A folder's name may need the escapes that TOML shares with JSON.
    of, source = (json.dumps(text, ensure_ascii=False) for text in (found.of, found.source))
    print(f"[data.statistics]\nof = {of}\nmean = {list(found.mean)}\nstd = {list(found.std)}\nsource = {source}")
