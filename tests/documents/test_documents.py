"""What the documents show exists: commands, extras, scripts, links and anchors; and the pages are built of them."""

import contextlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.main import get_command

from attnmel.cli.app import app
from attnmel.config.load import flat, load_recipe, recipe_names
from attnmel.config.no_effect import without_effect
from attnmel.data.datasets.read_dataset import KNOWN
from attnmel.errors import ConfigError
from attnmel.pipeline import documents

ROOT = Path(__file__).parents[2]
OUTSIDE_DOCS = ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")
PAGES = [*(ROOT / name for name in OUTSIDE_DOCS), *sorted((ROOT / "docs").rglob("*.md"))]
CURRENT = [path for path in PAGES if path.stem != "results"]
"""The log of results also holds commands of former versions."""
SHELL = re.compile(r"^(?P<indent> *)```sh\n(.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?:^|[;&|(]|\bdo)\s*(?:\.venv/bin/|PYTHONPATH=\S+ )?(attnmel [^#;&|>)]*)")
INSTALL = re.compile(r"(?:attnmel|\.)\[([a-z,]+)\]")
SCRIPT = re.compile(r"python3? ((?:benchmarks|tests|docs)/[\w./-]+\.py)([^#;&|>\n]*)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = ("http:", "https:", "mailto:")
MADE = {f"reference/{name}.md" for name in ("commands", "recipes", "settings", "files", "api")}
"""Pages that are made when the site is built."""

every_page = pytest.mark.parametrize("page", CURRENT, ids=lambda path: path.relative_to(ROOT).as_posix())


def shell_lines(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for _, block in SHELL.findall(text) for line in block.splitlines()]


def parse(call: str) -> None:
    """Parse a command line to the end, without running it."""
    words, command = shlex.split(call, comments=True)[1:], get_command(app)
    inner: Any = command
    while hasattr(inner, "commands") and words and not words[0].startswith("-"):
        name, *words = words
        assert name in inner.commands, call
        inner = inner.commands[name]
    with contextlib.suppress(SystemExit):  # of --help and --version
        inner.make_context(call, words)


def test_every_call_in_a_line_is_found() -> None:
    line = "for k in 1 2; do attnmel train demo --set data.fold=$k/5; done && .venv/bin/attnmel doctor  # attnmel no"
    assert [one.strip() for one in CALL.findall(line)] == ["attnmel train demo --set data.fold=$k/5", "attnmel doctor"]


@every_page
def test_the_commands_in_shell_blocks_exist_with_their_options(page: Path) -> None:
    for line in shell_lines(page):
        for call in CALL.findall(line):
            parse(call)


@every_page
def test_extras_and_scripts_that_a_page_names_exist(page: Path) -> None:
    extras = {*tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"], "extra"}
    text = page.read_text(encoding="utf-8")
    named = {one for found in INSTALL.findall(text) for one in found.split(",")}
    assert named <= extras
    for script, options in SCRIPT.findall(text):
        source = (ROOT / script).read_text(encoding="utf-8")
        for option in re.findall(r"--[a-z][\w-]*", options):
            assert option in source, f"{script} has no {option}"


def test_the_readme_names_every_recipe_and_known_data_set() -> None:
    named = set(re.findall(r"`([\w-]+)/?`", (ROOT / "README.md").read_text(encoding="utf-8")))
    recipes = {name.rpartition("/")[2] for name in recipe_names()} - {"demo"}
    assert recipes <= named, recipes - named
    sets = {*KNOWN} - {"phantoms", "isic2018-leaky"}  # of the demo, and of a recipe that warns of it
    assert sets <= named, sets - named


def test_the_recipe_of_ones_own_that_is_shown_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs/training/training.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"<!-- example: recipe -->\n```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "clinic.toml").write_text(text, encoding="utf-8")
    recipe = load_recipe(str(tmp_path / "clinic.toml"))
    assert recipe.loss.class_weights == "median-frequency"
    assert not without_effect(recipe, tuple(flat(tomllib.loads(text))))


def test_every_extra_is_in_all() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (whole,) = extras["all"]
    assert set(re.findall(r"\w+", whole.partition("[")[2])) == {*extras} - {"all"}


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and the pages make it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower().strip()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: dict[str, int] = {}
    every = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        name = slug(heading)
        every.add(f"{name}-{found[name]}" if name in found else name)
        found[name] = found.get(name, 0) + 1
    return every


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link, picture in LINK.findall(text):
        target, _, anchor = (link or picture).partition("#")
        if target.startswith(OUTSIDE) or "`" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() and path.relative_to(ROOT / "docs").as_posix() in MADE:
            continue
        assert path.exists(), link or picture
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), link


def test_every_diagram_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_site")
    import diagrams  # pyright: ignore[reportMissingImports] - a folder of mkdocs

    for page in PAGES:
        for block in diagrams.BLOCK.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / "docs" / diagrams.picture(block)).is_file(), "draw it again: docs/_site/diagrams.py"


