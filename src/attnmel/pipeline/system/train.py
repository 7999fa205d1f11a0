"""A recipe of a fitted system -> its run folder: recipe, provenance, images, and the system as best checkpoint."""

from pathlib import Path

from attnmel.compute import runtime
from attnmel.config.system import SystemRecipe, TrunkSettings
from attnmel.data.datasets.splits import check_classes
from attnmel.errors import ConfigError
from attnmel.features.store import save_system
from attnmel.features.system import FittedSystem
from attnmel.files.folders import RunFolder, write_text
from attnmel.files.locks import hold_folder
from attnmel.models.weights.card import FITTED, Card, data_settings
from attnmel.models.weights.start_weights import Start, stored_source
from attnmel.pipeline.run.images.age_and_sex import score_prior
from attnmel.pipeline.run.images.crops import crop_facts
from attnmel.pipeline.run.images.dataset import Prepared, prepare
from attnmel.pipeline.run.images.seen_images import learnt_images, start_images, write_images
from attnmel.pipeline.run.provenance import continued_recipe, read_provenance, write_start
from attnmel.pipeline.run.stored_paths import stored_dataset, stored_masks
from attnmel.pipeline.system.fit import fit_system, open_sources, other_squares
from attnmel.progress import SILENT, Progress

EPOCH = 0
"""In the card: a system is fitted at once, without epochs."""


def train_system(
    recipe: SystemRecipe,
    run: RunFolder,
    *,
    home: Path,
    resume: bool = False,
    command: str = "",
    progress: Progress = SILENT,
) -> Prepared:
    """Fit a recipe into a run folder and return its data set.

    With `resume` a run that was stopped goes on with the features that were computed; a finished one is left as it is.

    Raises:
        ConfigError: the folder holds a run already, or one of another recipe or other data.
        LabelError: no training or validation split, or one that lacks a class or the ages that the recipe needs.
        TrainingError: as `fit_system`.
        BusyError: another command writes into the folder.
    """
    with hold_folder(run.path):
        if run.recipe.is_file() and not resume:
            raise ConfigError(f"{run.path} already holds a run; continue it with --resume, or choose another --out")
        recipe = _settled(recipe)
        prepared = prepare(recipe.data, home=home, progress=progress)
        check_classes(prepared.used, recipe.data.classes)
        # Refused now, not after the fit.
        prepared.rows("validation")
        score_prior(recipe.test.prior, prepared, recipe.training.seed)
        if run.recipe.is_file():
            recipe = continued_recipe(run, recipe, prepared, {})
            if run.best.is_file():
                return prepared
        _fit(recipe, run, prepared, home=home, command=command, progress=progress)
    return prepared


def _fit(
    recipe: SystemRecipe, run: RunFolder, prepared: Prepared, *, home: Path, command: str, progress: Progress
) -> None:
    sources = open_sources(recipe, home=home, progress=progress)
    trunks = {name: one.trunk.facts for name, one in sources.items() if one.trunk}
    licences = dict.fromkeys(one.licence for one in trunks.values() if one.licence)
    others = other_squares(recipe)
    origin_of = {name: ", ".join(filter(None, (one.origin, others.get(name)))) for name, one in trunks.items()}
    origins = "; ".join(f"{name}: {origin}" for name, origin in origin_of.items())
    write_images(run, learnt_images(prepared, home), prepared.dataset.licence)
    weights = (one.weights for one in recipe.features.values() if isinstance(one, TrunkSettings))
    if before := start_images(weights):
        write_images(run.start, before, "; ".join(licences) or prepared.dataset.licence)
    write_start(
        run,
        recipe,
        prepared.fingerprint(),
        crop_masks=crop_facts(recipe.data, prepared.dataset, prepared.lesions, home),
        device=runtime.choose_device(recipe.training.device),
        processes=1,
        command=command,
        start=Start(origins or "no weights", "; ".join(licences) or None),
    )
    system = fit_system(recipe, prepared, sources, home=home, progress=progress)
    write_text(run.system, system.card.model_dump_json(indent=2))
    save_system(run.best, system, _card(recipe, run, prepared, system))


def _settled(recipe: SystemRecipe) -> SystemRecipe:
    """Make the paths of data and weights absolute, so that the stored recipe means the same elsewhere."""
    features = {}
    for name, one in recipe.features.items():
        weights = getattr(one, "weights", None)
        features[name] = one if weights is None else one.model_copy(update={"weights": stored_source(weights)})
    places = {"dataset": stored_dataset(recipe.data.dataset), "crop_masks": stored_masks(recipe.data.crop_masks)}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=places), "features": features})


def _card(recipe: SystemRecipe, run: RunFolder, prepared: Prepared, system: FittedSystem) -> Card:
    return Card(
        network=FITTED,
        trunk=", ".join(dict.fromkeys(one.trunk for one in system.card.trunks.values())) or "none",
        width=1.0,
        attention="none",
        **data_settings(recipe.data),
        transforms=recipe.test.transforms,
        age_sex_prior=score_prior(recipe.test.prior, prepared, recipe.training.seed),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        epoch=EPOCH,
        measures={f"held_out_auc {one.place.name}": one.auc for one in system.members},
        recipe=recipe.name,
        data=prepared.fingerprint(),
        licence=read_provenance(run)["licence"],
        seed=recipe.training.seed,
    )
