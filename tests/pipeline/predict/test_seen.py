"""Every kind of model says of an image how much of it, and of its lesion, it saw."""

import csv
import dataclasses
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion
from tests.factories import Recorder

from attnmel import Predictor
from attnmel.data.preprocess.framing import Framing
from attnmel.data.preprocess.images import central_square, image_size, lesion_mask
from attnmel.data.preprocess.lesion_crop import largest_component
from attnmel.data.preprocess.network_input import network_input
from attnmel.deploy.onnx.export_facts import append_texts, read_onnx_card
from attnmel.errors import ConfigError, ImageError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import read_checkpoint, save_weights
from attnmel.pipeline.explain.images import explain_images
from attnmel.pipeline.predict.masks.segmenter_masks import SegmenterMasks
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.predict.table import ImageResult

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:4]


@pytest.fixture(scope="module")
def masks(phantoms: "Phantoms") -> Path:
    return next((phantoms.home / "data").rglob("*Test_v2_Part1_GroundTruth"))


Reframed = Callable[..., tuple[Path, Path]]


@pytest.fixture
def reframed(calibrated: RunFolder, exported: Path, tmp_path: Path) -> Reframed:
    """Make both kinds of model look at other squares: the weights stay, the card changes."""

    def changed(**settings: object) -> tuple[Path, Path]:
        tensors, card = read_checkpoint(calibrated.path)
        checkpoint, onnx = tmp_path / "other.safetensors", tmp_path / "other.onnx"
        save_weights(checkpoint, tensors, dataclasses.replace(card, **settings))
        shutil.copyfile(exported, onnx)
        of_file, facts = read_onnx_card(exported)
        append_texts(onnx, dataclasses.replace(of_file, **settings), facts)  # of a key, the last text counts
        return checkpoint, onnx

    return changed


def seen_of_lesion(image: Path, masks: Path, share: float) -> float:
    """Count the pixels of the lesion's mask whose centres lie in the part that the network sees."""
    width, height = image_size(image)
    mask = largest_component(lesion_mask(masks / f"{image.stem}_segmentation.png", image_size=(width, height)))
    assert mask is not None
    square = central_square(width, height, share)
    left, top = square.left + square.side * 2 / 37, square.top + square.side * 2 / 37
    side = square.side * 32 / 37
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    inside = (x > left) & (x < left + side) & (y > top) & (y < top + side)
    return float(inside[mask].mean())


def test_run_and_onnx_file_say_the_same_of_what_they_saw(
    calibrated: RunFolder, exported: Path, images: list[Path], masks: Path
) -> None:
    found = [list(predict_images(model, images, masks=masks)) for model in (calibrated.path, exported)]
    for one, other in zip(*found, strict=True):
        assert one.added == other.added
        # 0.8 of 90 pixels of a 120 x 90 image, of which 32 of 37 are seen.
        assert one.added["share_of_image"] == round((72 * 32 / 37) ** 2 / 10800, 4)
        expected = seen_of_lesion(Path(one.image), masks, 0.8)
        assert one.added["share_of_lesion"] == pytest.approx(expected, abs=0.02)


def test_the_table_has_the_columns_and_the_notice_what_is_not_checked(exported: Path, images: list[Path]) -> None:
    results = predict_images(exported, images[:2])
    (row, _) = csv.DictReader(io.StringIO("".join(results.lines())))
    assert (row["share_of_image"], row["share_of_lesion"]) == ("0.359", "")
    assert "'outside the square' and 'no lesion found' are not checked" in results.table.notice
    plain = json.loads("".join(predict_images(exported, images[:2]).lines(as_json=True)))
    assert plain["images"][0]["share_of_lesion"] is None
    assert plain["images"][0]["warnings"] == row["warnings"].split("; ") * bool(row["warnings"])
    assert len(plain["warnings_not_checked"]) == 3


