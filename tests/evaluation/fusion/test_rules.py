"""Rules of fusion against plain loops and the properties that their papers give them."""

import numpy as np
import pytest
from scipy.stats import rankdata

from attnmel.errors import PredictionsError
from attnmel.evaluation.fusion.rules import accuracies, confident, mean, most_extreme, rank_mean, weighted


@pytest.fixture
def members() -> np.ndarray:
    """Three members' probabilities of 40 images and 3 classes."""
    drawn = np.random.default_rng(0).random((3, 40, 3))
    return drawn / drawn.sum(axis=2, keepdims=True)


def test_equal_accuracies_give_the_plain_mean(members: np.ndarray) -> None:
    np.testing.assert_allclose(weighted(members, np.full(3, 0.8)), members.mean(axis=0), atol=1e-15)
    np.testing.assert_allclose(mean(members), members.mean(axis=0), atol=0)


def test_a_member_of_accuracy_0_has_no_influence(members: np.ndarray) -> None:
    other = np.concatenate([members[:2], members[2:][:, ::-1]])
    for rule in (weighted, confident):
        weights = np.array([0.9, 0.4, 0.0])
        np.testing.assert_array_equal(rule(members, weights), rule(other, weights))
        np.testing.assert_allclose(rule(members, np.array([0.0, 0.5, 0.0])), members[1], atol=1e-15)


def test_accuracies_of_0_alone_are_refused(members: np.ndarray) -> None:
    with pytest.raises(PredictionsError) as refused:
        weighted(members, np.zeros(3))
    assert str(refused.value) == ("no member classifies any validation image right, so all weights are 0; fuse by mean")


def test_weighted_is_the_normalised_sum_of_accuracy_times_probability(members: np.ndarray) -> None:
    weights = np.array([0.9, 0.7, 0.2])
    scores = np.sum([w * one for w, one in zip(weights, members, strict=True)], axis=0)
    np.testing.assert_allclose(weighted(members, weights), scores / scores.sum(axis=1, keepdims=True), atol=1e-15)


def test_confidence_is_the_normalised_sum_of_accuracy_times_highest_probability_times_probability(
    members: np.ndarray,
) -> None:
    weights, found = np.array([0.9, 0.7, 0.2]), confident(members, np.array([0.9, 0.7, 0.2]))
    for image in range(members.shape[1]):
        scores = np.sum([weights[k] * members[k, image].max() * members[k, image] for k in range(3)], axis=0)
        np.testing.assert_allclose(found[image], scores / scores.sum(), atol=1e-15)


def test_members_that_give_0_to_every_class_are_averaged() -> None:
    np.testing.assert_array_equal(confident(np.zeros((2, 1, 2)), np.ones(2)), [[0, 0]])


def test_accuracy_is_the_share_of_images_called_right() -> None:
    two = np.array([[[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]], [[0.1, 0.9], [0.9, 0.1], [0.6, 0.4]]])
    np.testing.assert_array_equal(accuracies(two, np.array([0, 1, 1])), [1, 0])


def test_rank_mean_averages_ties_and_depends_on_the_order_alone(members: np.ndarray) -> None:
    members[0, :7] = members[0, 0]
    expected = np.mean([[rankdata(one[:, c]) for c in range(3)] for one in members], axis=0).T
    np.testing.assert_allclose(rank_mean(members), (expected - 0.5) / 40, atol=1e-15)
    np.testing.assert_allclose(rank_mean(members**3), rank_mean(members), atol=1e-15)
    assert 0 < rank_mean(members).min() < rank_mean(members).max() < 1


def test_ranks_of_two_classes_add_up_to_1(members: np.ndarray) -> None:
    two = np.stack([members[:, :, 0], 1 - members[:, :, 0]], axis=2)
    np.testing.assert_allclose(rank_mean(two).sum(axis=1), 1)


def test_the_most_extreme_of_equal_scores_is_that_score(members: np.ndarray) -> None:
    np.testing.assert_array_equal(most_extreme(np.stack([members[0]] * 7)), members[0])


def test_the_most_extreme_is_the_farthest_from_one_half_in_any_order() -> None:
    scores = np.array([[0.6, 0.9, 0.3, 0.5], [0.45, 0.2, 0.7, 0.5], [0.5, 0.85, 0.6, 0.5]])
    np.testing.assert_allclose(most_extreme(scores), [0.6, 0.9, 0.5, 0.5])
    np.testing.assert_array_equal(most_extreme(scores[::-1]), most_extreme(scores))
    np.testing.assert_allclose(most_extreme(1 - scores), 1 - most_extreme(scores))


@pytest.mark.parametrize("rule", [mean, rank_mean, most_extreme])
def test_two_identical_members_are_one_and_their_order_does_not_matter(rule, members: np.ndarray) -> None:  # noqa: ANN001
    np.testing.assert_allclose(rule(np.stack([members[0]] * 2)), rule(members[:1]), atol=1e-15)
    np.testing.assert_allclose(rule(members[::-1]), rule(members), atol=1e-15)
