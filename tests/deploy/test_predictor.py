"""An exported file predicts as its network by torch, for every form of an image; other files are refused."""

import copy
import dataclasses
import io
import itertools
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from tests.images import decoded_image
from tests.strangers.images.make_images import P3_XY, icc

import attnmel
from attnmel import NOTICE
from attnmel.compute import threads
from attnmel.data.preprocess.images import central_square, prepared_image, whole_frame
from attnmel.deploy.onnx.export_facts import Cost, append_texts, read_onnx_card
from attnmel.deploy.openvino import OnnxNetwork, has_bf16
from attnmel.deploy.predictor import Prediction, Predictor
from attnmel.errors import CheckpointError, ConfigError, ImageError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint
from attnmel.pipeline.predict.models.torch_model import model_input
from attnmel.pretrained.catalogue import DEFAULT, open_model

CROP = 0.8
"""Of the recipe of the trained network."""

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def predictor(exported: Path) -> Predictor:
    return Predictor(exported)


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))


def shares(prediction: Prediction) -> list[float]:
    return list(prediction.probabilities.values())


def test_a_predictor_shows_itself_in_a_line(predictor: Predictor, exported: Path) -> None:
    shown = f"Predictor('{exported}', rest, melanoma, transforms none; see .predict() and .predict_many())"
    assert repr(predictor) == shown
    assert "transforms dihedral;" in repr(Predictor(exported, transforms="dihedral"))


def test_probabilities_and_maps_are_those_of_the_network_by_torch(
    predictor: Predictor, images: list[Path], calibrated: RunFolder
) -> None:
    network, card = load_checkpoint(calibrated.path)
    assert card.temperature is not None
    inputs = torch.cat([model_input(prepared_image(path, crop=CROP, side=card.side), card) for path in images])
    with torch.inference_mode():
        output = network(inputs)
    for row, path in enumerate(images):
        found = predictor.predict(path)
        logits = output.logits[row].double()
        np.testing.assert_allclose(shares(found), (logits / card.temperature).softmax(0), atol=1e-5)
        np.testing.assert_allclose(list(found.uncalibrated.values()), logits.softmax(0), atol=1e-5)
        assert tuple(found.probabilities) == card.classes
        for name, expected in zip(("pool3", "pool4"), output.attention, strict=True):
            np.testing.assert_allclose(found.attention[name], expected[row, 0], atol=1e-4)


def test_a_map_lies_in_the_geometry_of_the_image(predictor: Predictor, images: list[Path]) -> None:
    found = predictor.predict(images[0])
    card = predictor.card
    assert (found.width, found.height) == (120, 90)
    frame = found.frame("pool3")
    assert frame.shape == (90, 120)
    square = central_square(120, 90, CROP)
    np.testing.assert_array_equal(frame, whole_frame(found.attention["pool3"], square, size=card.size, side=card.side))
    assert frame[45, 60] > 0
    assert frame[:, :20].max() == 0, "the network did not look there"
    with pytest.raises(
        ConfigError, match=r"unknown attention map 'pool5' \(did you mean 'pool4'\?\); known: pool3, pool4"
    ):
        found.frame("pool5")


def test_an_image_says_the_same_as_a_path_as_bytes_and_as_pixels(predictor: Predictor, images: list[Path]) -> None:
    by_path = predictor.predict(images[0])
    for given in (str(images[0]), images[0].read_bytes(), decoded_image(images[0])):
        found = predictor.predict(given)
        assert found.probabilities == by_path.probabilities
        assert (found.width, found.height) == (by_path.width, by_path.height)


