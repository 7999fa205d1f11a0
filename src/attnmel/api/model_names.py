"""Models and images by name or path: a pretrained model, a run, a file; an example image, a folder."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.api.places import one_place, places
from attnmel.errors import ConfigError, did_you_mean
from attnmel.progress import SILENT, Progress

if TYPE_CHECKING:
    from attnmel.files.folders import RunFolder
    from attnmel.pipeline.run.run import Run
    from attnmel.pretrained.catalogue import Shipped

PLACES = "a run, a path, a name of `attnmel models`, or hf:OWNER/NAME@REVISION"

NAME = "`pretrained` or another model of `attnmel models`, hf:OWNER/NAME@REVISION of a hub"


def _of_hub(model: str | Path) -> Path | None:
    """Return the folder of a model on a hub, fetched where it is missing; None for any other name."""
    from attnmel.files.hub import hub_folder, hub_name

    name = hub_name(Path(model).as_posix())
    return None if name is None else hub_folder(name)


def place_of(model: "Run | str | Path") -> str:
    """Return the path of a run, or a name or path as it was given; no torch."""
    from attnmel.files.hub import PREFIX

    given = one_place(model, "the model", PLACES)
    place = str(getattr(given, "path", given))
    # A name that became a path of Windows on its way.
    return place.replace("\\", "/") if place.startswith(PREFIX) else place


def place_of_results(model: "Run | str | Path", progress: Progress = SILENT) -> str:
    """Return as `place_of`, but of a pretrained model or one of a hub its run folder, runs/NAME, where results are.

    Raises:
        AttnmelError: as `run_of`.
    """
    place = place_of(model)
    return str(run_of(place, progress=progress).path) if has_name(place, progress) else place


def shipped(model: str, progress: Progress = SILENT) -> "Shipped | None":
    """Return the pretrained model of that name, with a note if a file has the same name; None for a path."""
    from attnmel.pretrained.catalogue import find_model

    found = find_model(model)
    if found and Path(model).exists():
        progress.note(f"{model} is the model that comes with attnmel; for the {_kind(model)} here write ./{model}")
    return found


def has_name(model: str, progress: Progress = SILENT) -> bool:
    """Whether a model comes along or is on a hub, so that results are written into a copy; of a path not.

    Raises:
        ConfigError: a name of a hub in another form.
    """
    from attnmel.files.hub import hub_name

    return shipped(model, progress) is not None or hub_name(model) is not None


def fast_model(model: str, progress: Progress = SILENT) -> Path:
    """Return the ONNX file of a model that comes along or is on a hub, a folder of several runs, or as `model_path`."""
    from attnmel.files.seeds import runs_to_average
    from attnmel.pretrained.named import exported_file

    shipped(model, progress)  # for its note
    if named := exported_file(model):
        return named
    return Path(model) if len(runs_to_average(Path(model))) > 1 else model_path(model)


def trained_model(model: str, progress: Progress = SILENT) -> Path:
    """Return the checkpoint of a pretrained model, or a path as `model_path`.

    Raises:
        ConfigError: as `model_path`, or an exported file, which has no layers to look into.
    """
    found = shipped(model, progress)
    path = found.checkpoint if found else model_path(model)
    if path.suffix.lower() == ".onnx":
        raise ConfigError(
            f"{model} is an exported file, which this command cannot look into; name the run or checkpoint that it was "
            "exported from, or draw its attention maps with "
            f"`attnmel predict {shlex.quote(model)} IMAGES --maps FOLDER`"
        )
    return path


def model_path(model: str) -> Path:
    """Return the path of a model; for a folder with a single seed of a recipe, that run; for one of a hub, its folder.

    Raises:
        ConfigError: there is nothing at the path, or a folder of several seeds or without a run.
    """
    from attnmel.files.folders import RunFolder
    from attnmel.files.seeds import runs_below, single_run
    from attnmel.pretrained.catalogue import ANY, model_names

    if fetched := _of_hub(model):
        return fetched
    path = Path(model)
    if not path.exists():
        raise ConfigError(
            f"no checkpoint at {model}{did_you_mean(model, (ANY, *model_names()))}; expected a run folder, a "
            f".safetensors or ONNX file, or a name of `attnmel models`"
        )
    path = single_run(path)
    if path.is_dir() and not RunFolder(path).recipe.is_file() and (below := runs_below(path)):
        raise ConfigError(f"{path} is no run folder: no {RunFolder(path).recipe.name} in it{below}")
    return path


def run_of(model: str, out: Path | None = None, progress: Progress = SILENT) -> "RunFolder":
    """Return a run folder: that of the path, or its copy in the folder `out`; a model of a name is always copied.

    Raises:
        ConfigError: as `model_path`, or `out` holds something else.
    """
    from attnmel.files.folders import RunFolder
    from attnmel.files.hub import hub_name
    from attnmel.pipeline.hub.pull import pulled_run
    from attnmel.pipeline.pretrained.run import own_run
    from attnmel.pipeline.run.run_copy import copied_run

    if found := shipped(model, progress):
        return own_run(found, out)
    if name := hub_name(model):
        return pulled_run(name, out)
    run = RunFolder(model_path(model))
    return run if out is None else copied_run(run, out)


def run_to_share(model: str) -> "RunFolder":
    """Return the run folder of a model, read only: of one that comes along that of the installation.

    Raises:
        AttnmelError: as `model_path`.
    """
    from attnmel.files.folders import RunFolder

    if found := shipped(model):
        return RunFolder(found.folder)
    path = model_path(model)
    return RunFolder(path if path.is_dir() else path.parent)


def runs_of(path: Path) -> "tuple[RunFolder, ...]":
    """Return the run of a path, or every seed of a recipe in it.

    Raises:
        ConfigError: there is no run; says where in the folder there are some.
    """
    from attnmel.files.folders import RunFolder
    from attnmel.files.seeds import runs_in
    from attnmel.pipeline.run.run_location import no_run

    if runs := runs_in(path):
        return runs
    raise no_run(RunFolder(path))


def opened_runs(models: "Iterable[Run | str | Path]", home: Path | None, progress: Progress = SILENT) -> "list[Run]":
    """Open runs, every seed of folders of them, and the copies of models that have a name.

    Raises:
        AttnmelError: as `runs_of` and `run_of`.
    """
    from attnmel.pipeline.run.run import Run

    found = []
    for one in places(models, "runs", PLACES):
        folders = [] if isinstance(one, Run) else runs_of(Path(place_of_results(one, progress)))
        found += [one] if isinstance(one, Run) else [Run(folder, home, progress) for folder in folders]
    return found


def runs_to_evaluate(model: str, out: Path | None, on: str | None, split: str | None) -> "tuple[RunFolder, ...]":
    """Return the run, or the seeds of a recipe, to evaluate on a split; copies of them in the folder `out`.

    Raises:
        ConfigError: as `run_of` and `runs_of`, or the pretrained model was trained on that split.
    """
    from attnmel.pipeline.pretrained.run import refuse_trained_on
    from attnmel.pipeline.run.run_copy import copied_run
    from attnmel.pretrained.catalogue import find_model

    if found := find_model(model):
        refuse_trained_on(found, on, split)
    if has_name(model):
        return (run_of(model, out),)
    runs = runs_of(Path(model))
    if out is None:
        return runs
    return tuple(copied_run(run, out if len(runs) == 1 else out / run.path.name) for run in runs)


def refuse_swapped(model: str, images: Sequence[str]) -> None:
    """Refuse images that are named before the model.

    Raises:
        ConfigError: the first name is of images, and one of the others of a model; says the right order.
    """
    from attnmel.pretrained.catalogue import find_model

    if find_model(model) or not holds_images(Path(model)):
        return
    if swapped := next((one for one in images if find_model(one) or _is_model(one)), None):
        raise ConfigError(f"{model} holds images and {swapped} is a model; name the model first: {swapped} {model}")


def holds_images(path: Path) -> bool:
    """Return whether a path is an image by its ending, or a folder that is no model."""
    from attnmel.data.image_files.formats import SUFFIXES

    if path.is_dir():
        return not _is_model(str(path))
    return path.is_file() and path.suffix.lower() in SUFFIXES


def _is_model(name: str) -> bool:
    from attnmel.files.folders import RunFolder
    from attnmel.files.hub import PREFIX
    from attnmel.files.seeds import runs_to_average

    path = Path(name)
    if path.is_dir():
        return RunFolder(path).recipe.is_file() or bool(runs_to_average(path))
    return name.startswith(PREFIX) or (path.is_file() and path.suffix.lower() in (".onnx", ".safetensors"))


def image_paths(images: Sequence[str]) -> list[Path]:
    """Return the paths, with `example:ID` replaced by the files of the example images."""
    from attnmel.pretrained.examples import example_images

    return [path for one in images for path in (example_images(one) or [Path(one)])]


def _kind(path: str) -> str:
    return "folder" if Path(path).is_dir() else "file"
