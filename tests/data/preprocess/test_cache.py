import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.factories import Recorder
from tests.strangers.images.make_images import P3_XY, icc

from attnmel.data.preprocess import array_file
from attnmel.data.preprocess import cache as cache_module
from attnmel.data.preprocess.cache import Cache, channel_statistics, open_cache
from attnmel.data.preprocess.images import image_size, prepared_image, prepared_mask
from attnmel.errors import AttnmelError, ImageError, LabelError
from attnmel.files.folders import cache_folder, replacing
from attnmel.records import Lesion

SIDE = 16


@pytest.fixture
def lesions(tmp_path: Path) -> list[Lesion]:
    """Five images of three shapes, the last without a mask; not in the order of their ids."""
    random = np.random.default_rng(0)
    made = []
    shapes = {3: (30, 20), 1: (20, 30), 0: (25, 25), 2: (30, 20), 4: (40, 20)}
    for number, (width, height) in shapes.items():
        name = f"ISIC_{number:07d}"
        pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        mask = np.zeros((height, width), np.uint8)
        mask[5:15, 8:16] = 255
        Image.fromarray(mask).save(tmp_path / f"{name}_mask.png")
        made.append(lesion(tmp_path, name, masked=number != 4))
    return made


def lesion(folder: Path, name: str, *, masked: bool = True) -> Lesion:
    mask = folder / f"{name}_mask.png" if masked else None
    return Lesion(image_id=name, image=folder / f"{name}.png", mask=mask, diagnosis="nevus", split="train")


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Cache]:
    return partial(open_cache, crop=0.8, side=SIDE, home=tmp_path / "home")


