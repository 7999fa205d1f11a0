"""A recipe and its prepared training images -> a fitted system. Nothing is fitted on any other image."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Integer

from attnmel.compute import runtime
from attnmel.config.system import SystemRecipe, TrunkSettings
from attnmel.errors import TrainingError
from attnmel.features.card import FittedImage, FittedOn, SystemCard, TrunkFacts
from attnmel.features.encoders.encoder import encode, fit_encoder
from attnmel.features.folds import draw_folds
from attnmel.features.sources import FeatureSource
from attnmel.features.svm.classifier import fit_svm
from attnmel.features.system import FittedSystem, Place, SystemMember, system_places
from attnmel.features.trunk_network import is_checkpoint, open_trunk
from attnmel.files.checksums import json_sha256
from attnmel.models.weights.checkpoints import checkpoint_card
from attnmel.models.weights.start_weights import weights_file
from attnmel.number_formats import fixed
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.images.features import DescribedRows, described_parts
from attnmel.progress import SILENT, Progress

OF_SQUARES = ("size", "crop", "crop_margin", "colour_constancy")
"""Settings of the data that say what part of an image a network sees, and in which colours."""

SPLIT = "train"
"""The split that everything is fitted on."""


def open_sources(recipe: SystemRecipe, *, home: Path, progress: Progress = SILENT) -> dict[str, FeatureSource]:
    """Open the features of a recipe, with the networks that they are computed by.

    Raises:
        CheckpointError: weights that cannot be used.
        ConfigError: a tap that the weights do not have.
    """
    for name, how in other_squares(recipe).items():
        progress.note(f"feature '{name}': its network was {how}")
    device = runtime.choose_device(recipe.training.device)
    trunks = {
        name: open_trunk(one, home=home, device=device, progress=progress)
        for name, one in recipe.features.items()
        if isinstance(one, TrunkSettings)
    }
    return {name: FeatureSource(one, recipe.data.size, trunks.get(name)) for name, one in recipe.features.items()}


def other_squares(recipe: SystemRecipe) -> dict[str, str]:
    """Return how the squares that a feature's network was trained on differ from those of the recipe, by feature.

    Features without such a network, or of the same squares, are left out.
    """
    found = {}
    for name, one in recipe.features.items():
        if isinstance(one, TrunkSettings) and is_checkpoint(one.weights):
            card = checkpoint_card(weights_file(one.weights))
            pairs = {key: (getattr(card, key), getattr(recipe.data, key)) for key in OF_SQUARES}
            differing = [f"{key} {own}, here {here}" for key, (own, here) in pairs.items() if own != here]
            found |= {name: f"trained on other squares ({'; '.join(differing)})"} if differing else {}
    return found


def fit_system(
    recipe: SystemRecipe,
    prepared: Prepared,
    sources: Mapping[str, FeatureSource],
    *,
    home: Path,
    progress: Progress = SILENT,
) -> FittedSystem:
    """Fit encoders, SVMs and calibration on the training images, with folds by lesion.

    Encoders (PCA, mixture, dictionary) are fitted once on all training images, without their labels; scalings, SVMs and
    what a score is calibrated on also without each held-out fold.

    Raises:
        LabelError: a fold lacks a class.
        TrainingError: a feature that is constant or not finite, too few descriptors, a kernel that overflows.
    """
    rows, classes = prepared.rows(SPLIT), recipe.data.classes
    labels = prepared.labels(rows)
    groups = [prepared.groups[row] for row in rows]
    seed, count = recipe.training.seed, recipe.svm.folds
    fold_of = draw_folds(labels, groups, classes, folds=count, seed=seed)
    positive = one_against_rest(labels, classes, recipe.data.positives[0])
    members = []
    for place in system_places(sources, recipe.contexts):
        with _naming(place):
            members.append(_fit_member(recipe, prepared, rows, sources, place, positive, fold_of, home, progress))
        progress.note(f"{place.name}: AUC {fixed(members[-1].auc)} on held-out folds, cost {members[-1].svm.cost:g}")
    trunks = {name: one.trunk.facts for name, one in sources.items() if one.trunk}
    manifest = _manifest(prepared, rows, labels, groups, fold_of)
    return FittedSystem(_card(recipe, trunks, members, manifest), sources, tuple(members))


def one_against_rest(
    labels: Integer[np.ndarray, " N"], classes: tuple[str, ...], target: str
) -> Bool[np.ndarray, "N S"]:
    """Return what each SVM separates: the target of two classes, each of more."""
    chosen = [classes.index(target)] if len(classes) == 2 else range(len(classes))
    return np.stack([labels == index for index in chosen], axis=1)


def _fit_member(
    recipe: SystemRecipe,
    prepared: Prepared,
    rows: Integer[np.ndarray, " N"],
    sources: Mapping[str, FeatureSource],
    place: Place,
    positive: Bool[np.ndarray, "N S"],
    fold_of: Integer[np.ndarray, " N"],
    home: Path,
    progress: Progress,
) -> SystemMember:
    source, seed = sources[place.feature], recipe.training.seed

    def parts() -> Iterator[DescribedRows]:
        return described_parts(
            prepared, rows, source, place.context, size=recipe.data.size, home=home, progress=progress
        )

    arrays = fit_encoder(source.settings, (one.described[place.tap] for one in parts()), len(rows), seed=seed)
    encoded = [(one.places, encode(source.settings, arrays, one.described[place.tap])) for one in parts()]
    vectors = np.empty((len(rows), encoded[0][1].shape[1]), dtype=np.float32)
    for some, values in encoded:
        vectors[some] = values
    fit = fit_svm(vectors, positive, fold_of, recipe.svm, seed=seed)
    return SystemMember(place, arrays, fit.svm, fit.auc)


@contextmanager
def _naming(place: Place) -> Iterator[None]:
    """Name the feature in an error of its fit."""
    try:
        yield
    except TrainingError as error:
        raise TrainingError(f"feature '{place.name}': {error}") from None


def _manifest(
    prepared: Prepared,
    rows: Integer[np.ndarray, " N"],
    labels: Integer[np.ndarray, " N"],
    groups: list[str],
    fold_of: Integer[np.ndarray, " N"],
) -> FittedOn:
    images = tuple(
        FittedImage(prepared.cache.image_ids[row], group, int(fold) + 1)
        for row, group, fold in zip(rows.tolist(), groups, fold_of.tolist(), strict=True)
    )
    return FittedOn(
        dataset=prepared.dataset.name,
        split=SPLIT,
        content=json_sha256([prepared.cache.key, images, labels.tolist()]),
        folds=int(fold_of.max()) + 1,
        images=images,
    )


def _card(
    recipe: SystemRecipe, trunks: dict[str, TrunkFacts], members: list[SystemMember], manifest: FittedOn
) -> SystemCard:
    return SystemCard(
        classes=recipe.data.classes,
        target=recipe.data.positives[0],
        size=recipe.data.size,
        contexts=recipe.contexts,
        features=recipe.features,
        svm=recipe.svm,
        trunks=trunks,
        members=tuple(one.facts for one in members),
        fitted_on=manifest,
    )
