"""A fusion is fitted to validation predictions alone: its weights, stacks and folds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from tests.factories import informed_probabilities

from attnmel.config.fusion import FITTED_RULES, Rule
from attnmel.errors import LabelError, PredictionsError
from attnmel.evaluation.fusion import stack
from attnmel.evaluation.fusion.fusion import fit_fusion, unfitted
from attnmel.evaluation.fusion.stack import COSTS, combinations, fit_stack, log_odds

FOLD_OF = np.arange(60) % 5


def drawn(classes: int, members: int = 2, images: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Members' probabilities, better than chance, of the same images."""
    chance = np.random.default_rng(1)
    labels = np.arange(images) // 5 % classes
    logits = chance.normal(size=(members, images, classes))
    logits[:, np.arange(images), labels] += 1
    return np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True), labels


def test_weights_are_the_accuracies_on_the_validation_images() -> None:
    members, labels = drawn(3)
    for by in ("weighted", "confidence"):
        found = fit_fusion(by, members, labels).fusion
        expected = [np.mean(one.argmax(axis=1) == labels) for one in members]
        np.testing.assert_array_equal(found.weights, expected)


@pytest.mark.parametrize(("by", "classes"), [("stack", 2), ("stack-extreme", 3)])
def test_a_stack_gives_the_same_bits_under_a_seed_and_takes_copies_of_a_member_as_one(
    by: Rule, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "COSTS", (1.0,))
    members, labels = drawn(classes)
    first = fit_fusion(by, members, labels, FOLD_OF, seed=3)
    again = fit_fusion(by, members, labels, FOLD_OF, seed=3)
    np.testing.assert_array_equal(first.validation, again.validation)
    np.testing.assert_array_equal(first.fusion(members), again.fusion(members))
    doubled = np.concatenate([members, members[:1]])
    with_copy = fit_fusion(by, doubled, labels, FOLD_OF, seed=3)
    np.testing.assert_allclose(with_copy.fusion(doubled), first.fusion(members), atol=1e-12)
    if classes == 2:
        np.testing.assert_allclose(first.validation.sum(axis=1), 1)


def test_no_image_is_predicted_by_a_model_that_was_fitted_on_its_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "COSTS", (1.0,))
    members, labels = drawn(2)
    first = fit_stack(members[:, :, 1], labels == 1, FOLD_OF, seed=0)
    other = labels.copy()
    held = np.flatnonzero(FOLD_OF == 2)
    other[held[:2]] = 1 - other[held[:2]]
    second = fit_stack(members[:, :, 1], other == 1, FOLD_OF, seed=0)
    np.testing.assert_array_equal(first.held_out[:, held], second.held_out[:, held])
    assert not np.array_equal(first.held_out[:, FOLD_OF == 1], second.held_out[:, FOLD_OF == 1])
    assert not np.array_equal(first.stack.slopes, second.stack.slopes)


def test_a_stack_ranks_better_than_its_worst_member_on_other_images() -> None:
    chance = np.random.default_rng(2)
    labels, good = informed_probabilities(chance, 400, (0.6, 0.4), apart=2)
    members = np.stack([good, chance.dirichlet((1, 1), 400)])
    fusion = fit_fusion("stack", members[:, :200], labels[:200], np.arange(200) % 5).fusion
    fused, truth = fusion(members[:, 200:])[:, 1], labels[200:] == 1
    pairs = fused[truth][:, None] > fused[~truth][None]
    plain = members[:, 200:, 1].mean(axis=0)
    assert pairs.mean() > (plain[truth][:, None] > plain[~truth][None]).mean()


def test_log_odds_are_to_base_2_and_clipped() -> None:
    np.testing.assert_allclose(
        log_odds(np.array([[0.5, 0.8, 0, 1]])), [[0, 2, *np.log2([1e-5, 1e5] / np.array([0.99999, 0.99999**-1]))]]
    )


def test_every_combination_has_a_member_and_none_has_another_draw_under_the_seed() -> None:
    found = combinations(4, seed=5)
    assert found.shape == (100, 4)
    assert found.any(axis=1).all()
    assert 1 < len(np.unique(found, axis=0)) <= 15
    np.testing.assert_array_equal(found, combinations(4, seed=5))


def test_rules_of_validation_refuse_images_without_labels_and_stacks_without_folds() -> None:
    members, labels = drawn(2)
    for by in FITTED_RULES:
        with pytest.raises(PredictionsError, match="1 of 60 validation images have no label"):
            fit_fusion(by, members, np.append(labels[:-1], -1), FOLD_OF)
    with pytest.raises(LabelError):
        fit_fusion("stack", members, labels)


@pytest.mark.parametrize("by", ["mean", "rank", "extreme"])
def test_other_rules_need_no_labels(by: Rule) -> None:
    members, _ = drawn(3)
    found = fit_fusion(by, members, np.full(60, -1))
    np.testing.assert_array_equal(found.validation, unfitted(by, 2)(members))


def test_the_models_of_a_class_predict_that_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three classes each has models of its own: on the images of the fit as those that did not see their fold."""
    monkeypatch.setattr(stack, "COSTS", (1.0,))
    members, labels = drawn(3)
    fusion, validation = fit_fusion("stack", members, labels, FOLD_OF)
    fused = fusion(members)
    for place in range(3):
        assert np.corrcoef(fused[:, place], validation[:, place])[0, 1] > 0.9
        assert fused[labels == place, place].mean() > fused[labels != place, place].mean() + 0.1


def test_the_cost_is_the_one_of_the_highest_auc_on_folds_by_scikit_learn() -> None:
    members, labels = drawn(2, members=4)
    scores, folds = members[:, :, 1], PredefinedSplit(FOLD_OF)
    means = [
        cross_val_score(LogisticRegression(C=cost), log_odds(scores).T, labels, cv=folds, scoring="roc_auc").mean()
        for cost in COSTS
    ]
    assert max(means) > min(means) + 0.001, "the cost matters here"
    assert fit_stack(scores, labels == 1, FOLD_OF, seed=0).cost == COSTS[int(np.argmax(means))]
