from pathlib import Path

import numpy as np
import pytest

from attnmel.errors import PredictionsError
from attnmel.saliency.map_files import map_file, read_levels

IDS = tuple(f"ISIC_{number}" for number in range(7))


def maps() -> np.ndarray:
    chance = np.random.default_rng(0)
    low, high = chance.uniform(0, 0.4, (7, 1, 1)), chance.uniform(0.5, 1, (7, 1, 1))
    values = (low + (high - low) * chance.random((7, 9, 9))).astype(np.float32)
    values[3] = 0.25
    return values


def written(folder: Path) -> Path:
    with map_file(folder / "cam.npz", IDS, 9, "CC-0") as add:
        for part in np.split(maps(), [3, 6]):
            add(part)
    return folder / "cam.npz"


def test_maps_read_back_to_a_510th_of_their_own_range(tmp_path: Path) -> None:
    with np.load(written(tmp_path)) as arrays:
        assert arrays["image"].tolist() == list(IDS)
        low, high = (arrays[name][:, None, None] for name in ("low", "high"))
        values = low + (high - low) * arrays["levels"] / 255
        assert arrays["licence"] == "CC-0"
    found, expected = np.abs(values - maps()).max(axis=(1, 2)), np.ptp(maps(), axis=(1, 2)) / 510
    assert (found <= expected + 1e-6).all()


def test_levels_are_given_some_at_a_time_and_in_order(tmp_path: Path) -> None:
    path = written(tmp_path)
    parts = list(read_levels(path, IDS, 4))
    assert [len(part) for part in parts] == [4, 3]
    with np.load(path) as arrays:
        np.testing.assert_array_equal(np.concatenate(parts), arrays["levels"])


def test_a_file_that_is_not_the_images_is_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(PredictionsError, match=r"cam\.npz is of other images; run `attnmel explain RUN --split` again"):
        next(read_levels(path, IDS[::-1]))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(PredictionsError, match=r"cam\.npz is missing or damaged; run"):
        next(read_levels(path, IDS))


def test_a_writer_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> None:
        with map_file(tmp_path / "cam.npz", IDS, 9, "CC-0") as add:
            add(maps()[:3])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert not list(tmp_path.iterdir())
