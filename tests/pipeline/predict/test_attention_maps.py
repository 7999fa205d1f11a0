"""`predict` writes the maps that the network gave, over each image, of either kind of model."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.deploy.onnx.test_graph import CARD, network_of, shorten_trunks
from tests.kept_graphs import kept_graph

from attnmel.deploy.onnx.export_facts import ExportFacts, append_texts
from attnmel.errors import CheckpointError, ConfigError, ImageError
from attnmel.files.folders import RunFolder
from attnmel.pipeline.explain.images import explain_images
from attnmel.pipeline.predict.predict import predict_images

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture(scope="module")
def images(phantoms: "Phantoms") -> list[Path]:
    return sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:5]


def names(images: list[Path]) -> list[str]:
    return sorted(f"{image.stem}{end}" for image in images for end in ("-pool3.png", "-pool4.png", ".npz"))


def test_both_kinds_of_model_write_the_maps_that_explain_writes(
    trained: RunFolder, exported: Path, images: list[Path], tmp_path: Path
) -> None:
    list(explain_images(trained.path, images, out=tmp_path / "explain"))
    for kind, model in (("run", trained.path), ("onnx", exported)):
        answers = predict_images(model, images, maps=tmp_path / kind)
        assert len(list(answers)) == len(images)
        assert sorted(path.name for path in (tmp_path / kind).iterdir()) == names(images)
        for image in images:
            with (
                np.load(tmp_path / kind / f"{image.stem}.npz") as mine,
                np.load(tmp_path / "explain" / f"{image.stem}.npz") as theirs,
            ):
                assert mine.files == theirs.files
                for name in ("pool3", "pool4", "frame", "square"):
                    np.testing.assert_allclose(mine[name], theirs[name], atol=1e-3)
            with Image.open(tmp_path / kind / f"{image.stem}-pool4.png") as picture, Image.open(image) as original:
                assert picture.width == original.width
                assert picture.height > original.height, "the strip with probability and scale"


def test_a_stopped_prediction_has_the_maps_of_every_kept_answer_and_goes_on_to_all(
    exported: Path, images: list[Path], tmp_path: Path
) -> None:
    out, folder = tmp_path / "out.csv", tmp_path / "maps"
    answers = predict_images(exported, images, maps=folder)
    iterate = answers._after

    def stopping(done: int):  # noqa: ANN202 - a generator of answers
        for number, answer in enumerate(iterate(done)):
            if number == 3:
                raise KeyboardInterrupt
            yield answer

    answers._after = stopping
    with pytest.raises(KeyboardInterrupt):
        answers.write(out)
    kept = [json.loads(line)[0] for line in out.with_name("out.csv.part").read_text().splitlines()[1:]]
    assert [Path(path) for path in kept] == images[:3]
    assert {path.name for path in folder.iterdir()} >= set(names(images[:3]))
    with pytest.raises(ConfigError, match=r"maps was .*maps, and is none"):
        predict_images(exported, images).write(out, resume=True)
    predict_images(exported, images, maps=folder).write(out, resume=True)
    assert sorted(path.name for path in folder.iterdir()) == names(images)


def test_a_file_that_cannot_be_used_has_a_reason_and_no_maps(
    exported: Path, images: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(images[0].read_bytes()[:200])
    answers = predict_images(exported, [broken, images[1]], maps=tmp_path / "maps")
    assert [bool(answer.error) for answer in answers] == [True, False]
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == names(images[1:2])
    with pytest.raises(ImageError, match=r"1 of 2 images could not be used; the others are done"):
        answers.raise_for_failures()


def test_maps_of_names_that_repeat_lie_in_the_folders_of_the_images(
    exported: Path, images: list[Path], tmp_path: Path
) -> None:
    for image, name in zip(images, ("melanoma/1.jpg", "nevus/1.jpg", "nevus/2.jpg"), strict=False):
        path = tmp_path / "clinic" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.read_bytes())
    list(predict_images(exported, [tmp_path / "clinic"], maps=tmp_path / "maps"))
    found = sorted(path.relative_to(tmp_path / "maps").as_posix() for path in (tmp_path / "maps").rglob("*.npz"))
    assert found == ["2.npz", "melanoma/1.npz", "nevus/1.npz"]


def test_what_cannot_have_maps_is_refused_before_the_first_image(
    exported: Path, images: list[Path], mel_cnn: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = [tmp_path / "lesion.jpg", tmp_path / "lesion.jpe"]
    for path in twins:
        path.write_bytes(images[0].read_bytes())
    with pytest.raises(ConfigError, match=r"'lesion', .*lesion\.jpg and .*lesion\.jpe; .* or leave out --maps"):
        predict_images(exported, twins, maps=tmp_path / "maps")
    shorten_trunks(monkeypatch)
    card = dataclasses.replace(CARD, network="mel-cnn")
    model = tmp_path / "model.onnx"
    model.write_bytes(kept_graph(network_of(card), card).SerializeToString())
    monkeypatch.undo()
    append_texts(model, card, ExportFacts(precision="float32", versions={}, checked_on=""))
    for without in (mel_cnn.path, model):
        with pytest.raises(CheckpointError, match="is a mel-cnn, which has no attention maps; leave out --maps, or"):
            predict_images(without, images, maps=tmp_path / "maps")
    assert not (tmp_path / "maps").exists()