class Steps:
    """Progress that remembers its bars."""

    def __init__(self) -> None:
        self.bars: dict[str, tuple[int | None, int]] = {}

    @contextmanager
    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Open a bar at 0."""
        self.bars[label] = (total, 0)

        def advance(steps: int) -> None:
            self.bars[label] = (total, self.bars[label][1] + steps)

        yield advance

    def note(self, message: str) -> None:
        """Refuse: nothing here needs to be said."""
        raise AssertionError(message)


def test_rows_hold_the_prepared_images_in_the_order_of_their_ids(
    lesions: list[Lesion], build: Callable[..., Cache]
) -> None:
    cache = build(lesions)
    assert cache.image_ids == tuple(f"ISIC_{number:07d}" for number in range(5))
    assert cache.has_mask.tolist() == [True, True, True, True, False]
    for one in lesions:
        (row,) = cache.rows([one.image_id])
        np.testing.assert_array_equal(cache.images[row], prepared_image(one.image, crop=0.8, side=SIDE))
        if one.mask:
            expected = prepared_mask(one.mask, image_size=image_size(one.image), crop=0.8, side=SIDE)
            np.testing.assert_array_equal(cache.masks[row], expected)
    assert not cache.masks[4].any()


def test_gathered_rows_are_those_of_the_map(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    cache = build(lesions)
    rows = np.array([3, 0, 3])
    np.testing.assert_array_equal(cache.gather(rows), cache.arrays[rows])
    assert cache.side == SIDE


def test_an_unknown_id_is_named(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    with pytest.raises(LabelError, match="no prepared image of: ISIC_9999999; prepare"):
        build(lesions).rows(["ISIC_0000001", "ISIC_9999999"])


def test_several_processes_write_the_same_as_one(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path
) -> None:
    alone = np.array(build(lesions).arrays)
    shutil.rmtree(cache_folder(tmp_path / "home"))
    np.testing.assert_array_equal(build(lesions, workers=2).arrays, alone)


def test_a_second_start_reads_and_prepares_nothing(lesions: list[Lesion], tmp_path: Path) -> None:
    first, second = Steps(), Steps()
    for steps in (first, second):
        open_cache(lesions, crop=0.8, side=SIDE, home=tmp_path / "home", progress=steps)
    assert first.bars == {"Reading files": (9, 9), "Preparing images": (5, 5)}
    assert second.bars == {}


def test_order_of_the_lesions_makes_no_difference(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    assert build(lesions).key == build(lesions[::-1]).key


def test_changed_parameters_build_another_cache(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    crops = [build(lesions, crop=crop) for crop in (0.8, 0.7, 1, None)]
    caches = [*crops, build(lesions, side=8), build(lesions[:-1])]
    assert len({cache.path for cache in caches}) == 6
    assert build(lesions).path == caches[0].path


@pytest.mark.parametrize("ending", ["", "_mask"])
def test_changed_content_builds_another_cache(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path, ending: str
) -> None:
    before = build(lesions)
    path = tmp_path / f"ISIC_0000001{ending}.png"
    path.write_bytes(path.read_bytes() + b" ")
    assert build(lesions).key != before.key


def test_a_touched_file_is_still_the_same(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    before = build(lesions)
    os.utime(lesions[0].image, (1, 1))
    assert build(lesions).key == before.key


def test_an_interrupted_build_leaves_nothing_and_is_done_again(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(array_file, "write_rows", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(lesions)
    assert [path.name for path in cache_folder(tmp_path / "home").iterdir()] == ["hashes.json"]
    assert build(lesions).arrays.shape == (5, SIDE, SIDE, 4)


@pytest.mark.parametrize("damage", ["shortened", "no contents", "half contents"])
def test_a_damaged_cache_is_built_again(lesions: list[Lesion], build: Callable[..., Cache], damage: str) -> None:
    cache = build(lesions)
    before = np.array(cache.arrays)
    if damage == "shortened":
        os.truncate(cache.path / "pixels.bin", 100)
    elif damage == "no contents":
        (cache.path / "contents.json").unlink()
    else:
        (cache.path / "contents.json").write_text('{"image_ids": [')
    np.testing.assert_array_equal(build(lesions).arrays, before)


@pytest.mark.parametrize("changed", [{"has_mask": None}, {"has_mask": [True]}, {"has_mask": [[1], 2]}, {"key": None}])
def test_damaged_values_of_a_cache_are_one_sentence(
    lesions: list[Lesion], build: Callable[..., Cache], changed: dict[str, object]
) -> None:
    path = build(lesions).path / "contents.json"
    plain = {name: value for name, value in {**json.loads(path.read_text()), **changed}.items() if value is not None}
    path.write_text(json.dumps(plain))
    with pytest.raises(ImageError, match=r"contents\.json is damaged; delete the folder .* and run again"):
        build(lesions)


def test_a_file_cut_short_while_it_is_used_is_an_error(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    cache = build(lesions)
    os.truncate(cache.path / "pixels.bin", 100)
    with pytest.raises(ImageError, match=r"pixels\.bin is damaged: delete the folder"):
        cache.gather(np.array([0]))


def test_a_cache_built_meanwhile_by_another_process_is_taken(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build(lesions).path
    aside = shutil.move(whole, tmp_path / "aside")
    original = array_file.write_rows

    def slower(path: Path, *rows: object, **options: object) -> None:
        original(path, *rows, **options)  # pyright: ignore[reportArgumentType] - handed through
        shutil.move(aside, whole)
        (whole / "statistics.json").write_text("{}")

    monkeypatch.setattr(array_file, "write_rows", slower)
    assert (build(lesions).path / "statistics.json").is_file()
    assert not list(cache_folder(tmp_path / "home").glob(".*"))


def test_what_a_killed_build_left_is_removed_and_a_live_one_is_not(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path
) -> None:
    place = cache_folder(tmp_path / "home")
    dead, live = place / ".0a1b2c3d-dead", place / "live"
    dead.mkdir(parents=True)
    (dead / "pixels.bin").write_bytes(b"some")
    (place / ".0a1b2c3d.lock").touch()  # which nobody has
    with replacing(live) as part:
        part.mkdir()
        build(lesions)
        assert not dead.exists()
        assert part.is_dir()


def test_all_broken_files_are_told_together(lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path) -> None:
    (tmp_path / "ISIC_0000000.png").write_bytes(b"<html>")
    Image.new("L", (9, 9), 255).save(tmp_path / "ISIC_0000001_mask.png")
    Image.new("L", (30, 20)).save(tmp_path / "ISIC_0000002_mask.png")
    with pytest.raises(ImageError) as caught:
        build(lesions)
    first, *others = str(caught.value).splitlines()
    assert first == "3 of 5 images cannot be used:"
    assert [line.split(":")[0].strip() for line in others] == ["ISIC_0000000", "ISIC_0000001", "ISIC_0000002"]
    assert ["no picture" in others[0], "9 x 9" in others[1], "is empty" in others[2]] == [True] * 3
    assert not [path for path in cache_folder(tmp_path / "home").iterdir() if path.is_dir()]


def test_only_the_first_of_many_broken_files_are_listed(tmp_path: Path, build: Callable[..., Cache]) -> None:
    for number in range(8):
        (tmp_path / f"i{number}.png").write_bytes(b"text")
    with pytest.raises(ImageError, match=r"8 of 8 images cannot be used:\n(  i\d: .*\n){5}  and 3 more$"):
        build([lesion(tmp_path, f"i{number}", masked=False) for number in range(8)])


def test_missing_files_are_told_together(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    lesions[0].image.unlink()
    assert lesions[1].mask
    lesions[1].mask.unlink()
    with pytest.raises(ImageError, match=r"2 files of the data set are not there: .*1_mask\.png, .*3\.png; put them"):
        build(lesions)


def test_a_doubled_id_and_an_empty_set_are_refused(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    with pytest.raises(LabelError, match="doubled image ids: ISIC_0000001; expected each image once"):
        build([*lesions, lesions[1]])
    with pytest.raises(LabelError, match="holds no image"):
        build([])


def test_a_disk_too_small_is_told_before_anything_is_decoded(
    lesions: list[Lesion], build: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    with pytest.raises(AttnmelError, match=r"5 prepared images need 67\.\d MB, but 10\.0 MB are free in .*--home"):
        build(lesions)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_is_told_and_leaves_nothing(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = array_file.write_rows

    def to_full_disk(_: Path, *rows: object, **options: object) -> None:
        original(Path("/dev/full"), *rows, **options)  # pyright: ignore[reportArgumentType] - handed through

    monkeypatch.setattr(array_file, "write_rows", to_full_disk)
    with pytest.raises(AttnmelError, match=r"cannot write prepared images to .* \(No space left on device\); free"):
        build(lesions)
    assert [path.name for path in cache_folder(tmp_path / "home").iterdir()] == ["hashes.json"]


def test_forgotten_hashes_are_computed_again(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path
) -> None:
    key = build(lesions).key
    memory = cache_folder(tmp_path / "home") / "hashes.json"
    for content in ("{", "[]", json.dumps({"a": 1})):
        memory.write_text(content)
        assert build(lesions).key == key


def test_a_folder_of_an_earlier_version_opens_as_it_is(
    lesions: list[Lesion], build: Callable[..., Cache], tmp_path: Path
) -> None:
    ids = sorted(one.image_id for one in lesions)
    by_id = {one.image_id: one for one in lesions}

    def digest(path: Path | None) -> str | None:
        return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()

    # As version 1 wrote it: the key, the names of both files, the values in the contents.
    rows = [[one, digest(by_id[one].image), digest(by_id[one].mask)] for one in ids]
    key = hashlib.sha256(json.dumps([1, 0.8, SIDE, rows]).encode()).hexdigest()
    folder = cache_folder(tmp_path / "home") / key
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 4), dtype=np.uint8)
    pixels.tofile(folder / "pixels.bin")
    has_mask = [True, True, True, True, False]
    contents = {"key": key, "crop": 0.8, "side": SIDE, "image_ids": ids, "has_mask": has_mask}
    (folder / "contents.json").write_text(json.dumps(contents))
    cache = build(lesions)
    np.testing.assert_array_equal(cache.arrays, pixels)
    assert (cache.key, cache.path, cache.has_mask.tolist()) == (key, folder, has_mask)


def test_statistics_follow_their_definition(lesions: list[Lesion], build: Callable[..., Cache]) -> None:
    cache = build(lesions)
    rows = np.array([0, 2, 3])
    pixels = np.array(cache.images[rows], dtype=np.float64) / 255
    expected = (pixels.mean(axis=(0, 1, 2)), pixels.std(axis=(1, 2)).mean(axis=0))
    np.testing.assert_allclose(channel_statistics(cache, rows), expected)


def test_statistics_of_more_images_than_are_read_at_once(
    lesions: list[Lesion], build: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, rows = build(lesions), np.arange(5)
    at_once = channel_statistics(cache, rows)
    monkeypatch.setattr(cache_module, "CHUNK", 2)
    np.testing.assert_allclose(channel_statistics(cache, rows), at_once)


def test_images_of_one_colour_have_no_statistics(tmp_path: Path, build: Callable[..., Cache]) -> None:
    Image.new("RGB", (20, 20), (9, 9, 9)).save(tmp_path / "plain.png")
    with pytest.raises(ImageError, match="1 images show no contrast"):
        channel_statistics(build([lesion(tmp_path, "plain", masked=False)]), np.array([0]))


def test_images_of_nearly_one_colour_have_none_that_a_recipe_takes(tmp_path: Path, build: Callable[..., Cache]) -> None:
    """One grey level in one pixel: a spread below what a recipe or a card holds."""
    pixels = np.full((20, 20, 3), 90, np.uint8)
    pixels[10, 10] = 91
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    cache = build([lesion(tmp_path, "plain", masked=False)], crop=1.0, side=20)
    assert cache.images.std(axis=(1, 2)).all()
    with pytest.raises(ImageError, match="1 images show no contrast, or hardly any; expected photographs"):
        channel_statistics(cache, np.array([0]))


def test_images_that_are_converted_are_counted_and_the_cache_says_so_each_time(
    lesions: list[Lesion], build: Callable[..., Cache]
) -> None:
    plain = build(lesions)
    with Image.open(lesions[0].image) as image:
        image.save(lesions[0].image, icc_profile=icc("Display P3", P3_XY, None))
    first, second = Recorder(), Recorder()
    build(lesions, progress=first)
    converted = build(lesions, progress=second)
    assert first.notes == second.notes == ["1 of 5 images: colours converted from Display P3 to sRGB"]
    row = converted.rows([lesions[0].image_id])[0]
    assert np.abs(converted.images[row].astype(int) - plain.images[row]).mean() > 1
    others = [one.image_id for one in lesions[1:]]
    np.testing.assert_array_equal(converted.gather(converted.rows(others)), plain.gather(plain.rows(others)))


def test_images_that_lack_their_end_have_a_cache_of_their_own(
    lesions: list[Lesion], build: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build(lesions).key
    monkeypatch.setenv("ATTNMEL_TRUNCATED", "read")
    assert build(lesions).key != before
