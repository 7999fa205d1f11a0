import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from attnmel.errors import ConfigError
from attnmel.evaluation.comparison.permutation import rank_p, share_p
from attnmel.evaluation.statistics.hypothesis_tests import mcnemar_p


def task(generator: np.random.Generator, images: int, gain: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    positive = np.arange(images) < images // 3
    shared = generator.normal(size=images)
    first, second = (positive * apart + shared + generator.normal(size=images) for apart in (1.0, 1.0 + gain))
    return positive, first, second


def by_every_swap(positive: np.ndarray, first: np.ndarray, second: np.ndarray, unit: np.ndarray) -> dict[str, float]:
    """Swap mid-ranks in every possible way and ask scikit-learn each time."""
    ranks = np.stack([stats.rankdata(first), stats.rankdata(second)])
    measures = {"auc": roc_auc_score, "ap": average_precision_score}
    found: dict[str, list[float]] = {name: [] for name in measures}
    for coins in itertools.product((0, 1), repeat=int(unit.max()) + 1):
        swapped = np.array(coins)[unit]
        there, back = np.where(swapped, ranks[::-1], ranks)
        for name, measure in measures.items():
            found[name].append(abs(float(measure(positive, back)) - float(measure(positive, there))))
    return {name: float(np.mean(np.array(gaps) >= gaps[0] - 1e-12)) for name, gaps in found.items()}


@pytest.mark.parametrize("seed", range(2))
def test_p_is_near_that_of_every_possible_swap_by_scikit_learn(seed: int) -> None:
    one = task(np.random.default_rng(seed), 6, gain=1.0)
    exact = by_every_swap(*one, np.arange(6))
    assert rank_p(*one, np.arange(6), permutations=5000) == pytest.approx(exact, abs=0.03)


def test_images_of_one_lesion_are_swapped_together() -> None:
    one = task(np.random.default_rng(5), 12, gain=1.5)
    unit = np.arange(12) // 2
    exact = by_every_swap(*one, unit)
    found = rank_p(*one, unit, permutations=20_000)
    assert found == pytest.approx(exact, abs=0.015)
    # Six coins have 64 outcomes: no p can be below 2 / 64, as swapping all gives the same difference.
    assert min(found.values()) > 0.02


@pytest.mark.parametrize("simulations", [80, pytest.param(300, marks=pytest.mark.slow)])
def test_without_a_difference_p_is_uniform(simulations: int) -> None:
    generator = np.random.default_rng(0)
    p_values = np.array(
        [
            list(rank_p(*task(generator, 60), np.arange(60), permutations=199, seed=n).values())
            for n in range(simulations)
        ]
    )
    for column in p_values.T:
        # p takes steps of 1 / 200: a little noise makes it continuous.
        smooth = column - generator.random(simulations) / 200
        assert stats.kstest(smooth, "uniform").pvalue > 0.01
        assert np.mean(column <= 0.05) == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / simulations) ** 0.5)


def test_a_clear_difference_gives_the_least_p_that_so_many_permutations_can() -> None:
    positive, first, _ = task(np.random.default_rng(1), 200)
    found = rank_p(positive, first, positive + 0.01 * first, np.arange(200), permutations=499)
    assert found == {"auc": 1 / 500, "ap": 1 / 500}


def test_predictors_that_rank_alike_are_equal_whatever_their_scale() -> None:
    positive, first, _ = task(np.random.default_rng(2), 50)
    assert rank_p(positive, first, np.exp(first) / 1000, np.arange(50), permutations=99) == {"auc": 1, "ap": 1}


def test_shares_swapped_image_by_image_give_mcnemar_s_p() -> None:
    gained = np.array([1.0] * 14 + [-1.0] * 4 + [0.0] * 40)
    found = share_p((gained / 58)[:, None], np.arange(58), permutations=50_000)
    assert found == pytest.approx([mcnemar_p(4, 14)], abs=0.005)


def test_the_seed_decides_and_chunks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    one = task(np.random.default_rng(3), 40)
    found = rank_p(*one, np.arange(40), permutations=300, seed=4)
    monkeypatch.setattr("attnmel.evaluation.comparison.permutation.CHUNK", 7 * 80)
    assert rank_p(*one, np.arange(40), permutations=300, seed=4) == found
    assert rank_p(*one, np.arange(40), permutations=300, seed=5) != found


def test_no_permutation_is_refused() -> None:
    with pytest.raises(ConfigError, match="permutations must be at least 1, got 0"):
        rank_p(*task(np.random.default_rng(0), 9), np.arange(9), permutations=0)
