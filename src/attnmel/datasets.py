"""Data sets from Python: known ones by name, and a folder with labels.csv from arrays or files of your own."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel.api.model_names import place_of, trained_model
from attnmel.api.own_folder import make_folder
from attnmel.api.places import Place, kind_of, optional_path, own_file
from attnmel.api.recipes import Settings, open_recipe, overrides
from attnmel.arguments import FromZero, checked_arguments
from attnmel.config.no_effect import OF_OWN_TABLE
from attnmel.data.archives.fetch import ArchiveState, fetch_with_companions
from attnmel.data.audit.exclusions import Side
from attnmel.data.datasets.own.folder import TableReading
from attnmel.data.datasets.read_dataset import (
    KNOWN,
    Dataset,
    own_folder_path,
    read_dataset,
    reads_own_table,
    refuse_unread_columns,
    set_name,
)
from attnmel.errors import ConfigError
from attnmel.files.data_frames import frame
from attnmel.files.folders import dataset_folder, home_folder
from attnmel.progress import Progress, Report, as_progress
from attnmel.records import ATTRIBUTES

if TYPE_CHECKING:
    from pandas import DataFrame

    from attnmel.config.load import AnyRecipe
    from attnmel.config.settings.data import Statistics
    from attnmel.data.verify import Verification
    from attnmel.pipeline.data.audit import Audited
    from attnmel.pipeline.run.run import Run

__all__ = [
    "Fetched",
    "audit",
    "colour_statistics",
    "fetch",
    "make_folder",
    "names",
    "read",
    "table",
    "verify",
]

RANDOM = "random"
"""An embedding without a trained network."""


@dataclass(frozen=True)
class Fetched:
    """What was found of each official file, and where the data sets are now."""

    states: tuple[ArchiveState, ...]
    folders: tuple[Path, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain values, as `attnmel fetch --json`."""
        return [asdict(state) for state in self.states]


def names() -> tuple[str, ...]:
    """Return the names of the known data sets, those that are unpacked by hand too."""
    return tuple(sorted(KNOWN))


@checked_arguments()
def fetch(
    name: str, *, mirror: str | None = None, home: Place | None = None, progress: Progress | Report | None = None
) -> Fetched:
    """Download, check and unpack the official files of a data set; after an interruption it is continued.

    Raises:
        ConfigError: no such data set.
        ArchiveError: a file is missing or damaged.
    """
    where = _home(home)
    fetched = fetch_with_companions(name, where, mirror=mirror, progress=as_progress(progress))
    states = tuple(state for one in fetched.values() for state in one)
    return Fetched(states, tuple(dataset_folder(where, one) for one in fetched))


@checked_arguments()
def read(
    name: Place,
    *,
    classes: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    home: Place | None = None,
) -> Dataset:
    """Return the labelled lesions of a known data set that was fetched, or of a folder with labels.csv.

    Raises:
        ConfigError: no such data set or folder.
        ArchiveError: it was not fetched.
        LabelError: every problem of the labels, in one message.
    """
    refuse_unread_columns(columns or (), str(name))
    return read_dataset(str(name), _home(home), reading=TableReading(classes, columns or {}, strict))


def table(dataset: Dataset) -> "DataFrame":
    """Return a table of pandas with a row for each image: id, file, diagnosis, split, mask, group, attributes.

    Raises:
        ConfigError: it is no data set of `read`, or pandas is not installed.
    """
    if not isinstance(dataset, Dataset):
        raise ConfigError(f"the data set is {kind_of(dataset)}; expected what attnmel.datasets.read returns")
    return frame(
        {
            "image_id": one.image_id,
            "image": str(one.image),
            "diagnosis": one.diagnosis,
            "split": one.split,
            "mask": None if one.mask is None else str(one.mask),
            "group": one.group,
            **{name: one.attributes.get(name, "") for name in ATTRIBUTES},
        }
        for one in dataset.lesions
    )


