"""Everything fitted sees training images only, and each calibration score is of a lesion that its SVM did not see."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.factories import Recorder

from attnmel.config.system import SystemRecipe
from attnmel.errors import ConfigError, LabelError, TrainingError
from attnmel.features.sources import Described, FeatureSource
from attnmel.features.system import FittedSystem
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.images.dataset import Prepared, prepare
from attnmel.pipeline.run.images.features import described_parts
from attnmel.pipeline.system.fit import fit_system, open_sources, other_squares
from attnmel.records import Lesion

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def arrays_of(system: FittedSystem) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for one in system.members:
        svm = one.svm
        numbers = np.array([svm.unit, svm.gamma, svm.cost, one.auc, *svm.logistics[0]])
        own = {"vectors": svm.vectors, "coefficients": svm.coefficients, "intercepts": svm.intercepts}
        every = {**one.encoder, **svm.scaling.arrays, **own, "numbers": numbers}
        found |= {f"{one.place.name} {name}": value for name, value in every.items()}
    return found


def with_other_test(prepared: Prepared, folder: Path) -> Prepared:
    """Return the data set with the test images in another colour and with the other label."""
    pixels = prepared.cache.file.read_bytes()
    arrays = np.frombuffer(pixels, dtype=np.uint8).reshape(prepared.cache.arrays.shape).copy()
    test = prepared.rows("test")
    arrays[test] = 255 - arrays[test]
    path = folder / "pixels.bin"
    path.write_bytes(arrays.tobytes())

    def other(lesion: Lesion) -> Lesion:
        if lesion.split != "test":
            return lesion
        return dataclasses.replace(lesion, diagnosis="nevus" if lesion.diagnosis == "melanoma" else "melanoma")

    cache = dataclasses.replace(prepared.cache, file=path, arrays=arrays, key="another")
    return dataclasses.replace(prepared, cache=cache, lesions=tuple(map(other, prepared.lesions)))


def test_other_test_images_and_labels_change_no_fitted_array(
    tiny_system: SystemRecipe, phantoms: "Phantoms", tmp_path: Path
) -> None:
    prepared = prepare(tiny_system.data, home=phantoms.home)
    sources = open_sources(tiny_system, home=phantoms.home)
    before = arrays_of(fit_system(tiny_system, prepared, sources, home=phantoms.home))
    other = with_other_test(prepared, tmp_path)
    assert not np.array_equal(other.labels(other.rows("test")), prepared.labels(prepared.rows("test")))
    after = arrays_of(fit_system(tiny_system, other, sources, home=tmp_path))
    assert before.keys() == after.keys()
    assert {"fisher/pool4 means", "sparse atoms", "deep/logits mean", "colour vectors"} <= before.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)


def test_the_manifest_names_every_training_image_with_its_lesion_and_fold(
    fitted: RunFolder, tiny_system: SystemRecipe, phantoms: "Phantoms"
) -> None:
    prepared = prepare(tiny_system.data, home=phantoms.home)
    manifest = json.loads(fitted.system.read_text())["fitted_on"]
    training = [lesion for lesion in prepared.lesions if lesion.split == "train"]
    assert manifest["split"] == "train"
    assert {(image, group) for image, group, _ in manifest["images"]} == {
        (one.image_id, one.group or one.image_id) for one in training
    }
    fold_of: dict[str, set[int]] = {}
    for _, group, fold in manifest["images"]:
        fold_of.setdefault(group, set()).add(fold)
    assert all(len(folds) == 1 for folds in fold_of.values())
    assert set.union(*fold_of.values()) == {1, 2, 3}
    assert len(manifest["content"]) == 64


def test_features_are_computed_once_and_a_damaged_part_again(
    tiny_system: SystemRecipe, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(tiny_system.data, home=phantoms.home)
    source = open_sources(tiny_system, home=phantoms.home)["deep"]
    rows, computed, describe = prepared.rows("train")[::-1].copy(), [], FeatureSource.describe

    def counted(self: FeatureSource, pixels: np.ndarray, context: float) -> Described:
        computed.append(len(pixels))
        return describe(self, pixels, context)

    monkeypatch.setattr(FeatureSource, "describe", counted)

    def read() -> np.ndarray:
        values = np.empty((len(rows), 2), dtype=np.float32)
        for part in described_parts(prepared, rows, source, 1.0, size=32, home=tmp_path):
            values[part.places] = part.described["logits"]
        return values

    first = read()
    np.testing.assert_array_equal(read(), first)
    assert computed == [46]
    (file,) = (tmp_path / "cache").glob("features-*/part-00000.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    np.testing.assert_array_equal(read(), first)
    assert computed == [46, 46]
    assert set(load_file(file)) == {"pool5", "logits"}


def test_a_constant_feature_is_named(
    tiny_system: SystemRecipe, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(tiny_system.data, home=phantoms.home)
    colour = tiny_system.model_copy(update={"features": {"colour": tiny_system.features["colour"]}})
    monkeypatch.setattr(FeatureSource, "describe", lambda self, pixels, context: {"all": np.ones((len(pixels), 3))})
    with pytest.raises(TrainingError) as refused:
        fit_system(colour, prepared, open_sources(colour, home=tmp_path), home=tmp_path)
    fitted = len(prepared.rows("train")) * 2 // 3
    assert str(refused.value).startswith("feature 'colour': the feature is the same for all ")
    assert abs(int(str(refused.value).split()[9]) - fitted) <= 2


def test_too_many_folds_for_the_lesions_are_refused(tiny_system: SystemRecipe, phantoms: "Phantoms") -> None:
    prepared = prepare(tiny_system.data, home=phantoms.home)
    many = tiny_system.model_copy(update={"svm": tiny_system.svm.model_copy(update={"folds": 20})})
    with pytest.raises(
        LabelError, match=r"fold \d+ of 20 holds no training image of '(melanoma|rest)' .*set svm.folds"
    ):
        fit_system(many, prepared, {}, home=phantoms.home)


def test_the_logits_of_published_weights_are_refused(tiny_system: SystemRecipe, phantoms: "Phantoms") -> None:
    published = tiny_system.features["deep"].model_copy(update={"weights": "random"})
    recipe = tiny_system.model_copy(update={"features": {"deep": published}})
    with pytest.raises(ConfigError) as refused:
        open_sources(recipe, home=phantoms.home)
    assert str(refused.value) == (
        "the tap 'logits' is of a trained network, but weights = 'random' are published ones; name a run folder or a "
        "checkpoint by weights"
    )


def test_features_of_a_network_that_was_trained_on_other_squares_are_noted(
    tiny_system: SystemRecipe, phantoms: "Phantoms"
) -> None:
    recorder = Recorder()
    deep = tiny_system.model_copy(update={"features": {"deep": tiny_system.features["deep"]}})
    open_sources(deep, home=phantoms.home, progress=recorder)
    assert other_squares(deep) == {}
    assert recorder.notes == []
    whole = deep.model_copy(update={"data": deep.data.model_copy(update={"crop": 1.0, "size": 64})})
    open_sources(whole, home=phantoms.home, progress=recorder)
    how = "trained on other squares (size 32, here 64; crop 0.8, here 1.0)"
    assert other_squares(whole) == {"deep": how}
    assert recorder.notes == [f"feature 'deep': its network was {how}"]


def test_progress_names_each_member_with_its_held_out_auc(tiny_system: SystemRecipe, phantoms: "Phantoms") -> None:
    recorder = Recorder()
    prepared = prepare(tiny_system.data, home=phantoms.home)
    colour = tiny_system.model_copy(update={"features": {"colour": tiny_system.features["colour"]}})
    sources = open_sources(colour, home=phantoms.home)
    system = fit_system(colour, prepared, sources, home=phantoms.home, progress=recorder)
    (member,) = system.members
    assert recorder.notes == [f"colour: AUC {member.auc:.3f} on held-out folds, cost {member.svm.cost:g}"]
