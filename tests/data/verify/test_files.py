"""Images and masks deliberately broken: each is told, and all at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from tests.images import spot_on_skin

from attnmel.data.verify import KINDS, verify_dataset
from attnmel.data.verify.files import examine_item
from attnmel.data.verify.inventory import Item

Files = Callable[[str], list[Path]]


def rewrite(path: Path, change: Callable[[Image.Image], Image.Image]) -> None:
    with Image.open(path) as picture:
        picture.load()
    change(picture).save(path)


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def test_everything_that_is_broken_is_told_at_once(home: Path, train: Files) -> None:
    images, masks = train("images"), train("masks")
    cut(images[0], 0.6)
    images[1].write_bytes(b"")
    images[2].write_text("no image")
    cut(masks[3], 0.5)
    rewrite(masks[4], lambda mask: mask.transpose(Image.Transpose.ROTATE_90))
    rewrite(masks[5], lambda mask: mask.resize((40, 30)))
    rewrite(masks[6], lambda mask: Image.new("L", mask.size))
    rewrite(masks[7], lambda mask: Image.new("L", mask.size, 255))
    rewrite(masks[8], lambda mask: Image.fromarray(255 - np.asarray(mask.convert("L"))))
    rewrite(masks[9], lambda mask: Image.fromarray(np.asarray(mask.convert("L")) // 3 + 30))
    rewrite(images[10], lambda image: Image.new("RGB", image.size, (3, 3, 3)))
    told = {(one.kind, one.image_id) for one in verify_dataset("phantoms", home).findings}
    stems = [path.stem for path in images]
    expected = [
        "image unusable", "image unusable", "image unusable", "mask unusable", "mask turned", "mask size",
        "mask empty", "mask full", "mask inverted", "mask grey", "image black",
    ]  # fmt: skip
    assert set(zip(expected, stems, strict=False)) <= told
    assert {kind for kind, _ in told} - set(expected) <= {"mask at all borders"}


def test_a_jpeg_cut_short_at_its_very_end_is_found_in_the_eighth_scale(train: Files) -> None:
    image = train("images")[0]
    cut(image, 0.97)
    (finding,) = examine_item(Item("a", image)).findings
    assert (finding.kind, finding.image_id) == ("image unusable", "a")
    assert "truncated or damaged" in finding.detail
    assert KINDS[finding.kind].hint.startswith("Run `attnmel fetch` again")


def test_a_mask_that_lies_as_the_image_is_stored_is_turned(train: Files) -> None:
    image = train("images")[0]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    with Image.open(image) as picture:
        picture.load()
    picture.save(image, exif=exif)
    (finding,) = examine_item(Item("a", image, train("masks")[0])).findings
    assert finding.kind == "mask turned"
    assert finding.detail == "120 x 90 pixels; its image is 90 x 120"


def test_an_inverted_palette_is_sound_once_it_is_grey(train: Files) -> None:
    mask = train("masks")[0]
    with Image.open(mask) as picture:
        grey = np.asarray(picture.convert("L"))
    palette = Image.new("P", (grey.shape[1], grey.shape[0]))
    palette.putdata((grey <= 127).astype(np.uint8).ravel().tolist())
    palette.putpalette([255, 255, 255, 0, 0, 0])
    palette.save(mask)
    assert examine_item(Item("a", train("images")[0], mask)).findings == ()


def test_a_small_image_among_larger_ones_is_told(home: Path, train: Files) -> None:
    image, mask = train("images")[0], train("masks")[0]
    rewrite(image, lambda one: one.resize((40, 30)))
    rewrite(mask, lambda one: one.resize((40, 30), Image.Resampling.NEAREST))
    superpixels, small = verify_dataset("phantoms", home).findings
    assert (small.kind, small.image_id) == ("image small", image.stem)
    assert (superpixels.kind, superpixels.image_id) == ("superpixels unusable", image.stem)
    assert small.detail == "its shorter side has 30 pixels; half of the images have 90"


@pytest.mark.parametrize(("marked", "expected"), [(0, ["no feature marked"]), (1, [])])
def test_features_may_be_empty_but_not_all_of_them(marked: int, expected: list[str], tmp_path: Path) -> None:
    image = tmp_path / "i.png"
    Image.new("RGB", (30, 20), (200, 160, 140)).save(image)
    features = []
    for number in range(5):
        path = tmp_path / f"f{number}.png"
        Image.new("L", (30, 20), 255 if number < marked else 0).save(path)
        features.append(path)
    found = examine_item(Item("i", image, None, tuple(features)))
    assert [one.kind for one in found.findings] == expected
    assert found.size == (30, 20)


def test_a_mask_that_lies_wrongly_where_its_size_does_not_tell_is_found_by_colours(tmp_path: Path) -> None:
    pixels, lesion = spot_on_skin(120, 90, centre=(40, 30), radii=(22, 14))
    Image.fromarray(pixels).save(tmp_path / "a.png")
    mask = Image.fromarray(lesion.astype(np.uint8) * np.uint8(255))
    item = Item("a", tmp_path / "a.png", tmp_path / "mask.png")
    mask.save(tmp_path / "mask.png")
    assert examine_item(item).findings == ()
    mask.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "mask.png")
    (finding,) = examine_item(item).findings
    assert (finding.kind, finding.severity) == ("mask turned by colours", "warning")
    assert finding.detail.startswith("after a half turn its border would fit the colours better: ")
    assert examine_item(item).has_usable_mask


def test_a_red_mask_is_told_as_what_it_is_and_as_what_it_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 160, 150)).save(tmp_path / "a.png")
    mask = Image.new("RGB", (40, 30))
    mask.paste((255, 0, 0), (10, 10, 30, 20))
    mask.save(tmp_path / "mask.png")
    found = examine_item(Item("a", tmp_path / "a.png", tmp_path / "mask.png")).findings
    assert [one.kind for one in found] == ["mask coloured", "mask grey", "mask empty"]
    assert found[0].detail.endswith("(255, 0, 0): read as grey 76, which counts as skin")


def test_superpixels_that_a_prior_cannot_be_made_of_are_told(home: Path, train: Files) -> None:
    first, second = train("images")[:2]
    features = home / "data" / "phantoms" / "ISIC-2017_Training_Part2_GroundTruth"
    rewrite(first.with_name(f"{first.stem}_superpixels.png"), lambda picture: picture.resize((40, 30)))
    (features / f"{second.stem}_features.json").write_text("{}")
    size, lists = verify_dataset("phantoms", home).findings
    assert (size.kind, size.image_id, lists.image_id) == ("superpixels unusable", first.stem, second.stem)
    assert "is 40 x 30 pixels, but its image is 120 x 90" in size.detail
    assert "lacks pigment_network" in lists.detail
