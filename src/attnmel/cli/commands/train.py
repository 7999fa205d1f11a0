"""`attnmel train`: from a recipe to one run folder for each seed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from attnmel.cli.help import DATA, OUTPUT, TRAINING, option
from attnmel.cli.terminal import Home, Json, Terminal, Threads, print_json

if TYPE_CHECKING:
    from attnmel.config.fusion import FusionRecipe
    from attnmel.config.system import SystemRecipe
    from attnmel.files.folders import RunFolder

Result = dict[str, str | int | float]
"""Of one run, for people or as JSON."""

Overrides = Annotated[
    list[str] | None,
    option(
        TRAINING,
        "Change one setting of the recipe, e.g. --set training.epochs=10; repeatable.",
        "--set",
        metavar="KEY=VALUE",
    ),
]

Columns = Annotated[
    str | None,
    option(
        DATA,
        "How labels.csv calls its columns, e.g. --columns image=isic_id,label=target; a label of several columns of 0 "
        "and 1 is MEL+NV+BCC.",
        metavar="NAME=COLUMN,...",
    ),
]
Strict = Annotated[bool, option(DATA, "Refuse rows of labels.csv without image, and images without row.", "--strict")]


def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name (isic2017/attnmel-lesion), a TOML file, or a run folder.")
    ],
    overrides: Overrides = None,
    ablation: Annotated[
        Literal["background-only", "lesion-only", "shuffled-labels"] | None,
        option(
            DATA,
            "Ablation: train on images without the lesion, on the lesion alone, or on shuffled labels. "
            "The run folder is OUT/RECIPE/ABLATION/seed-SEED.",
        ),
    ] = None,
    exclude: Annotated[
        Path | None, option(DATA, "List of images to leave out, by `attnmel audit --exclusions`.")
    ] = None,
    allow_leakage: Annotated[
        bool, option(DATA, "Train although an image or lesion is in two splits.", "--allow-leakage")
    ] = False,
    columns: Columns = None,
    strict: Strict = False,
    seeds: Annotated[int, option(TRAINING, "Number of seeds; each gets a run folder.", min=1)] = 1,
    resume: Annotated[
        bool,
        option(TRAINING, "Continue runs that were stopped, also with more epochs or data that was moved.", "--resume"),
    ] = False,
    threads: Threads = None,
    out: Annotated[
        Path | None,
        option(OUTPUT, "Folder of the runs [default: runs; for a run folder as recipe, the folder it is in]."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Train a network, or fit features and SVMs, by a recipe.

    Each seed gets the run folder OUT/RECIPE/seed-SEED, with checkpoints, predictions and measures.

    Example:
        attnmel train isic2017/attnmel-lesion --seeds 3 --set training.epochs=20
    """
    from attnmel.config.fusion import FusionRecipe
    from attnmel.config.load import is_fusion, load_run_recipe, network_recipe, with_seeds
    from attnmel.config.overrides import of_recipe
    from attnmel.config.system import SystemRecipe
    from attnmel.data.audit.exclusions import excluding
    from attnmel.data.datasets.folder_columns import as_toml, parsed_columns
    from attnmel.files.folders import RunFolder, home_folder
    from attnmel.pipeline.run.moved import read_recipe
    from attnmel.pipeline.train.processes import company, follow_watcher, run_together, starts_processes

    # Before torch is loaded, so that an error in a recipe shows at once.
    given_run = RunFolder(Path(recipe)) if (Path(recipe) / RunFolder(Path()).recipe.name).is_file() else None
    changed = [*(overrides or ()), *([f"data.ablation={ablation}"] if ablation else [])]
    changed += ["data.allow_leakage=true"] if allow_leakage else []
    changed += ["data.strict=true"] if strict else []
    changed += [f"data.columns={as_toml(parsed_columns(columns))}"] if columns else []
    # Of a fusion's recipe, its parts take the settings that it lacks.
    if given_run:
        first = read_recipe(given_run, changed)
    else:
        first = load_run_recipe(recipe, of_recipe(recipe, changed)[0] if is_fusion(recipe) else changed)
    if exclude is not None:
        first = excluding(first, exclude)
    print_results = print_json if as_json else _print
    if isinstance(first, SystemRecipe):
        print_results(_fit_systems(first, seeds, out, given_run, home_folder(home), resume))
        return
    if isinstance(first, FusionRecipe) and first.fusion.parts and given_run is None:
        print_results(_fuse_parts(first, seeds, out, changed, home_folder(home), resume))
        return
    first = network_recipe(first)
    if starts_processes(first.training.devices):
        ended = run_together(sys.argv[1:], first.training.devices)
        sys.stderr.write(ended.said)
        raise typer.Exit(ended.code)
    follow_watcher()

    from attnmel.pipeline.experiment import run_recipe
    from attnmel.pipeline.train.train import recipe_fabric, run_folder
    from attnmel.runtime import choose_device, use_threads

    on_cpus = choose_device(first.training.device).type == "cpu"
    use_threads(
        threads or first.training.threads,
        processes=first.training.devices if on_cpus else 1,
        note=Terminal().note if on_cpus else None,
    )
    results: list[Result] = []
    with company():
        fabric = recipe_fabric(first)
        for one in with_seeds(first, seeds):
            run = run_folder(one, out, given_run)
            best = run_recipe(
                one,
                run,
                home=home_folder(home),
                fabric=fabric,
                resume=resume,
                command=_command(),
                progress=Terminal(),
            )
            measure = one.training.select
            results.append({"run": str(run.path), "best_epoch": best.epoch, measure: best.validation(measure)})
    if fabric.is_global_zero:
        print_results(results)


def _fit_systems(
    first: "SystemRecipe", seeds: int, out: Path | None, given_run: "RunFolder | None", home: Path, resume: bool
) -> list[Result]:
    from attnmel.config.load import with_seeds
    from attnmel.pipeline.experiment import run_system
    from attnmel.pipeline.train.train import run_folder
    from attnmel.runtime import use_threads

    use_threads()
    results: list[Result] = []
    for one in with_seeds(first, seeds):
        folder = run_folder(one, out, given_run)
        run = run_system(one, folder, home=home, resume=resume, command=_command(), progress=Terminal())
        auc = run.results["validation"].judgement.row(run.target_class, "auc").value
        results.append({"run": str(folder.path), "auc": auc})
    return results


def _fuse_parts(
    first: "FusionRecipe", seeds: int, out: Path | None, changed: list[str], home: Path, resume: bool
) -> list[Result]:
    from attnmel.config.load import with_seeds
    from attnmel.pipeline.parts import run_fusion
    from attnmel.runtime import use_threads

    use_threads()
    results: list[Result] = []
    for one in with_seeds(first, seeds):
        run = run_fusion(
            one,
            out or Path("runs"),
            overrides=changed,
            home=home,
            resume=resume,
            command=_command(),
            progress=Terminal(),
        )
        found = run.results[next(iter(run.results))]
        auc = found.judgement.row(run.target_class, "auc").value
        results.append({"run": str(run.path), "auc": auc})
    return results


def _command() -> str:
    return " ".join(["attnmel", *sys.argv[1:]])


def _print(results: list[Result]) -> None:
    for result in results:
        run, measure = result.pop("run"), [*result][-1]
        epoch = f"best epoch {result['best_epoch']}, " if "best_epoch" in result else ""
        print(f"{run}: {epoch}validation {measure} {result[measure]:.3f}")
