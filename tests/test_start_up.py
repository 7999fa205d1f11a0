"""Nothing heavy is imported before it is needed: what a fresh interpreter has loaded, without a clock."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.main import get_command

from attnmel.cli.app import app

HEAVY = (
    "PIL", "captum", "jinja2", "lightning_fabric", "matplotlib", "monai", "numpy", "onnxruntime", "openvino", "pandas",
    "platformdirs", "pydantic", "rich", "safetensors", "scipy", "sklearn", "tensorboard", "torch", "typer",
)  # fmt: skip

ARRAYS = {"numpy", "platformdirs"}
IMPORTS = {
    "attnmel": set[str](),
    "attnmel.errors": set[str](),
    "attnmel.download": set[str](),
    "attnmel.pipeline.train.processes": set[str](),
    "attnmel.folders": {"platformdirs"},
    "attnmel.config.load": {"pydantic"},
    "attnmel.config.recipe": {"pydantic"},
    "attnmel.records": ARRAYS,
    "attnmel.data.preprocess.images": {"numpy", "PIL"},
    "attnmel.data.datasets.isic": ARRAYS | {"PIL"},
    "attnmel.data.preprocess.cache": ARRAYS | {"PIL"},
    "attnmel.evaluation.classification.report": ARRAYS | {"scipy"},
    "attnmel.evaluation.challenge.score": ARRAYS | {"scipy"},
    "attnmel.report.html.page": ARRAYS | {"scipy", "PIL", "matplotlib", "jinja2"},
}
"""What each module may load of the heavy ones."""

HELP_MAY_LOAD = {"typer", "pydantic"}
"""typer builds its parameters of a command with pydantic; the command line itself has no use for it there."""


def loaded_after(code: str) -> set[str]:
    """Return the heavy modules that a fresh interpreter has loaded after some code, and those of attnmel."""
    code = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name for name in ran.stdout.splitlines()[-1].split() if name in HEAVY or name.startswith("attnmel.")}


def commands(group: object = None, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command, and of every group of them."""
    group = group or get_command(app)
    yield before
    for name, one in getattr(group, "commands", {}).items():
        yield from commands(one, (*before, name))


@pytest.mark.parametrize("module", IMPORTS)
def test_a_module_loads_no_more_than_it_needs(module: str) -> None:
    assert loaded_after(f"import {module}") & set(HEAVY) <= IMPORTS[module]


def test_the_package_loads_none_of_its_modules() -> None:
    assert not loaded_after("import attnmel")


@pytest.mark.parametrize("words", list(commands()), ids=lambda words: " ".join(("attnmel", *words)))
def test_a_help_loads_the_command_line_alone(words: tuple[str, ...]) -> None:
    asked = [*words, "--help"]
    loaded = loaded_after(
        f"from attnmel.cli.app import app\ntry: app({asked})\nexcept SystemExit as end: assert not end.code"
    )
    ours = {name.split(".")[1] for name in loaded - set(HEAVY)}
    assert ours <= {"cli", "errors"}
    assert loaded & set(HEAVY) <= HELP_MAY_LOAD
