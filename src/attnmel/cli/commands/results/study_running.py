"""`attnmel study new`, `serve`, `status`, `export` and `link`: run a study of readers."""

import os
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from attnmel.cli.commands.networks.train import Columns, named_columns
from attnmel.cli.help import ADVANCED, DATA, EVALUATION, OUTPUT, STATISTICS, option
from attnmel.cli.terminal import Home, Json, Terminal, end_if_hung, print_address, print_json, print_table
from attnmel.errors import ConfigError
from attnmel.number_formats import fixed, significant

PORT = 8643
DATABASE = "ATTNMEL_STUDY_DATABASE"
ADDRESS = f"http://127.0.0.1:{PORT}"

Folder = Annotated[Path, typer.Argument(help="Folder of the study.")]
Database = Annotated[
    str | None,
    option(
        ADVANCED,
        "Address of a database instead of the study's own file, such as postgresql+psycopg://user@host/name.",
        "--database",
        envvar=DATABASE,
        show_default=False,
    ),
]
Address = Annotated[str, option(OUTPUT, "Address that readers reach the server by, for their links.", "--address")]


def new(
    study: Annotated[Path, typer.Argument(help="New folder of the study.")],
    dataset: Annotated[str, typer.Argument(help="Data set, or folder with labels.csv, to draw cases from.")],
    count: Annotated[list[str], option(DATA, "Cases of a class, such as melanoma=20; repeatable.", metavar="CLASS=N")],
    reader: Annotated[
        list[str], option(DATA, "Name of a reader, or NAME=EXPERIENCE; repeatable.", metavar="NAME[=EXPERIENCE]")
    ],
    design: Annotated[
        Literal["alone", "sequential", "crossed"],
        option(EVALUATION, "Without a machine; before and after it is shown; or in two sessions."),
    ] = "sequential",
    machine: Annotated[
        list[str] | None,
        option(
            EVALUATION,
            "What readers are shown: run, ONNX file, model by its name, or CSV of probabilities; repeatable.",
            metavar="[NAME=]PATH",
        ),
    ] = None,
    wrong: Annotated[
        bool, option(EVALUATION, "One more machine is wrong on purpose, for automation bias.", "--wrong")
    ] = False,
    machine_threshold: Annotated[
        list[str] | None,
        option(
            EVALUATION,
            "Probability above which a machine calls a case diseased, of all or of one; repeatable [default: a "
            "model's operating point, 0.5 of a CSV].",
            "--machine-threshold",
            metavar="[NAME=]P",
        ),
    ] = None,
    show: Annotated[
        Literal["probability", "map", "both"], option(EVALUATION, "What of the machine is shown.")
    ] = "probability",
    diseased: Annotated[
        list[str] | None, option(DATA, "Class that is diseased; repeatable [default: melanoma].", metavar="CLASS")
    ] = None,
    split: Annotated[str | None, option(DATA, "Draw from this split only [default: all images].")] = None,
    columns: Columns = None,
    training: Annotated[int, option(DATA, "Cases of practice first, not analysed.", min=0)] = 2,
    repeats: Annotated[int, option(DATA, "Images that each reader sees twice.", min=0)] = 2,
    washout: Annotated[int, option(EVALUATION, "Days between the sessions of a crossed study.", min=0)] = 28,
    management: Annotated[
        list[str] | None,
        option(
            EVALUATION,
            "Possible management; repeatable [default: no follow-up, follow-up, biopsy or excision].",
        ),
    ] = None,
    endpoint: Annotated[
        str,
        option(
            STATISTICS,
            "Primary endpoint in words [default: the difference with and without support, or the mean AUC].",
            show_default=False,
        ),
    ] = "",
    completion: Annotated[
        float, option(STATISTICS, "Share of the answers that a reader has to give to be analysed.")
    ] = 0.95,
    ends: Annotated[
        str | None, option(EVALUATION, "Last day of the study [default: it has none].", metavar="YYYY-MM-DD")
    ] = None,
    seed: Annotated[int, option(STATISTICS, "Seed of cases and orders.", min=0)] = 0,
    exclude_known: Annotated[
        bool,
        option(DATA, "Draw no case that a machine is known to have learnt from.", "--exclude-known"),
    ] = False,
    allow_leakage: Annotated[
        bool, option(DATA, "Freeze the study although a machine learnt from some cases.", "--allow-leakage")
    ] = False,
    home: Home = None,
    address: Address = ADDRESS,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Freeze a new study.

    Each reader's personal link is printed. Cases, machines, questions, endpoint and rules are written to study.json
    with a hash; a changed file is refused. The links are printed this once: the database holds only hashes of them.

    Example:
        attnmel study new reading images --count melanoma=9 --count nevus=9 --machine model.onnx --reader ana
    """
    from attnmel.pipeline.study.draw_cases import parsed_counts
    from attnmel.pipeline.study.machine_thresholds import parsed_thresholds
    from attnmel.study import new as new_study

    frozen = new_study(
        study,
        dataset,
        parsed_counts(count),
        reader,
        design=design,
        diseased=diseased or (),
        split=split,
        columns=named_columns(columns),
        machines=machine or (),
        machine_threshold=parsed_thresholds(machine_threshold or ()),
        wrong=wrong,
        show=show,
        training=training,
        repeats=repeats,
        washout_days=washout,
        management=management or (),
        endpoint=endpoint,
        completion=completion,
        ends=ends,
        seed=seed,
        exclude_known=exclude_known,
        allow_leakage=allow_leakage,
        home=home,
        address=address,
        database=database,
        progress=Terminal(),
    )
    if as_json:
        print_json(frozen.to_dict())
    else:
        print_table(["reader", "link"], [[*one] for one in frozen.links.items()])
    for name, at in frozen.thresholds.items():
        Terminal().note(f"{name}: calls a case diseased above {significant(at.value, 6)}, {at.source}")
    Terminal().note(
        f"frozen: {frozen.file}. Keep the links: they are stored nowhere. Then show the cases to the readers:"
    )
    Terminal().note(_command("serve", study, database))


def _command(name: str, study: Path, database: str | None) -> str:
    """Return a command line about a study, to be copied."""
    needed = ["--database", database] if database and database != os.environ.get(DATABASE) else []
    return shlex.join(["attnmel", "study", name, str(study), *needed])


def serve(
    study: Folder,
    port: Annotated[int, option(OUTPUT, "Port of the page; 0: any free one.", min=0, max=65535)] = PORT,
    host: Annotated[str, option(ADVANCED, "Address to listen on; others only behind HTTPS or in a VPN.")] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        option(ADVANCED, "Host name by which a proxy calls the server; repeatable.", "--name", metavar="<host>"),
    ] = None,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Serve a study to its readers until Ctrl-C.

    Each answer is on the disk before the page says so: the server can be stopped, or killed, at any time.

    Example:
        attnmel study serve reading
    """
    from attnmel.pipeline.study.packages import require_study_packages
    from attnmel.web.packages import require_packages

    require_packages()
    require_study_packages()
    from attnmel.pipeline.study.open_study import open_study
    from attnmel.web.limits import Limits
    from attnmel.web.server import address_of, guarded, open_port, run
    from attnmel.web.study.app import make_study_app

    with open_study(study, database) as opened:
        listening = open_port(host, port)
        print_address(address_of(listening, host), as_json=as_json)
        Terminal().note(f"{opened.study.name}: readers open their own links. Ctrl-C stops the page")
        try:
            run(guarded(make_study_app(*opened), host, None, name or ()), listening, Limits())
        except KeyboardInterrupt:
            Terminal().note("stopped")
            end_if_hung(0)


def status(study: Folder, database: Database = None, as_json: Json = False) -> None:
    """Say how far each reader is, without their answers.

    Example:
        attnmel study status reading
    """
    from attnmel.study import status as study_status

    found = study_status(study, database=database)
    if as_json:
        print_json(found.to_dict())
        return
    rows = [
        [
            one.reader,
            f"{one.answered}/{one.steps}",
            "yes" if one.complete else "no",
            "-" if one.median_seconds is None else f"{fixed(one.median_seconds, 0)} s",
            one.last or "-",
        ]
        for one in found.readers
    ]
    print_table(["reader", "answers", "complete", "median time", "last answer (UTC)"], rows)


def export(
    study: Folder,
    out: Annotated[Path, option(OUTPUT, "Folder to write into.", "--out")],
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Write the answers as tables.

    Those of complete readers, and the .imrmc file, are for `attnmel study analyse`.

    Example:
        attnmel study export reading --out readings
    """
    from attnmel.study import export as export_answers

    found = export_answers(study, out, database=database)
    for note in found.notes:
        Terminal().note(note)
    if as_json:
        print_json(found.to_dict())
    elif found.readings:
        print(shlex.join(["attnmel", "study", "analyse", str(found.readings)]))
    if found.readings is None:
        raise ConfigError(f"no reader has enough answers to be analysed yet; all answers are in {out / 'answers.csv'}")


def link(
    study: Folder,
    reader: Annotated[str, typer.Argument(help="Name of the reader.")],
    address: Address = ADDRESS,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Give a reader a new link.

    The one before is no longer valid; the answers stay.

    Example:
        attnmel study link reading ana
    """
    from attnmel.study import link as give_link

    new_link = give_link(study, reader, address=address, database=database)
    if as_json:
        print_json({"reader": reader, "link": new_link})
    else:
        print(new_link)
