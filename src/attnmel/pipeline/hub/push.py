"""A run -> a model on a hub: checkpoint, card, exported file, recipe and measures, without paths of this machine."""

import dataclasses
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.config.recipe import Recipe
from attnmel.data.datasets.own.folder import may_name_patients
from attnmel.data.datasets.read_dataset import SOURCES, set_name
from attnmel.deploy.onnx.export_facts import read_onnx_card, with_card
from attnmel.deploy.onnx.same_checkpoint import check_same_checkpoint
from attnmel.errors import ArchiveError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.files.hub import CARD, FILES, HubName, hub_api, hub_errors, hub_name
from attnmel.models.weights.checkpoints import checkpoint_card, read_checkpoint, require_network, save_weights
from attnmel.pipeline.hub.card import model_readme
from attnmel.pipeline.run.provenance import read_provenance, write_provenance
from attnmel.pipeline.run.publishable import excludes_own_images, shared_data, shared_provenance, shared_recipe
from attnmel.pipeline.run.results.results import SplitResults, read_measures, write_measures
from attnmel.pipeline.run.run_location import read_recipe

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class Staged:
    """The files that a push sends, in a folder that is removed afterwards."""

    folder: Path
    notes: tuple[str, ...]
    """What is left out, and why."""

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by its name."""
        return {name: (self.folder / name).stat().st_size for name in FILES if (self.folder / name).is_file()}


@contextmanager
def staged(run: RunFolder, name: HubName) -> Iterator[Staged]:
    """Write the files of a model into a temporary folder; nothing is sent.

    Of data sets of one's own the list of training images, with ids and hashes, is left out, as are the ids of images
    that the recipe excludes.

    Raises:
        ConfigError: no run, one that was not evaluated, or the extra `hub` is not installed.
        CheckpointError: no checkpoint, one that is no network, or an exported file that is damaged or of another one.
    """
    hub_api()  # refused before the work
    if name.revision is not None:
        raise ConfigError(f"a push makes a new revision; write {name.repository} without @{name.revision}")
    results = read_measures(run)
    if not any(one.epoch == checkpoint_card(run.path).epoch for one in results.values()):
        command = shlex.join(["attnmel", "evaluate", str(run.path)])
        of_epoch = " of its checkpoint's epoch" if results else ""
        raise ConfigError(f"{run.path} has no measures{of_epoch} for its card; type: {command}")
    with tempfile.TemporaryDirectory() as folder:
        made = RunFolder(Path(folder))
        notes = tuple(_write(run, made, results))
        found, recipe = Staged(made.path, notes), read_recipe(run)
        readme = model_readme(
            name.repository,
            checkpoint_card(made.path),
            read_measures(made),
            found.sizes,
            start=read_provenance(made)["start"],
            base=hub_name(recipe.model.weights) if isinstance(recipe, Recipe) else None,
        )
        (made.path / CARD).write_text(readme, encoding="utf-8")
        yield found


def _write(run: RunFolder, made: RunFolder, results: dict[str, SplitResults]) -> Iterator[str]:
    tensors, card = read_checkpoint(run.path)
    require_network(card, run.path)
    card = dataclasses.replace(card, data=shared_data(card.data))
    save_weights(made.best, tensors, card)
    recipe = read_recipe(run)
    made.recipe.write_text(shared_recipe(recipe), encoding="utf-8")
    if excludes_own_images(recipe):
        yield f"data.exclude, {len(recipe.data.exclude)} ids of images of one's own data, is left out of the recipe"
    write_provenance(made, shared_provenance(read_provenance(run), recipe, "attnmel push"))
    for one in results.values():
        if one.epoch != card.epoch:
            yield f"the results of {one.name} are of epoch {one.epoch}, not of the checkpoint's, and are left out"
    if any(map(may_name_patients, _notes(results))):
        yield "notes on the table of one's own data, which may name files and patients, are left out of the measures"
    write_measures(made, {key: _shared(one) for key, one in results.items() if one.epoch == card.epoch})
    if run.onnx.is_file():
        exported, _ = read_onnx_card(run.onnx)
        check_same_checkpoint(run, exported, card)
        with_card(run.onnx, made.onnx, dataclasses.replace(exported, data=card.data))
    else:
        make = f"attnmel export {shlex.quote(str(run.path))} --onnx"
        yield f"no {run.onnx.name}, without which `predict` needs torch; make it by: {make}"
    if recipe.data.dataset in SOURCES and run.images.is_file():  # not by its name alone, which a folder may have
        shutil.copyfile(run.images, made.images)
    else:
        yield f"{run.images.name}, the training images of one's own data, is not sent: leaks are not found there"
    if (chose := run.recalibration.images).is_file():
        yield f"{chose.relative_to(run.path)}, the images of the recalibration, is not sent: they are not refused there"


def _notes(results: Mapping[str, SplitResults]) -> tuple[str, ...]:
    return tuple(note for one in results.values() for note in one.judgement.notes)


def _shared(results: SplitResults) -> SplitResults:
    """Return results without the place of their data, and without notes that may name patients."""
    notes = tuple(note for note in results.judgement.notes if not may_name_patients(note))
    judgement = dataclasses.replace(results.judgement, notes=notes)
    return dataclasses.replace(results, on=results.on and set_name(results.on), judgement=judgement)


def push(found: Staged, name: HubName, *, private: bool) -> str:
    """Send staged files as one commit, and return the hub's name of it: `hf:OWNER/NAME@COMMIT`.

    The repository is made where it is missing, `private` if so wished.

    Raises:
        ArchiveError: no network, or the hub refuses.
        ConfigError: the hub refuses the card, or what is to be private is a public repository already.
    """
    api = hub_api()
    from huggingface_hub import CommitOperationAdd

    adds = [CommitOperationAdd(path_in_repo=one, path_or_fileobj=found.folder / one) for one in found.sizes]
    with hub_errors(name, api):
        if private and _is_public(name, api):
            raise ConfigError(
                f"{name.repository} is public at {api.endpoint} already, so that nothing was sent; make it private "
                "there, name a new one, or leave out --private"
            )
        try:
            api.create_repo(name.repository, private=private, exist_ok=True)
            commit = api.create_commit(name.repository, adds, commit_message="attnmel push")
        except ValueError as error:  # the hub's check of the metadata
            raise ConfigError(f"{api.endpoint} refuses the card of {name.repository}: {error}") from None
        except RuntimeError as error:  # of a large file, whatever the cause
            raise ArchiveError(f"{error} {name.repository} is as it was before; push again") from None
    return str(HubName(name.repository, commit.oid))


def _is_public(name: HubName, api: "HfApi") -> bool:
    """Whether there is a repository of that name that everybody sees."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.model_info(name.repository).private is False
    except RepositoryNotFoundError:
        return False
