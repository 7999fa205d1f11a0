"""Masks in the images' own size, one row each; a stopped prediction goes on; other masks are not overwritten."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from attnmel.errors import ConfigError, ImageError, LabelError, PredictionsError
from attnmel.files.folders import MasksFolder, RunFolder, predicted_masks
from attnmel.models.segmenter import load_segmenter, save_segmenter
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.segment import predict
from attnmel.pipeline.segment.image_masks import DrawnMask
from attnmel.pipeline.segment.masks_table import read_masks_table
from attnmel.pipeline.segment.predict import predict_masks

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Five pictures of different sizes, one of them to be turned by its EXIF."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(5):
        picture = Image.effect_noise((40 + number, 30), 60).convert("RGB")
        picture.save(folder / f"p{number}.jpg", exif=exif if number == 4 else Image.Exif())
    return folder


def ink(value: float) -> torch.nn.Module:
    """A network that finds the same logit everywhere."""

    class Same(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full_like(images[:, :1], value)

    return Same()


def test_every_image_gets_a_mask_of_its_own_upright_size(
    segmenter: RunFolder, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_segmenter(segmenter.path)[1]
    monkeypatch.setattr(predict, "load_segmenter", lambda _: (ink(0.1), card))
    masks = predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "out", batch=2)
    sizes = {}
    for row in masks.rows:
        with Image.open(masks.folder.mask(row.image_id)) as mask:
            sizes[row.image_id] = mask.size
            assert np.unique(np.asarray(mask)).tolist() == [255]
        assert (row.flag, row.area, row.pieces) == ("full frame", 1, 1)
        assert row.confidence == pytest.approx(2 * 0.525 / 1.525, abs=1e-3)  # sigmoid(0.1) = 0.525 everywhere
    assert sizes == {"p0": (40, 30), "p1": (41, 30), "p2": (42, 30), "p3": (43, 30), "p4": (30, 44)}
    assert list(read_masks_table(masks.folder).rows) == ["p0", "p1", "p2", "p3", "p4"]  # pyright: ignore[reportOptionalMemberAccess] - it was written
    assert read_images(masks.folder) == read_images(segmenter)


def test_an_empty_mask_has_a_row_and_no_file(
    segmenter: RunFolder, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_segmenter(segmenter.path)[1]
    monkeypatch.setattr(predict, "load_segmenter", lambda _: (ink(-3), card))
    masks = predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "out")
    assert {(row.flag, row.confidence) for row in masks.rows} == {("empty", 0)}
    assert not list((tmp_path / "out").glob("*.png"))
    assert "0 masks of 5 images, 5 empty" in masks.sentence()


def test_a_file_that_cannot_be_read_has_a_row_with_the_reason(
    segmenter: RunFolder, photographs: Path, tmp_path: Path
) -> None:
    (photographs / "p2.jpg").write_text("text")
    masks = predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "out")
    table = read_masks_table(masks.folder)
    assert table is not None
    assert table.rows["p2"].error.endswith(
        "p2.jpg is no picture; expected a picture in the format JPEG, PNG, TIFF, WebP, BMP, HEIC or DICOM"
    )
    assert [row.error == "" for row in masks.rows] == [True, True, False, True, True]
    with pytest.raises(ImageError, match="1 of 5 images could not be used; the others are done"):
        masks.raise_for_failures()


def test_a_stopped_prediction_goes_on_where_it_was(
    segmenter: RunFolder, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "whole")
    real, asked = predict.drawn_images, []

    def counting(*arguments: object, **named: object) -> object:
        asked.append(len(arguments[2]))  # pyright: ignore[reportArgumentType] - the images
        drawn = real(*arguments, **named)  # pyright: ignore[reportArgumentType] - as they came
        for count, one in enumerate(drawn):
            if len(asked) == 1 and count == 3:
                raise KeyboardInterrupt
            yield one

    monkeypatch.setattr(predict, "drawn_images", counting)
    monkeypatch.setattr(predict, "ROWS_AT_ONCE", 2)
    with pytest.raises(KeyboardInterrupt):
        predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "out")
    masks = predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "out")
    assert (asked, masks.kept) == ([5, 3], 2)
    for row in whole.rows:
        found, expected = masks.folder.mask(row.image_id), whole.folder.mask(row.image_id)
        assert found.is_file() == expected.is_file()
        assert not found.is_file() or found.read_bytes() == expected.read_bytes()
    assert [row.image_id for row in masks.rows] == [row.image_id for row in whole.rows]


def test_masks_of_another_segmenter_are_replaced_only_when_asked(
    segmenter: RunFolder, photographs: Path, tmp_path: Path
) -> None:
    predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=tmp_path / "out")
    other = RunFolder(Path(shutil.copytree(segmenter.path, tmp_path / "other")))
    network, card = load_segmenter(other.path)
    with torch.no_grad():
        next(network.parameters()).add_(0.5)
    save_segmenter(other.best, network.state_dict(), card)
    with pytest.raises(PredictionsError, match=r"holds 5 masks of another segmenter .* --replace, or choose another"):
        predict_masks(other.path, [str(photographs)], home=tmp_path, out=tmp_path / "out")
    assert predict_masks(other.path, [str(photographs)], home=tmp_path, out=tmp_path / "out", replace=True).kept == 0


def test_replacing_leaves_no_mask_of_another_segmenter_and_none_of_an_image_that_is_not_read(
    segmenter: RunFolder, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, out = load_segmenter(segmenter.path)[1], tmp_path / "out"
    monkeypatch.setattr(predict, "load_segmenter", lambda _: (ink(0.1), card))
    predict_masks(segmenter.path, [str(photographs)], home=tmp_path, out=out)
    (photographs / "p1.jpg").write_text("text")
    some = [str(photographs / f"p{number}.jpg") for number in (0, 1)]
    masks = predict_masks(segmenter.path, some, home=tmp_path, out=out, replace=True)
    table = read_masks_table(masks.folder)
    assert table is not None
    assert sorted(table.rows) == ["p0", "p1", "p2", "p3", "p4"], "the same segmenter's other masks stay"
    assert sorted(path.name[:2] for path in out.glob("*.png")) == ["p0", "p2", "p3", "p4"]
    lines = masks.folder.table.read_text().splitlines()
    masks.folder.table.write_text("\n".join(lines).replace(table.segmenter, "0" * 64) + "\n")
    masks = predict_masks(segmenter.path, some[:1], home=tmp_path, out=out, replace=True)
    assert [path.name[:2] for path in out.glob("*.png")] == ["p0"]


def test_a_known_data_set_has_a_folder_of_its_own(segmenter: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "data").symlink_to(phantoms.home / "data")
    masks = predict_masks(segmenter.path, ["phantoms"], home=home)
    assert masks.folder == predicted_masks(home, "phantoms")
    assert len(masks.rows) == 46


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (["phantoms", "."], ConfigError, "phantoms is a data set; name it alone"),
        (["p0.jpg"], ConfigError, "name the folder of the masks by --out"),
        (["p0.jpg", "p0.jpg"], LabelError, "images of one name"),
    ],
)
def test_what_cannot_be_named_together_is_told(
    images: list[str],
    error: type[Exception],
    message: str,
    segmenter: RunFolder,
    photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(photographs)
    with pytest.raises(error, match=message):
        predict_masks(segmenter.path, images, home=tmp_path)


def test_a_damaged_table_is_told(tmp_path: Path) -> None:
    folder = MasksFolder(tmp_path)
    folder.table.write_text("image,confidence\na,1\n")
    with pytest.raises(PredictionsError, match=r"masks\.csv is damaged .* draw the masks anew with --replace"):
        read_masks_table(folder)


def test_an_unread_image_has_no_mask() -> None:
    assert DrawnMask("a", None, "why").mask(0.5).size == 0