def test_a_grey_jpeg_and_one_turned_by_exif_are_seen_as_a_viewer_shows_them(
    predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    with Image.open(images[0]) as image:
        image.convert("L").save(tmp_path / "grey.jpg", quality=95)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        image.save(tmp_path / "turned.jpg", quality=95, exif=exif)
    for name, size in (("grey.jpg", (120, 90)), ("turned.jpg", (90, 120))):
        with Image.open(tmp_path / name) as image:
            upright = image.transpose(Image.Transpose.ROTATE_270) if name == "turned.jpg" else image
            expected = predictor.predict(np.asarray(upright.convert("RGB")))
        found = predictor.predict(tmp_path / name)
        assert (found.width, found.height) == size
        np.testing.assert_allclose(shares(found), shares(expected), atol=5e-3)  # a grey level, by rounding


def test_the_result_says_what_it_may_be_used_for(predictor: Predictor, images: list[Path]) -> None:
    found = predictor.predict(images[0])
    assert found.notice == NOTICE
    assert found.licence == predictor.card.licence
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.width = 1  # pyright: ignore[reportAttributeAccessIssue] - what is tested


def test_a_decision_is_positive_strictly_above_its_threshold(
    predictor: Predictor, exported: Path, images: list[Path], tmp_path: Path
) -> None:
    (plain,) = predictor.facts.thresholds
    melanoma = predictor.predict(images[0]).probabilities["melanoma"]
    at = [dataclasses.replace(plain, threshold=value) for value in (melanoma, np.nextafter(melanoma, 0).item())]
    shutil.copy(exported, tmp_path / "model.onnx")
    append_texts(tmp_path / "model.onnx", predictor.card, dataclasses.replace(predictor.facts, thresholds=tuple(at)))
    decisions = Predictor(tmp_path / "model.onnx").predict(images[0]).decisions
    assert [decision.positive for decision in decisions] == [False, True]
    assert [decision.threshold for decision in decisions] == at


def test_files_are_answered_in_order_and_a_bad_one_says_why(
    predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "cut.jpg").write_bytes(images[0].read_bytes()[:200])
    paths = [images[1], tmp_path / "cut.jpg", images[0], tmp_path / "nowhere.png"]
    found = list(predictor.predict_many(paths))
    assert [one.path for one in found] == paths
    assert [one.prediction is None for one in found] == [False, True, False, True]
    assert "cut.jpg is truncated or damaged" in found[1].error
    assert "no image at" in found[3].error
    for one in (found[0], found[2]):
        assert one.prediction is not None
        np.testing.assert_allclose(shares(one.prediction), shares(predictor.predict(one.path)), rtol=1e-6)


def test_a_single_image_and_pictures_of_pillow_are_taken_as_many(predictor: Predictor, images: list[Path]) -> None:
    expected = shares(predictor.predict(images[0]))
    with Image.open(images[0]) as opened, Image.open(images[0]) as decoded:
        decoded.load()
        turned = decoded.transpose(Image.Transpose.ROTATE_90)
        turned.getexif()[ExifTags.Base.Orientation] = 6
        single = (str(images[0]), images[0], images[0].read_bytes(), decoded_image(images[0]), decoded)
        for given in (*single, [opened], [turned], np.stack([decoded_image(images[0])])):
            (found,) = predictor.predict_many(given)
            assert found.prediction is not None, found.error
            assert (found.prediction.width, found.prediction.height) == (120, 90)
            np.testing.assert_allclose(shares(found.prediction), expected, atol=1e-3)  # a grey level, by rounding


def test_a_grey_picture_of_pillow_with_sixteen_bits_is_reduced(predictor: Predictor) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (40, 60)).astype(np.uint16)
    found = predictor.predict(Image.fromarray(grey * 257))
    assert shares(found) == shares(predictor.predict(Image.fromarray(grey.astype(np.uint8))))


def test_a_picture_of_pillow_keeps_its_profile(predictor: Predictor, images: list[Path], tmp_path: Path) -> None:
    with Image.open(images[0]) as image:
        image.save(tmp_path / "p3.png", icc_profile=icc("Display P3", P3_XY, None))
    with Image.open(tmp_path / "p3.png") as image:
        found = shares(predictor.predict(image))
    np.testing.assert_allclose(found, shares(predictor.predict(tmp_path / "p3.png")), rtol=1e-6)
    assert np.abs(np.array(found) - shares(predictor.predict(images[0]))).max() > 1e-4


