"""A fitted system's file: what is read is what was written, and what cannot be read is said in one sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from attnmel.errors import CheckpointError, ConfigError
from attnmel.features.card import SYSTEM
from attnmel.features.store import SystemNetwork, load_classifier, save_system
from attnmel.features.system import FittedSystem
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import CARD, CONTENT
from attnmel.models.weights.checkpoints import load_checkpoint, set_temperature
from attnmel.pipeline.explain.images import explain_images
from attnmel.pipeline.run.open_split import open_split
from attnmel.pipeline.run.run import Run


def system_in(path: Path) -> FittedSystem:
    network, _ = load_classifier(path)
    assert isinstance(network, SystemNetwork)
    return network.system


def texts_of(path: Path) -> dict[str, str]:
    with safe_open(path, "np") as file:
        return dict(file.metadata())


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def test_what_was_written_gives_the_same_probabilities_to_the_last_bit(
    fitted: RunFolder, tmp_path: Path, pixels: np.ndarray
) -> None:
    system = system_in(fitted.path)
    _, card = load_classifier(fitted.path)
    save_system(tmp_path / "again.safetensors", system, card)
    again = system_in(tmp_path / "again.safetensors")
    np.testing.assert_array_equal(again.probabilities(pixels), system.probabilities(pixels))
    assert again.card == system.card


def test_another_temperature_leaves_the_system_as_it_is(fitted: RunFolder, tmp_path: Path, pixels: np.ndarray) -> None:
    copy = RunFolder(Path(shutil.copytree(fitted.path, tmp_path / "run")))
    set_temperature(copy.best, 1.25)
    assert load_classifier(copy.path)[1].temperature == 1.25
    np.testing.assert_array_equal(
        system_in(copy.path).probabilities(pixels), system_in(fitted.path).probabilities(pixels)
    )


def test_weights_that_two_features_share_are_stored_once(fitted: RunFolder) -> None:
    card = system_in(fitted.path).card
    assert len(card.trunks) == 2
    assert len({name.split(".")[1] for name in load_file(fitted.best) if name.startswith("trunk.")}) == 1


def test_a_system_of_another_version_is_refused(fitted: RunFolder, tmp_path: Path) -> None:
    texts = texts_of(fitted.best)
    texts[SYSTEM] = json.dumps(json.loads(texts[SYSTEM]) | {"version": 2})
    save_file(load_file(fitted.best), tmp_path / "new.safetensors", metadata=texts)
    with pytest.raises(CheckpointError) as refused:
        load_classifier(tmp_path / "new.safetensors")
    assert f"{tmp_path / 'new.safetensors'} is a fitted system of version 2, and attnmel " in str(refused.value)
    assert str(refused.value).endswith("reads version 1; fit it again with `attnmel train`")


def test_a_system_without_some_of_its_arrays_is_refused(fitted: RunFolder, tmp_path: Path) -> None:
    for lost in ("colour.svm.vectors", "trunk."):
        arrays = {name: one for name, one in load_file(fitted.best).items() if not name.startswith(lost)}
        texts = texts_of(fitted.best)
        texts[CARD] = json.dumps({key: one for key, one in json.loads(texts[CARD]).items() if key != CONTENT})
        save_file(arrays, tmp_path / "part.safetensors", metadata=texts)
        with pytest.raises(CheckpointError, match=r"lacks arrays of its fitted system .*copy it again from where it"):
            load_classifier(tmp_path / "part.safetensors")


def test_calls_that_need_a_network_say_so(fitted: RunFolder, tmp_path: Path) -> None:
    expected = (
        "is a fitted system of features and SVMs, not a network; `predict`, `evaluate`, `compare` and `report` take it"
    )
    with pytest.raises(CheckpointError) as refused:
        load_checkpoint(fitted.path)
    assert str(refused.value) == f"{fitted.path} {expected}"
    with pytest.raises(CheckpointError, match="not a network"):
        next(explain_images(fitted.path, [tmp_path / "image.jpg"], out=tmp_path))
    with pytest.raises(ConfigError, match="tiny/system is a fitted system of features and SVMs, not a network"):
        open_split(Run(fitted), "test")
