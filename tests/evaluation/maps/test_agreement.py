import numpy as np
import pytest
from scipy.stats import spearmanr

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.agreement import map_likeness, rank_correlations


def random_maps(seed: int, levels: int = 0) -> np.ndarray:
    maps = np.random.default_rng(seed).random((4, 16, 16)).astype(np.float32)
    return np.floor(maps * levels) / levels if levels else maps


@pytest.mark.parametrize("levels", [0, 3])
def test_rank_correlations_are_scipys_ties_included(levels: int) -> None:
    maps = {"a": random_maps(0, levels), "b": random_maps(1, levels), "c": random_maps(0, levels) + random_maps(2)}
    for (first, second), values in rank_correlations(maps).items():
        expected = [spearmanr(*(maps[name][row].ravel() for name in (first, second)))[0] for row in range(4)]
        assert values == pytest.approx(expected, abs=1e-12)


def test_a_map_is_wholly_like_itself_and_its_contrary_is_the_opposite() -> None:
    maps = random_maps(0)
    same = map_likeness(maps, np.sqrt(maps))
    assert same["spearman"] == pytest.approx(np.ones(4))
    assert map_likeness(maps, maps)["jaccard"].tolist() == [1] * 4
    contrary = map_likeness(maps, 1 - maps)
    assert contrary["spearman"] == pytest.approx(-np.ones(4))
    assert contrary["jaccard"].tolist() == [0] * 4


def test_a_constant_map_is_like_nothing() -> None:
    maps = random_maps(0)
    flat = np.full_like(maps, 0.4)
    assert np.isnan(map_likeness(maps, flat)["spearman"]).all()
    assert map_likeness(flat, flat)["jaccard"].tolist() == [1] * 4


def test_maps_of_other_shapes_are_refused_and_no_map_agrees_with_none() -> None:
    with pytest.raises(PredictionsError, match="maps of unequal shape"):
        rank_correlations({"a": random_maps(0), "b": random_maps(0)[:2]})
    assert rank_correlations({}) == {}
