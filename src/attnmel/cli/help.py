"""The layout of a help page: what the command does, one example, then its options under a heading for each group.

typer shows groups only by means of rich, which takes longer to load than a help page may take to appear.
"""

import inspect
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

DATA, TRAINING, EVALUATION, MAPS = "Data", "Training", "Evaluation", "Saliency maps"
STATISTICS, OUTPUT, ADVANCED, OTHER = "Statistics", "Output", "Advanced", "Other"
OPTION_GROUPS = (DATA, TRAINING, EVALUATION, MAPS, STATISTICS, OUTPUT, ADVANCED, OTHER)
"""Headings in the order of the page."""

START, DATA_SETS, NETWORKS, RESULTS = "Start here", "Data sets", "Train and apply networks", "Evaluate and report"
COMMAND_GROUPS = (START, DATA_SETS, NETWORKS, RESULTS)
"""Headings of the list of commands."""

EXAMPLE = "Example:"
"""Line of a docstring before the example."""

Row = tuple[str, str]


def option(group: str, text: str, *names: str, **more: Any) -> Any:  # noqa: ANN401 - as `typer.Option`
    """Return an option of a group, with its help; the default is shown unless it is None."""
    return typer.Option(*names, help=text, rich_help_panel=group, **more)


PLACES = {
    "evaluate": "name the images with --on",
    "recalibrate": "name the images with --on",
    "train": "name the images with --set data.dataset=",
}
"""Where a command takes the folder of images that people put after its argument."""

IMAGES = ("data", "dataset", "images", "folder")
"""Options that people look for to name them."""

NO_IMAGES = "Missing argument 'images'"
NO_SUCH_OPTION = re.compile(r"o such option: -*([\w-]*)")

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""Of a wrong command line; typer exports only what is derived of it."""


class HelpCommand(TyperCommand):
    """A command whose help page has an example and groups."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Read the arguments; where there is one too many, the error says which option takes it."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except USAGE_ERROR as error:
            said = getattr(error, "format_message", error.__str__)()
            if hint := self._hint(said, given):
                ctx.fail(f"{said.rstrip('.')}; {hint}")
            raise

    def _hint(self, error: str, given: Sequence[str]) -> str:
        """Return what to write in place of words that the command does not take; empty where that is not known."""
        if unknown := NO_SUCH_OPTION.search(error):
            if file := next(filter(_is_dashed_file, given), None):
                return f"to name the file {file}, write {shlex.quote(f'./{file}')}"
            if unknown[1] in IMAGES and str(self.name) in PLACES:
                return PLACES[str(self.name)]
            return _setting_hint(unknown[1]) if self.name == "train" else ""
        if "unexpected extra argument" in error:
            pairs = zip(given, given[1:], given[2:], strict=False)
            if pair := next(((key, value) for word, key, value in pairs if word == "--set" and "=" not in key), None):
                return f"write --set {'='.join(pair)}"
            return PLACES.get(str(self.name), "")
        if NO_IMAGES in error:
            from attnmel.api.model_names import holds_images

            images = (word for word in given if not word.startswith("-") and holds_images(Path(word)))
            return next((f"{one} holds images: name a model before it" for one in images), "")
        return ""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer does not export click's types
        """Write what the command does, and its example."""
        _write_text(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the arguments and each group of options."""
        _write_parameters(self.get_params(ctx), ctx, formatter)


def _setting_hint(option: str) -> str:
    from attnmel.config.problems import places_of
    from attnmel.config.recipe import Recipe

    places = places_of(Recipe, option.replace("-", "_"))
    return f"a setting is changed by --set {' or --set '.join(f'{place}=VALUE' for place in places)}" if places else ""


def _is_dashed_file(word: str) -> bool:
    """Return whether a word that looks like an option is a file or folder that is there."""
    return word.startswith("-") and Path(word).exists()


class HelpGroup(TyperGroup):
    """A group of commands with such a help page, and its commands in groups."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write what the commands are for, and an example."""
        _write_text(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the commands, then the options of all of them."""
        self.format_commands(ctx, formatter)
        _write_parameters(self.get_params(ctx), ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write one line for each command: its name and its first sentence."""
        limit = formatter.width - 6 - max(map(len, self.commands))
        rows = [
            (getattr(command, "rich_help_panel", None) or "Commands", (name, command.get_short_help_str(limit)))
            for name, command in self.commands.items()
        ]
        _write_groups(rows, COMMAND_GROUPS, formatter)


def example_of(text: str) -> list[str]:
    """Return the command lines below "Example:" in a help text."""
    return [line.strip() for line in inspect.cleandoc(text).partition(f"\n{EXAMPLE}\n")[2].splitlines()]


def _write_text(text: str, formatter: Any) -> None:  # noqa: ANN401
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(inspect.cleandoc(text).partition(f"\n{EXAMPLE}\n")[0])
    if lines := example_of(text):
        with formatter.section(EXAMPLE.removesuffix(":")):
            # Not wrapped: a command line is there to be copied.
            for line in lines:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def _write_parameters(parameters: Sequence[Any], ctx: Any, formatter: Any) -> None:  # noqa: ANN401
    arguments, options = [], []
    for one in parameters:
        record = one.get_help_record(ctx)
        if record is None:
            continue
        if one.param_type_name == "argument":
            arguments.append(record)
        else:
            options.append((getattr(one, "rich_help_panel", None) or OTHER, record))
    if arguments:
        with formatter.section("Arguments"):
            formatter.write_dl(arguments)
    _write_groups(options, OPTION_GROUPS, formatter)


def _write_groups(rows: Sequence[tuple[str, Row]], order: Iterable[str], formatter: Any) -> None:  # noqa: ANN401
    """Write rows under their headings: first the known headings in their order, then any others."""
    for heading in dict.fromkeys((*order, *(heading for heading, _ in rows))):
        if found := [row for where, row in rows if where == heading]:
            with formatter.section(heading):
                formatter.write_dl(found)