@checked_arguments()
def verify(
    *datasets: Place,
    recipe: Place | None = None,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    html: Place | None = None,
    png: Place | None = None,
    sample: FromZero = 48,
    seed: FromZero = 0,
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> "tuple[Verification, ...]":
    """Check that every file of each data set is there and usable; findings are in the answer, not raised.

    With `recipe` (a name, a TOML file or a run folder) an own folder is read as a training by it would. A contact sheet
    of `sample` images of each data set, and of all with a finding, is written where `html` or `png` names a file.

    Raises:
        ConfigError: no data set, a name that is neither a known one nor a folder with labels.csv, no such recipe, or at
            `html` or `png` a file of others.
    """
    from attnmel.pipeline.data.verify import verify_datasets

    if not datasets:
        raise ConfigError("nothing to verify; name data sets, for example isic2017, or folders with labels.csv")
    refuse_unread_columns(columns or (), *map(str, datasets))
    shown = as_progress(progress)
    if strict and not any(reads_own_table(str(one)) for one in datasets):
        shown.note(f"without effect here: strict ({OF_OWN_TABLE})")
    found = verify_datasets(
        [str(one) for one in datasets],
        home=_home(home),
        reading=_reading(recipe, columns, strict),
        html=own_file(html),
        png=own_file(png),
        sample=sample,
        seed=seed,
        progress=shown,
    )
    unchecked = _unchecked_masks(recipe)
    return tuple(replace(one, notes=(*one.notes, *unchecked)) if one.is_own else one for one in found)


@checked_arguments("embedding")
def audit(
    *datasets: Place,
    train: Sequence[Place] = (),
    test: Sequence[Place] = (),
    recipe: Place | None = None,
    embedding: "Run | Place" = "",
    exhaustive: bool = False,
    columns: Mapping[str, str] | None = None,
    page: Place | None = None,
    exclusions: Place | None = None,
    leave_out: Side = "train",
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> "Audited":
    """Find images and lesions that occur twice, within the data sets or in both `train` and `test`.

    With `recipe` (a name, a TOML file or a run folder) own folders are read, and where they have no splits split, as a
    training by it would; its fold splits the data that train, and what it excludes of its own data set, or does not
    train on by its limit, is left out. `embedding` is a trained network, or "random", by whose features images are
    compared too. With `exhaustive` each image is compared with every other even of more than 20,000, of which else only
    those in groups that are alike are compared. `page` is the file of a page of all pairs, `exclusions` that of a list
    of images for `train` and `evaluate`, of the side `leave_out`.

    Raises:
        ConfigError: an unknown data set or split, names of two kinds, no such network, or at `page` or `exclusions` a
            file of others.
    """
    from attnmel.files.locks import hold_files
    from attnmel.pipeline.data.audit import audit_datasets, dataset_and_split
    from attnmel.pipeline.data.audit_output import list_exclusions, write_pairs_page

    refuse_unread_columns(columns or (), *(dataset_and_split(str(one))[0] for one in (*datasets, *train, *test)))
    written, listed = (own_file(one) for one in (page, exclusions))
    with hold_files(written, listed):
        audited = audit_datasets(
            [str(one) for one in datasets],
            train=[str(one) for one in train],
            test=[str(one) for one in test],
            home=_home(home),
            reading=_reading(recipe, columns, strict=False),
            embedding=_network(embedding, as_progress(progress)),
            exhaustive=exhaustive,
            progress=as_progress(progress),
        )
        if written is not None:
            write_pairs_page(audited, written)
        if listed is not None:
            list_exclusions(audited, listed, leave_out)
    return audited


@checked_arguments("recipe")
def colour_statistics(
    recipe: "str | Path | AnyRecipe",
    settings: Settings = (),
    *,
    home: Place | None = None,
    progress: Progress | Report | None = None,
) -> "Statistics":
    """Return mean and standard deviation of each colour over the training images of a recipe; `attnmel statistics`.

    Raises:
        ConfigError: an unknown recipe or setting.
        ArchiveError, LabelError: the data set cannot be used.
    """
    from attnmel.config.load import load_recipe, network_recipe
    from attnmel.pipeline.run.images.dataset import prepare
    from attnmel.pipeline.run.images.normalisation import training_statistics

    named = isinstance(recipe, str | os.PathLike)
    found = load_recipe(str(recipe), overrides(settings)) if named else open_recipe(recipe, settings).recipe
    data, shown = network_recipe(found).data, as_progress(progress)
    return training_statistics(data, prepare(data, home=_home(home), progress=shown), shown)


def _reading(recipe: Place | None, columns: Mapping[str, str] | None, strict: bool) -> TableReading:
    """Return how the table of an own folder is read and split: as by a recipe, with the changes of the options."""
    data = open_recipe(str(recipe)).recipe.data if recipe else None
    if data is None:
        return TableReading(columns=columns or {}, strict=strict)
    from attnmel.config.fields import fold_numbers

    folder = own_folder_path(data.dataset)
    return TableReading(
        data.classes,
        columns or data.columns,
        strict or data.strict,
        None if data.fold is None else fold_numbers(data.fold),
        exclude=frozenset(data.exclude),
        limit=data.limit,
        own=set_name(str(folder.resolve()) if folder else data.dataset),
    )


def _unchecked_masks(recipe: Place | None) -> tuple[str, ...]:
    """Return a note for each folder of masks that a recipe names, which is not looked at with the images."""
    from attnmel.config.recipe import Recipe

    named = open_recipe(str(recipe)).recipe if recipe else None
    if not isinstance(named, Recipe):
        return ()
    masks = {"loss.masks": named.loss.masks, "data.crop_masks": named.data.crop_masks}
    return tuple(
        f"masks of {setting} ({place}) are not checked; to check them, name them in the column mask of labels.csv"
        for setting, place in masks.items()
        if place
    )


def _network(embedding: "Run | Place", progress: Progress) -> str:
    """Return the checkpoint of a network by whose features images are compared; "random" and none as they are."""
    if not embedding:
        return ""
    from attnmel.compute.runtime import use_threads

    use_threads()
    return RANDOM if embedding == RANDOM else str(trained_model(place_of(embedding), progress))


def _home(home: Place | None) -> Path:
    return home_folder(optional_path(home))