def test_pages_of_the_reference_hold_every_command_recipe_setting_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_site")
    import reference  # pyright: ignore[reportMissingImports]

    commands = reference.commands()
    for name, command in get_command(app).commands.items():  # pyright: ignore[reportAttributeAccessIssue]
        assert f"## attnmel {name}\n" in commands
        for option in command.params:
            assert option.param_type_name == "argument" or option.opts[0] in commands
    assert "## isic2017/attnmel-lesion\n" in reference.recipes()
    settings = reference.settings()
    assert "| `training.log` | `()` | Where epochs are logged besides" in settings
    assert "| `data.crop` |" in settings
    assert "| `best.safetensors` | Checkpoint of the best epoch" in reference.files()
    assert "::: attnmel.deploy.predictor" in reference.api()


def test_pages_that_the_reference_names_are_links(monkeypatch: pytest.MonkeyPatch) -> None:
    structure = pytest.importorskip("mkdocs.structure.files", reason="needs the extra docs")
    monkeypatch.syspath_prepend(ROOT / "docs" / "_site")
    import hooks  # pyright: ignore[reportMissingImports]

    def file(name: str) -> Any:  # noqa: ANN401 - a page of mkdocs
        return structure.File(name, "docs", "site", use_directory_urls=True)

    files = structure.Files([file("prediction/predict.md"), file("reference/api.md")])
    predict = "docs/prediction/predict.md"
    html = f'<p title="{predict}">See {predict}#maps, docs/none.md.</p><pre>{predict}</pre>'
    pages = {name: SimpleNamespace(file=file(name)) for name in ("reference/api.md", "prediction/predict.md")}
    assert hooks.on_page_content(html, pages["reference/api.md"], None, files) == html.replace(
        f"{predict}#maps", f'<a href="../../prediction/predict/#maps">{predict}#maps</a>'
    )
    assert hooks.on_page_content(html, pages["prediction/predict.md"], None, files) == html

    text = "[All](../reference/api.md#maps), [a test](../../tests/conftest.py)."
    config = SimpleNamespace(docs_dir=str(ROOT / "docs"))
    linked = hooks.on_page_markdown(text, pages["prediction/predict.md"], config, files)
    assert linked == "[All](../reference/api.md#maps), a test.", "links to made pages stay, those out of docs/ do not"


def test_without_mkdocs_one_sentence_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MODULES", ("nothing_of_this_name",))
    with pytest.raises(ConfigError, match=r"^the pages need the package nothing_of_this_name, .* 'attnmel\[docs\]'"):
        documents.built_pages(tmp_path)
    with pytest.raises(ConfigError, match=r"^the pages need the package nothing_of_this_name, .* 'attnmel\[docs\]'"):
        documents.build(ROOT, tmp_path / "pages")
    monkeypatch.setattr(documents, "MODULES", ())
    (tmp_path / "thesis.md").touch()
    with pytest.raises(ConfigError, match="holds something else than pages of attnmel; move it away, or name"):
        documents.build(ROOT, tmp_path)


def test_built_pages_are_served_to_this_machine_alone_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.request import urlopen

    pages = tmp_path / "docs"
    pages.mkdir()
    (pages / "index.html").write_text("pages of before")
    (pages / documents.STAMP).write_text("of another version")
    monkeypatch.setattr(documents, "MODULES", ("nothing_of_this_name",))
    assert documents.built_pages(tmp_path) == pages, "old pages are better than none"
    with documents.serving(pages, 0) as (address, _):
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as answer:
            assert answer.read() == b"pages of before"
        port = int(address.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(ConfigError, match=f"port {port} is taken"), documents.serving(pages, port):
            pass


@pytest.mark.slow
def test_the_pages_are_built_strictly_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="needs the extra docs")
    documents.build(ROOT, tmp_path / "site")
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    loaded = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"((?:https?:)?//[^\"]+)")
    for page in pages:
        found = [one for one in loaded.findall(page.read_text(encoding="utf-8")) if "canonical" not in one]
        assert not found, page
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import", style.read_text(encoding="utf-8")), style


@pytest.mark.slow
def test_the_installed_package_has_the_source_of_the_pages(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    import zipfile

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "attnmel/documents/mkdocs.yml",
        "attnmel/documents/docs/start.md",
        "attnmel/documents/CHANGELOG.md",
    } <= names