def test_a_small_empty_strip_has_its_warnings_and_they_are_counted(exported: Path, tmp_path: Path) -> None:
    for name, size in (("a", (100, 30)), ("b", (64, 64))):
        Image.new("RGB", size, (190, 140, 120)).save(tmp_path / f"{name}.png")
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.new("L", size).save(tmp_path / "masks" / f"{name}.png")
    results = predict_images(exported, [tmp_path], masks=tmp_path / "masks")
    cells = [one.added["warnings"] for one in results]
    empty = ("one colour", "no lesion found")
    assert cells == [("smaller than the input", "strip", *empty), empty]
    assert results.warnings_sentence() == (
        "warnings on 2 images: 2 'one colour', 2 'no lesion found', 1 'smaller than the input', 1 'strip'"
    )


def test_a_stopped_prediction_keeps_what_was_seen(
    exported: Path, images: list[Path], masks: Path, tmp_path: Path
) -> None:
    whole, stopped = tmp_path / "whole.csv", tmp_path / "stopped.csv"
    predict_images(exported, images, masks=masks).write(whole)
    first = predict_images(exported, images, masks=masks)
    answers = first._after

    def two(done: int) -> Iterator[ImageResult]:
        for number, one in enumerate(answers(done)):
            if number == 2:
                raise KeyboardInterrupt
            yield one

    first._after = two
    with pytest.raises(KeyboardInterrupt):
        first.write(stopped)
    with pytest.raises(ConfigError, match=r"masks was folder .*, and is none"):
        predict_images(exported, images).write(stopped, resume=True)
    predict_images(exported, images, masks=masks).write(stopped, resume=True)
    assert stopped.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("settings", [{"crop": "lesion"}, {"crops": 5}], ids=["lesion", "five"])
def test_both_kinds_of_model_see_the_squares_of_the_card(
    reframed: Reframed, calibrated: RunFolder, images: list[Path], masks: Path, settings: dict[str, object]
) -> None:
    checkpoint, onnx = reframed(**settings)
    found = [list(predict_images(model, images, masks=masks)) for model in (checkpoint, onnx)]
    before = [one.probabilities for one in predict_images(calibrated.path, images)]
    for one, other, central in zip(*found, before, strict=True):
        assert one.added == other.added
        assert one.added["share_of_lesion"] == pytest.approx(1, abs=0.02)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
        assert abs(one.probabilities[0] - central[0]) > 1e-6


def test_a_network_around_the_lesion_needs_masks(
    reframed: Reframed, images: list[Path], masks: Path, tmp_path: Path
) -> None:
    checkpoint, onnx = reframed(crop="lesion")
    for model in (checkpoint, onnx):
        with pytest.raises(ConfigError, match="the square around the lesion, so it needs lesion masks: name a folder"):
            predict_images(model, images)
    with pytest.raises(ConfigError, match="so it needs lesion masks"):
        list(explain_images(checkpoint, images, out=tmp_path / "maps"))
    found = Predictor(onnx).predict(images[0], masks / f"{images[0].stem}_segmentation.png")
    assert found.seen.share_of_lesion == 1
    frame = found.frame("pool3")
    square = found.seen.squares[0]
    inside = np.zeros(frame.shape, dtype=bool)
    inside[
        round(square.top) : round(square.top + square.side), round(square.left) : round(square.left + square.side)
    ] = True
    assert not frame[~inside].any()
    assert "no lesion found" not in found.seen.warnings


