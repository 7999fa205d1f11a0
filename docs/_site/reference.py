"""The pages of the reference, made from the code: commands, recipes, settings, files of a run, API."""

import ast
import inspect
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from attnmel.cli.app import app
from attnmel.cli.help import EXAMPLE, example_of
from attnmel.config.fusion import FusionRecipe
from attnmel.config.load import recipe_names
from attnmel.config.recipe import Recipe
from attnmel.config.segmenter import SegmenterRecipe
from attnmel.config.system import SystemRecipe
from attnmel.files import folders

MADE = "<!-- Made from the code when the pages are built. -->\n"


def commands() -> str:
    """Return one section for each command: what it does, an example, arguments and options."""
    parts = [MADE, "# Commands\n", "Each command prints this by `--help`.\n"]
    parts += [_command(words, command) for words, command in _walk(get_command(app), ()) if words]
    return "\n".join(parts)


def _walk(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - of click
    yield words, group
    for name, one in getattr(group, "commands", {}).items():
        yield from _walk(one, (*words, name))


def _command(words: tuple[str, ...], command: Any) -> str:  # noqa: ANN401
    name = " ".join(("attnmel", *words))
    text = inspect.cleandoc(command.help or "").partition(f"\n{EXAMPLE}\n")[0].strip()
    example = "\n".join(example_of(command.help or ""))
    with command.make_context(name, [], resilient_parsing=True) as context:
        records = [(one, one.get_help_record(context)) for one in command.get_params(context)]
    rows = [
        f"| `{_code(shown[0])}` | {_cell(shown[1])} |" for one, shown in records if shown and "--help" not in one.opts
    ]
    table = "\n".join(["| argument or option | what it does |", "| --- | --- |", *rows]) if rows else ""
    return f"## {name}\n\n{_cell(text)}\n\n```sh\n{example}\n```\n\n{table}\n"


def _cell(text: str) -> str:
    return _code(text).replace("<", "&lt;")


def _code(text: str) -> str:
    return text.replace("|", "\\|")


def recipes() -> str:
    """Return every recipe that comes along, as it is."""
    root = resources.files("attnmel") / "recipes"
    parts = [MADE, "# Recipes\n", "`attnmel train NAME` trains one; `--set` changes a setting of it.\n"]
    parts += ["| name | title | data set |\n| --- | --- | --- |"]
    texts = {name: (root / f"{name}.toml").read_text(encoding="utf-8") for name in recipe_names()}
    for name, text in texts.items():
        found = tomllib.loads(text)
        parts.append(
            f"| [`{name}`](#{name.replace('/', '').lower()}) | {found['title']} | {found['data']['dataset']} |"
        )
    parts += [f"\n## {name}\n\n```toml\n{text}```\n" for name, text in texts.items()]
    return "\n".join(parts)


def settings() -> str:
    """Return every setting of a recipe with its type, default and meaning."""
    parts = [MADE, "# Settings\n", "What a recipe may say, and `--set KEY=VALUE` may change.\n"]
    kinds = {
        "A network": Recipe,
        "A fitted system": SystemRecipe,
        "A fusion": FusionRecipe,
        "A segmenter": SegmenterRecipe,
    }
    for title, kind in kinds.items():
        parts.append(f"## {title}\n")
        parts += ["| key | default | meaning |\n| --- | --- | --- |", *_rows(kind, ""), ""]
    return "\n".join(parts)


def _rows(kind: type[BaseModel], prefix: str) -> Iterator[str]:
    meanings = _docstrings(kind)
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _rows(inner, f"{prefix}{name}.")
            continue
        default = (
            "required" if field.is_required() else f"`{_code(_plain(field.get_default(call_default_factory=True)))}`"
        )
        yield f"| `{prefix}{name}` | {default} | {_cell(meanings.get(name, _type(inner)))} |"


def _type(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else _plain(str(annotation).replace("typing.", ""))


def _plain(value: object) -> str:
    text = f"{value}" if not isinstance(value, str) else f'"{value}"'
    return text if len(text) < 60 else f"{text[:57]}..."


def _docstrings(kind: type) -> dict[str, str]:
    """Return the texts below the fields of a class and of those it is derived from."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.startswith("attnmel"):
            body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
            assert isinstance(body, ast.ClassDef)
            for before, after in zip(body.body, body.body[1:], strict=False):
                target = before.target if isinstance(before, ast.AnnAssign) else getattr(before, "targets", [None])[0]
                if isinstance(target, ast.Name) and _is_text(after):
                    found[target.id] = " ".join(ast.literal_eval(after.value).split())  # type: ignore[attr-defined]
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def files() -> str:
    """Return the files of a run, of masks and of maps."""
    parts = [
        MADE,
        "# Files of a run\n",
        "All are JSON, TOML, CSV, NPZ, PNG, HTML, ONNX or safetensors; none is a pickle.\n",
    ]
    for kind in (folders.RunFolder, folders.MasksFolder, folders.MapsFolder):
        parts += [
            f"## {kind.__name__}\n",
            f"{inspect.cleandoc(kind.__doc__ or '')}\n",
            "| file | content |\n| --- | --- |",
        ]
        parts += list(_files(kind))
        parts.append("")
    return "\n".join(parts)


def _files(kind: Any) -> Iterator[str]:  # noqa: ANN401
    folder, meanings = kind(folders.Path("run")), _docstrings(kind)
    for name, member in vars(kind).items():
        if inspect.isfunction(member):
            parameters = list(inspect.signature(member).parameters)[1:]
            if parameters not in (["split"], ["method"], ["layer"]):
                continue
            value = member(folder, parameters[0].upper())
        elif name.startswith("_"):
            continue
        else:
            value = getattr(folder, name)
        text = meanings.get(name) or inspect.getdoc(member) or ""
        path = getattr(value, "path", value)
        if isinstance(path, folders.Path):
            yield f"| `{path.relative_to('run').as_posix()}` | {text.splitlines()[0]} <!-- {name} --> |"


API = (
    ("attnmel", "the package"),
    ("attnmel.datasets", "data sets"),
    ("attnmel.segment", "lesion masks"),
    ("attnmel.study", "studies of readers"),
    ("attnmel.api.answers", "answers"),
    ("attnmel.api.study_answers", "answers of studies"),
    ("attnmel.deploy.predictor", "prediction by an exported file, without torch"),
    ("attnmel.records", "what travels between stages"),
    ("attnmel.errors", "what can go wrong"),
    ("attnmel.statistics", "statistics on plain arrays"),
    ("attnmel.evaluation.statistics.bootstrap", "resampling"),
    ("attnmel.evaluation.statistics.delong", "areas under curves"),
    ("attnmel.evaluation.statistics.estimators", "intervals"),
    ("attnmel.evaluation.statistics.proportions", "proportions"),
    ("attnmel.evaluation.statistics.hypothesis_tests", "tests"),
    ("attnmel.evaluation.statistics.multi_seed", "several seeds"),
    ("attnmel.data.preprocess.network_input", "from an image file to a network's input"),
)
"""Modules of the API page; one that is not there is left out."""


def api() -> str:
    """Return the page of the API, filled in by mkdocstrings."""
    parts = [MADE, "# API\n", "Functions and classes that other programs call, with their docstrings.\n"]
    for module, what in API:
        if _exists(module):
            parts += [f"## {what[0].upper()}{what[1:]}\n", f"::: {module}\n"]
    return "\n".join(parts)


def _exists(module: str) -> bool:
    import importlib.util

    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands,
    "reference/recipes.md": recipes,
    "reference/settings.md": settings,
    "reference/files.md": files,
    "reference/api.md": api,
}
"""By their path below docs/."""