def test_what_is_no_image_among_several_is_said_at_its_place(predictor: Predictor) -> None:
    images: Any = iter([None, "example:all"])
    found = list(predictor.predict_many(images))
    assert [(str(one.path), one.prediction) for one in found] == [("images[0]", None), ("example:all", None)]
    assert found[0].error.startswith(
        "the image is None; expected a path, example:ID, the bytes of a file, a picture of"
    )
    assert found[1].error == "example:all names 6 images; expected one, predict_many takes several"


def test_of_images_without_a_path_the_place_is_named(predictor: Predictor, images: list[Path]) -> None:
    pixels = decoded_image(images[0])
    found = list(predictor.predict_many([images[0], pixels, pixels[..., 0], images[0].read_bytes()]))
    assert [str(one.path) for one in found] == [str(images[0]), "images[1]", "images[2]", "images[3]"]
    assert found[2].error == "the image is an array of uint8 [90, 120]; expected uint8 [height, width, 3], RGB"
    assert [str(one.path) for one in predictor.predict_many(pixels)] == ["the image"]


def test_example_images_are_read(predictor: Predictor) -> None:
    examples = list(predictor.predict_many("example:all"))
    assert len(examples) == 6
    assert all(one.prediction for one in examples)
    again = predictor.predict(f"example:{examples[0].path.stem}")
    assert shares(again) == pytest.approx(shares(predictor.predict(examples[0].path)))


def test_files_are_taken_as_they_are_needed(predictor: Predictor, images: list[Path]) -> None:
    taken = itertools.count()
    endless = (images[next(taken) % len(images)] for _ in itertools.repeat(None))
    few = list(itertools.islice(predictor.predict_many(endless), 3))
    assert [one.path for one in few] == images[:3]
    assert next(taken) < 3 + 16 * 8 * 2, "a few ahead for each thread"


def test_several_threads_may_ask_one_predictor(predictor: Predictor, images: list[Path]) -> None:
    expected = [shares(predictor.predict(path)) for path in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(predictor.predict, images * 4))
    np.testing.assert_allclose([shares(one) for one in found], expected * 4, rtol=1e-6)


def test_bf16_is_close_to_float32_or_refused_where_the_cpu_lacks_it(
    predictor: Predictor, exported: Path, images: list[Path]
) -> None:
    if not has_bf16():
        with pytest.raises(ConfigError, match="has no bf16 multiplication"):
            Predictor(exported, "bf16")
        return
    lower = Predictor(exported, "bf16")
    pairs = [(shares(lower.predict(path)), shares(predictor.predict(path))) for path in images]
    apart = np.abs(np.diff(pairs, axis=1)).max()
    assert 0 < apart < 0.05, "other arithmetic, and not far"


def test_a_cpu_without_bf16_is_told_to_use_something_else(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmel.deploy.openvino.has_bf16", lambda: False)
    with pytest.raises(ConfigError, match=r"has no bf16 multiplication, .*; use float32 or int8"):
        Predictor(exported, "bf16")


def test_an_unknown_precision_and_no_thread_are_refused(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attnmel.deploy import predictor

    with pytest.raises(ConfigError, match="threads is 0, expected a whole number above 0"):
        Predictor(exported, threads=0)
    monkeypatch.setenv("ATTNMEL_THREADS", "two")
    with pytest.raises(ConfigError, match=r"\$ATTNMEL_THREADS is 'two'"):
        predictor.Predictor(exported)


def test_an_int8_file_is_not_asked_for_in_bf16(predictor: Predictor, exported: Path, tmp_path: Path) -> None:
    shutil.copy(exported, tmp_path / "model.onnx")
    append_texts(tmp_path / "model.onnx", predictor.card, dataclasses.replace(predictor.facts, precision="int8"))
    with pytest.raises(ConfigError, match=r"precision is 'bf16', but .*model.onnx is int8 already; use 'float32'"):
        Predictor(tmp_path / "model.onnx", "bf16")


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)])
def test_pixels_of_another_kind_are_refused(predictor: Predictor, image: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"the image is an array of .*; expected uint8 \[height, width, 3\], RGB"):
        predictor.predict(image)


