"""Maps lie in the frame of the original image, whatever the crop."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from attnmel.data.preprocess.framing import framing_of
from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint, read_checkpoint, save_weights
from attnmel.pipeline.explain import images as explained
from attnmel.pipeline.explain.images import explain_images
from attnmel.pipeline.predict.attention_maps import enlarged
from attnmel.pipeline.predict.predict import predict_images
from attnmel.saliency.methods.registry import METHODS
from attnmel.saliency.methods.scaling import stretched
from attnmel.saliency.overlays import square_drawn

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def test_maps_agree_with_those_of_evaluate_and_fill_the_crop_alone(
    trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    written = list(explain_images(trained.path, [image], out=tmp_path))
    assert [path.name for path in written] == [f"{image.stem}{end}" for end in ("-pool3.png", "-pool4.png", ".npz")]
    with np.load(tmp_path / f"{image.stem}.npz") as arrays, np.load(trained.attention("test")) as judged:
        row = judged["image"].tolist().index(image.stem)
        np.testing.assert_allclose(arrays["pool3"], judged["pool3"][row], atol=1e-6)
    looked_at = enlarged(tmp_path / f"{image.stem}.npz", "pool3") > 0
    # 90 x 120 pixels: a central square of 72, of which the network saw 32 of 37 parts.
    side = 72 * 32 / 37
    assert looked_at.sum() == pytest.approx(side**2, rel=0.05)
    assert looked_at[45, 60]
    assert not looked_at[:, :20].any()


def test_a_network_without_attention_is_told(
    without_attention: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    told = "is a vgg16-gap, which has no attention maps; use an attnmel-cnn, or name another method: --method cam "
    with pytest.raises(CheckpointError, match=told):
        list(explain_images(without_attention.path, [image]))
    written = list(explain_images(without_attention.path, [image], methods=["cam"], out=tmp_path))
    assert [path.name for path in written] == [f"{image.stem}-cam.png", f"{image.stem}.npz"]


def test_an_unknown_method_is_answered_with_the_known_ones(trained: RunFolder, phantoms: "Phantoms") -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    with pytest.raises(
        ConfigError, match=r"unknown method 'gradcam'; known: attention-pool3, .*, gradcam:LAYER, integ"
    ):
        list(explain_images(trained.path, [image], methods=["gradcam"]))


def test_a_cross_off_the_middle_is_found_in_an_image_that_is_not_square(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "brightness", lambda progress: lambda network, images, classes: brightness(images))
    image = np.zeros((180, 300, 3), np.uint8)
    row, column = 110, 130
    image[row - 3 : row + 4, column - 15 : column + 16] = 255
    image[row - 15 : row + 16, column - 3 : column + 4] = 255
    Image.fromarray(image).save(tmp_path / "cross.png")
    list(explain_images(trained.path, [tmp_path / "cross.png"], methods=["brightness"], out=tmp_path))
    found = enlarged(tmp_path / "cross.npz", "brightness")
    with Image.open(tmp_path / "cross-brightness.png") as picture:
        coloured = np.abs(np.asarray(picture).astype(float)[:180] - image).sum(axis=2)
    framing = framing_of(load_checkpoint(trained.path)[1])
    line = square_drawn(np.zeros_like(image), framing.seen(framing.squares(300, 180)[0])).any(axis=2)
    coloured[line] = 0
    for of_original in (found, coloured):
        assert of_original.shape == (180, 300)
        centre = [(of_original * place).sum() / of_original.sum() for place in np.mgrid[:180, :300]]
        np.testing.assert_allclose(centre, [row, column], atol=1)


def brightness(images: torch.Tensor) -> torch.Tensor:
    """A map that shows where an image is bright."""
    return stretched(images.mean(dim=1))


def test_two_images_of_one_name_are_refused_before_anything_is_written(trained: RunFolder, tmp_path: Path) -> None:
    for name in ("lesion.png", "lesion.bmp"):
        Image.new("RGB", (40, 40)).save(tmp_path / name)
    with pytest.raises(ConfigError, match=r"two images are called 'lesion', .*; their maps would replace each other"):
        list(explain_images(trained.path, [tmp_path], out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("settings", [{"crops": 5}, {"transforms": "dihedral"}], ids=["five", "dihedral"])
def test_the_probability_below_a_map_is_that_of_predict(
    trained: RunFolder,
    phantoms: "Phantoms",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
) -> None:
    tensors, card = read_checkpoint(trained.path)
    model = tmp_path / "other.safetensors"
    save_weights(model, tensors, dataclasses.replace(card, temperature=0.5, **settings))  # pyright: ignore[reportArgumentType] - of the card
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    told: list[Sequence[float]] = []
    monkeypatch.setattr(explained, "write_image_maps", lambda *_, probabilities: told.append(probabilities) or ())
    list(explain_images(model, [image], out=tmp_path / "maps"))
    (result,) = predict_images(model, [image])
    np.testing.assert_allclose(np.array(told), [result.probabilities], rtol=1e-6)
