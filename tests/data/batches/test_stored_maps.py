"""Stored maps are those that were made; a build that was stopped goes on; what is not whole is never taken for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from attnmel.data.batches.stored_maps import PART, StoredMaps, Wanted, open_maps
from attnmel.errors import AttnmelError, ImageError

SHAPES = {3: (4, 4, 3), 4: (2, 2, 5), 5: (1, 1, 6)}
IMAGES, VIEWS = PART + 6, 3
WANTED = Wanted("key", tuple(f"i{number}" for number in range(IMAGES)), VIEWS, SHAPES)


def expected(image: int, view: int) -> dict[int, np.ndarray]:
    """Maps that tell their place by their values."""
    random = np.random.default_rng([image, view])
    return {pool: random.normal(size=shape).astype(np.float16) for pool, shape in SHAPES.items()}


class Stopped(Exception):  # noqa: N818 - it stands for Ctrl-C
    """A build was interrupted."""


class Making:
    """Makes the maps in batches of a size that divides nothing, counts its views, and can stop on the way."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.made, self.stop_after = 0, stop_after

    def __call__(self, images: range) -> Iterator[dict[int, np.ndarray]]:
        """Give the maps of some images."""
        every = [(image, view) for image in images for view in range(VIEWS)]
        for start in range(0, len(every), 5):
            if self.stop_after is not None and self.made >= self.stop_after:
                raise Stopped
            some = [expected(*one) for one in every[start : start + 5]]
            self.made += len(some)
            yield {pool: np.stack([one[pool] for one in some]) for pool in SHAPES}


def assert_right(stored: StoredMaps) -> None:
    places, views = np.array([0, IMAGES - 1, PART, 5, 5]), np.array([2, 0, 1, 1, 1])
    gathered = stored.gather(places, views)
    averaged = stored.means.gather(places, views)
    for number, (place, view) in enumerate(zip(places, views, strict=True)):
        for pool, maps in expected(place, view).items():
            assert np.array_equal(gathered[pool][number], maps)
            assert averaged[pool].dtype == np.float32
            mean = maps.astype(np.float64).mean((0, 1))
            assert np.allclose(averaged[pool][number, 0, 0], mean, rtol=0, atol=1e-6)


def test_stored_maps_are_those_that_were_made_and_are_made_once(tmp_path: Path) -> None:
    making, again = Making(), Making()
    assert_right(open_maps(WANTED, making, home=tmp_path))
    stored = open_maps(WANTED, again, home=tmp_path)
    assert_right(stored)
    assert (making.made, again.made) == (IMAGES * VIEWS, 0)
    assert stored.places(["i5", "i0"]).tolist() == [5, 0]


def test_a_stopped_build_is_no_whole_one_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        open_maps(WANTED, Making(stop_after=PART * VIEWS + 5), home=tmp_path)
    (folder,) = (tmp_path / "cache").glob("maps-*")
    assert sorted(path.name for path in folder.iterdir()) == ["maps-0000.bin", "means-0000.bin"]
    going_on = Making()
    assert_right(open_maps(WANTED, going_on, home=tmp_path))
    assert going_on.made == (IMAGES - PART) * VIEWS


@pytest.mark.parametrize("name", ["maps-0001.bin", "means-0000.bin"])
def test_a_file_cut_short_is_made_again(name: str, tmp_path: Path) -> None:
    folder = open_maps(WANTED, Making(), home=tmp_path).path
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-7])
    assert_right(open_maps(WANTED, Making(), home=tmp_path))


def test_a_file_cut_short_while_it_is_read_is_said(tmp_path: Path) -> None:
    stored = open_maps(WANTED, Making(), home=tmp_path)
    (stored.path / "maps-0001.bin").write_bytes(b"")
    with pytest.raises(ImageError, match=r"maps-0001.bin is damaged: delete the folder .*maps-key and run again"):
        stored.gather(np.array([PART]), np.array([0]))


def test_maps_of_another_image_are_not_given(tmp_path: Path) -> None:
    stored = open_maps(WANTED, Making(), home=tmp_path)
    with pytest.raises(ImageError, match="holds no maps of other; open the maps of these images"):
        stored.places(["i0", "other"])


def test_a_disk_too_small_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=50_000_000))
    making = Making()
    with pytest.raises(AttnmelError) as error:
        open_maps(WANTED, making, home=tmp_path)
    assert str(error.value) == (
        "210 views' maps of the frozen layers need 67.1 MB, but 50.0 MB are free in "
        f"{tmp_path / 'cache'}; free some space, name another place with --home, or set training.views "
        "lower or training.cache_maps=false"
    )
    assert making.made == 0
    assert list(tmp_path.iterdir()) == []
