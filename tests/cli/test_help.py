"""A help page says in one sentence what a command does, shows a command line that works, and groups the options."""

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import attnmel
from attnmel.cli.app import app
from attnmel.cli.help import COMMAND_GROUPS, EXAMPLE, OPTION_GROUPS, OTHER, example_of

ROOT = Path(__file__).parents[2]
PROGRAM: Any = get_command(app)
DOCUMENTS = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").rglob("*.md")) if path.stem != "results")]
"""The log of results also holds commands of former versions."""
TYPERS_OWN = ("help", "version", "install_completion", "show_completion")
COMMAND_LINE = re.compile(r"^ *(?:\.venv/bin/)?(attnmel [a-z][^#>\n]*)", re.MULTILINE)


def commands(group: Any = PROGRAM, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    """Give every command and every group of them, with the words that call it."""
    yield words, group
    for name, one in getattr(group, "commands", {}).items():
        yield from commands(one, (*words, name))


every_command = pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*one, id=" ".join(("attnmel", *one[0]))) for one in commands()]
)


def help_page(command: Any, words: tuple[str, ...]) -> str:  # noqa: ANN401
    with command.make_context(" ".join(("attnmel", *words)), [], resilient_parsing=True) as context:
        return command.get_help(context)


def parse(line: str) -> None:
    """Parse a command line to the end, without running it."""
    words, command = shlex.split(line, comments=True)[1:], PROGRAM
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, *words = words
        assert name in command.commands, line
        command = command.commands[name]
    command.make_context(line, words)


@every_command
def test_a_help_page_starts_with_one_sentence_that_fits_the_list(words: tuple[str, ...], command: Any) -> None:  # noqa: ANN401
    sentence, _, rest = command.help.partition("\n")
    assert sentence.endswith(".")
    assert not rest.strip() or rest.startswith("\n"), "the first sentence is a paragraph of its own"
    if words:
        assert command.get_short_help_str(62) == sentence


@every_command
def test_the_example_calls_the_command_with_options_that_exist(words: tuple[str, ...], command: Any) -> None:  # noqa: ANN401
    examples = example_of(command.help)
    assert examples
    for line in examples:
        assert line.startswith(" ".join(("attnmel", *words)))
        parse(line)
        assert f"\n  {line}\n" in help_page(command, words), "printed in one line, to be copied"


def test_a_command_takes_the_threads_that_its_function_takes() -> None:
    missing = []
    for words, command in commands():
        function: Any = attnmel
        for word in words:
            function = getattr(function, word, None)
        if callable(function) and "threads" in inspect.signature(function).parameters:
            missing += [] if "threads" in [one.name for one in command.params] else [" ".join(words)]
    assert not missing


def test_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(Exception, match="No such option: --seed"):
        parse("attnmel train isic2017/attnmel --seed 3")


@every_command
def test_every_option_is_in_a_group_and_every_group_has_a_heading(words: tuple[str, ...], command: Any) -> None:  # noqa: ANN401
    page = help_page(command, words)
    headings = re.findall(r"^(\S.*):$", page, re.MULTILINE)
    known = [EXAMPLE.removesuffix(":"), "Arguments", *COMMAND_GROUPS, "Commands", *OPTION_GROUPS]
    assert [one for one in known if one in headings] == headings, "in this order, each at most once"
    for option in command.params:
        if option.param_type_name == "option" and option.name not in TYPERS_OWN:
            assert option.rich_help_panel in OPTION_GROUPS, option.name
            below = page.partition(f"\n{option.rich_help_panel}:\n")[2].partition("\n\n")[0]
            assert re.search(rf"^  {option.opts[0]}\b", below, re.MULTILINE), option.name
    assert "  --help" in page.partition(f"\n{OTHER}:\n")[2]


def test_the_list_of_commands_is_complete() -> None:
    page = help_page(PROGRAM, ())
    for name, command in PROGRAM.commands.items():
        assert command.rich_help_panel in COMMAND_GROUPS
        assert re.search(rf"^  {name}  ", page, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_command_lines_of_a_document_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in COMMAND_LINE.findall(text):
        parse(line)


NO_DEFAULT = (
    "verify --out",
    "verify --png",
    "join --out",
    "fuse --out",
    "recalibrate --out",
    "docs --out",
    "study export --out",
)
"""Without which nothing is written, or which is always given."""


@every_command
def test_an_output_says_where_it_is_written_by_default(words: tuple[str, ...], command: Any) -> None:  # noqa: ANN401
    for one in command.params:
        named = " ".join((*words, "--out"))
        if "--out" in one.opts and named not in NO_DEFAULT:
            assert "[default: " in one.help or one.default is not None, named
