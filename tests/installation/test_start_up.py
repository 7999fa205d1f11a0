"""Nothing heavy is imported before it is needed: what a fresh interpreter has loaded, without a clock."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.factories import HEAVY, run_fresh
from typer.main import get_command

from attnmel.cli.app import app
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.conftest import Phantoms

ARRAYS = {"numpy", "platformdirs"}
IMPORTS = {
    "attnmel": set[str](),
    "attnmel.errors": set[str](),
    "attnmel.files.download": {"platformdirs"},
    "attnmel.pipeline.train.processes": set[str](),
    "attnmel.files.folders": {"platformdirs"},
    "attnmel.config.load": {"pydantic"},
    "attnmel.config.recipe": {"pydantic"},
    "attnmel.records": ARRAYS,
    "attnmel.data.preprocess.images": {"numpy", "PIL"},
    "attnmel.data.datasets.read_dataset": ARRAYS | {"PIL"},
    "attnmel.data.preprocess.cache": ARRAYS | {"PIL"},
    "attnmel.data.preprocess.cache_build": ARRAYS | {"PIL"},
    "attnmel.evaluation.classification.report": ARRAYS | {"scipy"},
    "attnmel.evaluation.challenge.score": ARRAYS | {"scipy"},
    "attnmel.statistics": ARRAYS | {"scipy"},
    "attnmel.report.html.page": ARRAYS | {"scipy", "PIL", "matplotlib", "jinja2"},
}
"""What each module may load of the heavy ones."""

HELP_MAY_LOAD = {"typer", "pydantic"}
"""typer builds its parameters of a command with pydantic; the command line itself has no use for it there."""


FORKS = """
import os, sys

for chain in {chains!r}:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        for module in chain:
            __import__(module)
            print(module + ":", *sys.modules, flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(" ".join(chain))
"""
"""Each chain of modules in a copy of an interpreter that has loaded nothing; prints a line for each module."""


def chains() -> list[list[str]]:
    """Give chains of modules of which each may load all that those before it may, so that one process does for all."""
    found: list[list[str]] = []
    for module in sorted(IMPORTS, key=lambda one: len(IMPORTS[one])):
        chain = next((chain for chain in found if IMPORTS[chain[-1]] <= IMPORTS[module]), None)
        if chain is None:
            found.append([module])
        else:
            chain.append(module)
    return found


def commands(group: object = None, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command, and of every group of them."""
    group = group or get_command(app)
    yield before
    for name, one in getattr(group, "commands", {}).items():
        yield from commands(one, (*before, name))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="an interpreter is copied by fork")
def test_a_module_loads_no_more_than_it_needs() -> None:
    lines = [line.partition(":") for line in run_fresh(FORKS.format(chains=chains())).splitlines()]
    loaded = {module: set(names.split()) for module, _, names in lines}
    assert loaded.keys() == IMPORTS.keys()
    for module, names in loaded.items():
        assert names & set(HEAVY) <= IMPORTS[module], module
    assert not [name for name in loaded["attnmel"] if name.startswith("attnmel.")], "the package loads none of them"


def test_the_errors_are_found_in_the_package_before_anything_else_is_used() -> None:
    code = "import attnmel, sys\nprint(attnmel.errors.AttnmelError.__name__, 'numpy' in sys.modules)"
    assert run_fresh(code) == "AttnmelError False\n"


def test_a_help_and_a_list_of_commands_load_the_command_line_alone() -> None:
    """All in one interpreter, one after another: what none of them loads no single one loads."""
    code = f"""
import contextlib, io, sys
from attnmel.cli.app import app

def loaded(*words):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            app([*words])
    except SystemExit as end:
        assert not end.code, words
    print(" ".join(words) + ":", *sys.modules)

for words in {list(commands())}:
    loaded(*words, "--help")
loaded("reproduce", "isic2018", "--print-commands")
"""
    *helps, listed = run_fresh(code).splitlines()
    assert len(helps) == len(list(commands()))
    for line in helps:
        command, _, loaded = line.partition(":")
        names = loaded.split()
        ours = {name.split(".")[1] for name in names if name.startswith("attnmel.")}
        assert ours <= {"cli", "errors", "api", "number_formats", "progress"}, command
        assert set(names) & set(HEAVY) <= HELP_MAY_LOAD, command
    assert "torch" not in listed.split()


