"""The list of images to leave out, so that no leak is left: written from an audit, read by `train` and `evaluate`."""

import csv
import shlex
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal, TypeVar

from attnmel.config.recipe import RunRecipe
from attnmel.data.audit.findings import LEAKS, AuditEntry, AuditFinding
from attnmel.data.audit.store import Audit
from attnmel.data.datasets.read_dataset import own_folder_path, set_name
from attnmel.errors import LabelError
from attnmel.files.table_files import read_header_and_rows, write_table

Side = Literal["train", "test"]

COLUMNS = ("dataset", "image", "reason", "pair")

RANKS: dict[str | None, int] = {None: 0, "train": 0, "validation": 1, "test": 2, "internal": 2}
"""From the images that are trained on to those that only evaluate."""


@dataclass(frozen=True)
class Exclusion:
    """One image to leave out and why."""

    dataset: str
    image: str
    reason: str
    pair: str
    """The other image, as DATASET:SPLIT/IMAGE."""


def exclusions(
    audit: Audit, findings: Iterable[AuditFinding], side: Side, *, between_sides: bool = False
) -> tuple[Exclusion, ...]:
    """Return which images to leave out of which data set, each once.

    Of a leak between two splits it is the image on the side that is named, so that the other stays whole; of one
    picture twice in a split the second; of one picture with two labels in a data set both. Photographs of one lesion in
    one split, and what two data sets share without one evaluating what the other trains, stay. Where findings are leaks
    `between_sides` that were named, the first trains and the second evaluates, whatever their splits are called.
    """
    listed: dict[tuple[str, str], Exclusion] = {}
    for finding in findings:
        first, second = audit.entries[finding.first], audit.entries[finding.second]
        named = [(first, second) if side == "train" else (second, first)]
        for entry, other in named if between_sides else _left_out(first, second, finding, side):
            one = Exclusion(entry.dataset, entry.image_id, finding.kind, f"{other.side}/{other.image_id}")
            listed.setdefault((one.dataset, one.image), one)
    return tuple(listed[key] for key in sorted(listed))


def _left_out(
    first: AuditEntry, second: AuditEntry, finding: AuditFinding, side: Side
) -> list[tuple[AuditEntry, AuditEntry]]:
    both = [(first, second), (second, first)]
    ranks = RANKS[first.split], RANKS[second.split]
    if finding.kind == "labels differ":
        return both if first.dataset == second.dataset else []
    if finding.kind not in LEAKS:
        return []
    if ranks[0] != ranks[1]:
        lower = both if ranks[0] < ranks[1] else both[::-1]
        return [lower[0 if side == "train" else 1]]
    again = first.dataset == second.dataset and finding.kind != "same lesion"
    return [max(both, key=lambda pair: pair[0].image_id)] if again else []


def write_exclusions(path: Path, listed: Iterable[Exclusion]) -> None:
    """Write the list as CSV."""
    write_table(path, COLUMNS, (astuple(one) for one in listed))


OneKind = TypeVar("OneKind", bound=RunRecipe)


def excluding(recipe: OneKind, path: Path) -> OneKind:
    """Return the recipe without the images of its own data set that a list names, besides those already left out."""
    folder = own_folder_path(recipe.data.dataset)
    named = read_exclusions(path, set_name(str(folder.resolve()) if folder else recipe.data.dataset))
    every = tuple(sorted({*recipe.data.exclude, *named}))
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"exclude": every})})


def read_exclusions(path: Path, dataset: str) -> tuple[str, ...]:
    """Return the ids of one data set that a list names, sorted; its other rows are skipped.

    Raises:
        LabelError: no such file, not this table, or no row of the data set.
    """
    if not path.is_file():
        raise LabelError(
            f"no exclusion list at {path}; write one with `attnmel audit {shlex.quote(dataset)} --exclusions "
            f"{shlex.quote(str(path))}`"
        )
    try:
        header, rows = read_header_and_rows(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path} is not a table of comma-separated UTF-8 text ({error}); save it so") from None
    if not {"dataset", "image"} <= set(header):
        raise LabelError(f"{path} has the columns {','.join(header)}; expected {','.join(COLUMNS)}")
    if short := [row for row in rows if not row["dataset"] or not row["image"]]:
        raise LabelError(f"{path}: {len(short)} rows without a data set or an image; expected both in every row")
    named = sorted({row["image"].strip() for row in rows if row["dataset"].strip() == dataset})
    if not named:
        others = ", ".join(sorted({row["dataset"] for row in rows})) or "nothing"
        raise LabelError(f"{path} names no image of {dataset} (it names images of: {others}); nothing to leave out")
    return tuple(named)