def test_options_that_contradict_each_other_and_wrong_masks(exported: Path, images: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--masks and --segmenter both name the lesion masks; leave out one of them"):
        predict_images(exported, images, masks=tmp_path, segmenter=tmp_path)
    with pytest.raises(ConfigError, match=r"--masks .*none is no folder; expected one with"):
        predict_images(exported, images, masks=tmp_path / "none")
    Image.new("L", (8, 8), 255).save(tmp_path / f"{images[0].stem}.png")
    (result,) = predict_images(exported, images[:1], masks=tmp_path)
    assert result.error.endswith(
        "is 8 x 8 pixels, but its image is 120 x 90; expected the same size: correct it, or leave the mask out"
    )
    with pytest.raises(ImageError, match="8 x 8"):
        Predictor(exported).predict(images[0], tmp_path / f"{images[0].stem}.png")


def test_a_segmenter_draws_the_masks(segmenter: RunFolder, exported: Path, images: list[Path]) -> None:
    drawn = SegmenterMasks(segmenter.path)(images[0])
    assert drawn.shape == (90, 120)
    found = largest_component(drawn)
    results = list(predict_images(exported, images[:2], segmenter=segmenter.path))
    assert (results[0].added["share_of_lesion"] is None) == (found is None)
    assert ("no lesion found" in str(results[0].added["warnings"])) == (found is None)


def test_the_square_is_drawn_on_every_overlay(trained: RunFolder, images: list[Path], tmp_path: Path) -> None:
    list(explain_images(trained.path, images[:1], out=tmp_path))
    with Image.open(tmp_path / f"{images[0].stem}-pool3.png") as picture:
        drawn = np.asarray(picture.convert("RGB")).astype(int)
    # Its upper edge: the square of 72 pixels at (24, 9), of which 2 of 37 are cut off.
    top, left = round(9 + 72 * 2 / 37), round(24 + 72 * 2 / 37)
    edge = drawn[top, left : left + 62]
    levels = {tuple(pixel) for pixel in edge.tolist()}
    assert levels == {(255, 255, 255), (20, 20, 24)}


def test_how_an_image_was_read_is_in_the_table_and_the_prediction(
    calibrated: RunFolder, exported: Path, images: list[Path], tmp_path: Path
) -> None:
    pixels = np.asarray(Image.open(images[0]))
    Image.fromarray(np.dstack([pixels, np.full(pixels.shape[:2], 200, np.uint8)])).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / "b.png")
    notes = ("alpha channel laid on white",)
    for model in (calibrated.path, exported):
        progress = Recorder()
        results = predict_images(model, [tmp_path], progress=progress)
        rows = csv.DictReader(io.StringIO("".join(results.lines())))
        assert [row["notes"] for row in rows] == [*notes, ""]
        assert "1 of 2 images: alpha channel laid on white" in progress.notes
        plain = json.loads("".join(predict_images(model, [tmp_path]).lines(as_json=True)))
        assert [one["notes"] for one in plain["images"]] == [[*notes], []]
    assert Predictor(exported).predict(tmp_path / "a.png").seen.notes == notes
    assert Predictor(exported).predict(Image.open(tmp_path / "a.png")).seen.notes == notes
    assert Predictor(exported).predict(pixels).seen.notes == ()


def test_the_lesion_s_border_is_drawn_where_a_mask_is_known(
    calibrated: RunFolder, exported: Path, images: list[Path], masks: Path, tmp_path: Path
) -> None:
    (image,) = images[:1]
    mask = lesion_mask(masks / f"{image.stem}_segmentation.png", image_size=(120, 90))
    border = mask & np.logical_not(binary_erosion(mask, iterations=2))
    near = binary_dilation(mask, iterations=4) & np.logical_not(binary_erosion(mask, iterations=4))
    for number, model in enumerate((calibrated.path, exported)):
        plain, drawn = (tmp_path / f"{name}-{number}" for name in ("plain", "drawn"))
        list(predict_images(model, [image], maps=plain))
        list(predict_images(model, [image], masks=masks, maps=drawn))
        for name in ("pool3", "pool4"):
            before, after = (
                np.asarray(Image.open(one / f"{image.stem}-{name}.png").convert("RGB"))[:90] for one in (plain, drawn)
            )
            changed = (before != after).any(axis=2)
            assert changed[border].mean() > 0.9
            assert not changed[~near].any()
            light = [(one[border].min(axis=1) > 200).mean() for one in (before, after)]
            assert light[1] > light[0] + 0.15


def test_a_mask_kept_to_be_drawn_is_small() -> None:
    pixels, mask = np.zeros((3000, 5000, 3), np.uint8), np.zeros((3000, 5000), bool)
    mask[1000:2000, 2000:3000] = True
    lesion = network_input(pixels, Framing(0.8, 32, 37), mask=mask).seen.lesion
    assert lesion is not None
    assert lesion.shape == (750, 1250)
    assert lesion.base is None  # a view would keep the whole mask
    assert lesion.mean() == pytest.approx(mask.mean(), rel=0.01)