PREDICTING = """
import contextlib, io, os, sys
from pathlib import Path

def loaded(step):
    print(step + ":", *sys.modules, flush=True)

def command(*words):
    from attnmel.cli.app import app
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            app([*words])
    except SystemExit as end:
        assert not end.code, words
    loaded(" ".join(words))

model, image, maps, models, run = {arguments!r}
child = os.fork()
if not child:
    command("predict", run, image)
    os._exit(0)
assert not os.waitpid(child, 0)[1]
from attnmel import Predictor
Predictor(model).predict(image).frame("pool3")
loaded("Predictor")
command("predict", model, image)
command("predict", model, image, "--maps", maps)
from attnmel.pretrained import catalogue
catalogue.FOLDER = Path(models)
command("predict", "pretrained", image, "--maps", maps + "-2")
"""

NOT_TO_PREDICT = {
    "torch", "scipy", "pandas", "matplotlib", "sklearn", "lightning_fabric", "safetensors", "onnx", "onnxruntime",
    "google", "attnmel.training", "attnmel.compute.runtime", "openvino_telemetry", "openvino.tools.ovc",
    "urllib.request", "http.client", "rich.progress",
}  # fmt: skip
"""What is heavy, and what could talk to others."""

TO_COMPILE = {"numpy", "platformdirs"}
"""What is loaded before the engine, and so before the network of a first prediction begins to be compiled."""

TO_PREDICT = TO_COMPILE | {
    "PIL", "annotated_doc", "annotated_types", "attnmel", "openvino", "pydantic", "pydantic_core", "shellingham",
    "typer", "typing_extensions", "typing_inspection",
}  # fmt: skip
"""Every package but Python's own that `attnmel predict model.onnx a.jpg` may load."""

AHEAD = """
import sys

own = {{*sys.modules}}
from attnmel.deploy import early_compile

load = early_compile.load_engine
def seen():
    print("\\nengine:", *{{*sys.modules}} - own)
    load()
early_compile.load_engine = seen
sys.argv = ["attnmel", "predict", {model!r}, {image!r}]
from attnmel.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
print("\\nend:", *{{*sys.modules}} - own)
"""


def test_a_first_prediction_loads_only_these_packages_and_few_before_it_begins_to_compile(
    exported: Path, phantoms: "Phantoms"
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    lines = run_fresh(AHEAD.format(model=str(exported), image=str(image))).splitlines()
    loaded = {line.partition(":")[0]: set(line.partition(":")[2].split()) for line in reversed(lines)}
    packages = {step: {name.partition(".")[0] for name in loaded[step]} for step in ("engine", "end")}
    foreign = {
        step: {name for name in names if name not in sys.stdlib_module_names and not name.startswith("_sys")}
        for step, names in packages.items()
    }
    assert foreign["engine"] <= {"attnmel", *TO_COMPILE}
    ours = {name.split(".")[1] for name in loaded["engine"] if name.startswith("attnmel.")}
    assert ours <= {
        "cli",
        "compute",
        "deploy",
        "diagnoses",
        "errors",
        "files",
        "models",
        "pretrained",
        "records",
        "shapes",
    }
    assert foreign["end"] <= TO_PREDICT
    assert not {"attnmel.training", "attnmel.pipeline.evaluate", "attnmel.report"} & loaded["end"]


NOT_TO_DRAW_MAPS = {"torch", "onnx", "onnxruntime", "lightning_fabric"}

NOT_TO_PREDICT_WITH_TORCH = {
    "attnmel.training", "attnmel.data.batches.loader", "lightning_fabric", "matplotlib", "sklearn",
}  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="an interpreter is copied by fork")
def test_predicting_loads_no_torch_from_an_exported_file_and_no_training_code_from_a_checkpoint(
    exported: Path, made_models: Path, trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    paths = (exported, image, tmp_path / "maps", made_models, trained.path)
    lines = run_fresh(PREDICTING.format(arguments=[str(path) for path in paths])).splitlines()
    by_checkpoint, *by_file = [line.partition(":") for line in lines]
    assert len(by_file) == 4
    for step, _, loaded in by_file:
        unwanted = NOT_TO_DRAW_MAPS if "--maps" in step else NOT_TO_PREDICT
        assert not unwanted.intersection(loaded.split()), step
    assert not NOT_TO_PREDICT_WITH_TORCH.intersection(by_checkpoint[2].split())
    assert len(list((tmp_path / "maps").iterdir())) == 3
