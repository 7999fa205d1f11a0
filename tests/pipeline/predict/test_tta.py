"""`--tta` is one definition: checkpoints, exported files and `Predictor` average the same transforms of an image."""

import dataclasses
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from attnmel.config.settings.tta import transforms_of
from attnmel.data.preprocess.images import prepared_image
from attnmel.data.preprocess.tta import transformed
from attnmel.deploy.predictor import Predictor
from attnmel.errors import ConfigError
from attnmel.files.folders import RunFolder
from attnmel.models.output import predict_batch
from attnmel.models.weights.checkpoints import load_checkpoint, save_weights
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pipeline.predict.predict import predict_images

if TYPE_CHECKING:
    from tests.conftest import Phantoms


SIDE = 37
"""Of the prepared square."""


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:3]


@pytest.mark.parametrize("name", ["dihedral+scales", "random:5"])
def test_a_checkpoint_gives_the_calibrated_mean_of_the_probabilities(
    calibrated: RunFolder, images: list[Path], name: str
) -> None:
    network, card = load_checkpoint(calibrated.path)
    assert card.temperature is not None
    for found in predict_images(calibrated.path, images, transforms=name):
        square = prepared_image(Path(found.image), crop=0.8, side=card.side)
        shares = [
            predict_batch(network, model_input(transformed(square, one, size=card.size), card)).probabilities[0]
            for one in transforms_of(name)
        ]
        powers = np.mean(shares, axis=0) ** (1 / card.temperature)
        np.testing.assert_allclose(found.probabilities, powers / powers.sum(), atol=1e-6)


@pytest.mark.parametrize("name", ["dihedral", "dihedral+scales", "random:5:3"])
def test_an_exported_file_predicts_as_its_run(
    calibrated: RunFolder, exported: Path, images: list[Path], name: str
) -> None:
    predictor = Predictor(exported, transforms=name)
    theirs = list(predict_images(calibrated.path, images, transforms=name))
    plain = list(predict_images(calibrated.path, images))
    for ours, other, without in zip(predict_images(exported, images, transforms=name), theirs, plain, strict=True):
        np.testing.assert_allclose(ours.probabilities, other.probabilities, atol=1e-5)
        own = predictor.predict(ours.image)
        np.testing.assert_allclose(list(own.probabilities.values()), ours.probabilities, atol=1e-9)
        assert max(np.abs(np.subtract(other.probabilities, without.probabilities))) > 1e-5
        for map_name, expected in without.attention.items():  # of the image as it is
            np.testing.assert_allclose(own.attention[map_name], expected, atol=1e-4)


def test_no_transforms_predict_as_ever(calibrated: RunFolder, exported: Path, images: list[Path]) -> None:
    for model in (calibrated.path, exported):
        named, without = (predict_images(model, images, transforms=name) for name in ("none", None))
        assert [one.probabilities for one in named] == [one.probabilities for one in without]


@pytest.mark.parametrize(("width", "height", "turns"), [(SIDE, SIDE, (0, 1, 2, 3)), (120, 90, (0, 2))])
def test_the_mean_over_turns_and_flips_stays_where_the_image_is_turned_or_mirrored(
    calibrated: RunFolder, tmp_path: Path, width: int, height: int, turns: tuple[int, ...]
) -> None:
    """Quarter turns exactly where no pixel is interpolated; resizing rounds rows and columns one after the other."""
    network, card = load_checkpoint(calibrated.path)
    whole = tmp_path / "whole.safetensors"
    save_weights(whole, network.state_dict(), dataclasses.replace(card, crop=1.0))
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    paths = []
    for turn, mirrored in itertools.product(turns, (False, True)):
        paths.append(tmp_path / f"{turn}-{mirrored}.png")
        Image.fromarray(np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, turn))).save(paths[-1])
    shares = [one.probabilities for one in predict_images(whole, paths, transforms="dihedral")]
    np.testing.assert_allclose(shares, [shares[0]] * len(paths), atol=1e-6)
    plain = [one.probabilities for one in predict_images(whole, paths)]
    assert np.ptp(plain, axis=0).max() > 1e-4


def test_transforms_are_resumed_alike_only(exported: Path, images: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    broken = tmp_path / "broken.png"
    Image.new("RGB", (40, 40)).save(broken)
    results = predict_images(exported, images, transforms="dihedral")
    results.write(out)
    written = out.read_text()
    predict_images(exported, images, transforms="dihedral").write(out)
    assert out.read_text() == written
    part = out.with_name("table.csv.part")
    part.write_text('{"transforms": "scales"}\n')
    with pytest.raises(ConfigError, match="transforms was scales, and is dihedral"):
        predict_images(exported, images, transforms="dihedral").write(out, resume=True)


def test_a_wrong_name_is_refused_before_an_image_is_read(calibrated: RunFolder, exported: Path) -> None:
    for model in (calibrated.path, exported):
        with pytest.raises(ConfigError, match="no transforms are called 'flip'; expected none, dihedral"):
            predict_images(model, [Path("nowhere")], transforms="flip")
