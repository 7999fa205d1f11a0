"""The card as text contains what a user must know."""

from pathlib import Path

import pytest

from attnmel.pretrained.card import Measured
from attnmel.pretrained.card_text import card_text
from attnmel.pretrained.catalogue import ANY, find_model


def test_measures_thresholds_calibration_limits_and_licences_are_in_the_text(models: Path) -> None:
    model = find_model(ANY)
    assert model is not None
    card = model.card
    text = card_text(card)
    auc = card.measure("auc")
    assert f"  melanoma, auc: {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})" in text.splitlines()
    assert len(card.operating) == 3
    for one in card.operating:
        assert f"melanoma above {one.threshold!r}, target sensitivity {one.target:g}" in text
        found, least, most = one.chosen[0].value, one.chosen[0].low, one.chosen[0].high
        assert f"where chosen: sensitivity {found:.3f} ({least:.3f} to {most:.3f}), specificity " in text
        assert f", on {one.chosen_images} images ({one.chosen_positives} melanoma)" in text
    for part in ("calibrated: temperature", "It knows nothing of skin.", card.licence, card.notice, card.chosen_on):
        assert part in " ".join(text.split())


def test_the_mean_over_transforms_is_named_where_there_is_one(models: Path) -> None:
    model = find_model(ANY)
    assert model is not None
    said = "probabilities are means over 8 transforms of each image (dihedral)"
    assert said in card_text(model.card.model_copy(update={"transforms": "dihedral"})).splitlines()
    assert "transforms" not in card_text(model.card)


@pytest.mark.parametrize(("low", "high", "said"), [(0.2, 0.7, "too low"), (-0.7, -0.2, "too high"), (-0.2, 0.2, "")])
def test_probabilities_that_are_shown_to_be_too_low_or_too_high_are_said_to_be(
    models: Path, low: float, high: float, said: str
) -> None:
    model = find_model(ANY)
    assert model is not None
    intercept = Measured(task="melanoma", measure="intercept", value=(low + high) / 2, low=low, high=high)
    calibration = model.card.calibration.model_copy(update={"after": (intercept,)})
    text = card_text(model.card.model_copy(update={"calibration": calibration}))
    assert [side for side in ("too low", "too high") if f"the probabilities are {side} on the whole" in text] == (
        [said] if said else []
    )
    assert "melanoma, sensitivity above a probability of 0.5: " in text