def test_bytes_that_are_no_image_are_refused(predictor: Predictor) -> None:
    with pytest.raises(ImageError, match="the image is a file of the kind GIF, which is not read"):
        predictor.predict(b"GIF89a..")
    buffer = io.BytesIO()
    Image.new("I;16", (8, 8)).save(buffer, "PNG")
    with pytest.raises(ImageError, match="the image has 16 bits a channel, but its brightest number is 0"):
        predictor.predict(buffer.getvalue())


def test_a_damaged_file_and_one_that_is_not_ours_are_refused(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    card, facts = read_onnx_card(exported)
    path = tmp_path / "model.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="no complete ONNX file"):
        Predictor(path)
    path.write_text("no model")
    with pytest.raises(CheckpointError, match=r"expected one that `attnmel export RUN --onnx` wrote"):
        Predictor(path)
    place = whole.index(b"Conv") - 40
    path.write_bytes(whole[:place] + b"\xff" * 60 + whole[place + 60 :])
    with pytest.raises(CheckpointError, match=r"is damaged: its bytes are not those that were exported \(SHA-256\)"):
        Predictor(path)
    append_texts(path, card, facts)  # with the hash of the damaged bytes, as of a file that was made so
    with pytest.raises(CheckpointError, match=r"the network in .* cannot be run \(.*\); expected one that"):
        Predictor(path)
    shutil.copy(exported, path)
    append_texts(path, dataclasses.replace(card, side=card.side + 1), facts)
    with pytest.raises(CheckpointError, match=r"its card needs \{'square'.*\} and .* of 2 classes: export again"):
        Predictor(path)
    other = dataclasses.replace(facts.thresholds[0], task="seborrheic_keratosis")
    append_texts(path, card, dataclasses.replace(facts, thresholds=(other,)))
    with pytest.raises(
        CheckpointError, match="holds thresholds for seborrheic_keratosis, but its classes are rest, mel"
    ):
        Predictor(path)


def test_threads_are_as_many_as_asked_for(exported: Path) -> None:
    for count in (1, 2):
        network = OnnxNetwork(exported, precision="float32", threads=count)
        assert 1 <= network.compiled(many=True).at_once <= count
        assert network.compiled(many=False).at_once == 1


def test_threads_are_no_more_than_the_quota_of_a_container_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO counts the processors of the machine, of which a container may have a small share of time."""
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    monkeypatch.setattr(threads, "CGROUPS", tmp_path)
    monkeypatch.setattr(threads, "OWN_GROUP", tmp_path / "none")
    path = open_model(DEFAULT).onnx
    assert OnnxNetwork(path, precision="float32", threads=None).compiled(many=True).at_once == 1


def test_the_package_loads_its_predictor_when_it_is_asked_for() -> None:
    assert attnmel.Predictor is Predictor
    assert not hasattr(attnmel, "predictor")


@pytest.mark.parametrize(("bound", "refused"), [(0.02, True), (0.03, False)])
def test_bf16_that_may_cost_more_than_the_bound_is_refused(
    bound: float, refused: bool, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, facts = read_onnx_card(exported)
    cost = Cost(
        precision="bf16",
        engine="openvino",
        split="test",
        task="melanoma",
        images=600,
        positives=117,
        float32=0.7642,
        auc=0.7582,
        difference=-0.006,
        low=-0.0224,
        high=0.0103,
        probability=0.3,
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(exported.read_bytes())
    append_texts(path, card, dataclasses.replace(facts, costs=(cost,)))
    monkeypatch.setattr("attnmel.deploy.openvino.has_bf16", lambda: True)
    Predictor(path, bound=0)
    if not refused:
        assert Predictor(path, "bf16", bound=bound).facts.costs == (cost,)
        return
    with pytest.raises(
        ConfigError,
        match=r"bf16 may cost too much: melanoma .* test of .*-0\.0060 \(95 % interval -0\.0224 .*; use float32, or",
    ):
        Predictor(path, "bf16", bound=bound)


def test_a_predictor_is_copied_and_sent_to_another_process(predictor: Predictor, images: list[Path]) -> None:
    expected = predictor.predict(images[0]).probabilities
    for other in (copy.deepcopy(predictor), pickle.loads(pickle.dumps(predictor))):
        assert other.predict(images[0]).probabilities == expected
