"""Settings and cards of checkpoints are held to the same limits, and none of them is written twice."""

from typing import get_type_hints

import pytest

from attnmel.config import recipe
from attnmel.config.fields import LARGEST_SIZE, STRIDE, check_names, fold_numbers, prepared_side
from attnmel.config.load import load_recipe
from attnmel.config.settings.data import Statistics
from attnmel.models.weights.card import Card


def test_a_card_and_the_settings_share_every_limit() -> None:
    card = get_type_hints(Card, include_extras=True)
    groups = {
        recipe.DataSettings: ("classes", "positives", "crop", "crop_margin", "crops", "size"),
        recipe.ModelSettings: ("width",),
        Statistics: ("mean", "std"),
    }
    for group, names in groups.items():
        own = get_type_hints(group, include_extras=True)
        for name in names:
            assert card[name] == own[name], name
            limits = ("Field", "ge=", "Validator", "Literal")
            assert any(limit in str(card[name]) for limit in limits), f"{name} has limits"


def test_the_largest_size_is_one_that_fits_and_makes_a_whole_side() -> None:
    assert LARGEST_SIZE % STRIDE == 0
    assert (prepared_side(224), prepared_side(LARGEST_SIZE)) == (256, 2048)
    assert load_recipe("demo", [f"data.size={LARGEST_SIZE}"]).data.side == 2048


def test_names_are_told_by_what_they_are() -> None:
    check_names(("a", "b"), positives=("b",), repeats={"a": 2})
    with pytest.raises(ValueError, match="classes are doubled: a, a"):
        check_names(("a", "a"))
    with pytest.raises(ValueError, match="positives are doubled: b, b"):
        check_names(("a", "b"), positives=("b", "b"))
    with pytest.raises(ValueError, match="positives and repeats name c, d; known: a, b"):
        check_names(("a", "b"), positives=("c",), repeats={"d": 2})


def test_a_fold_is_a_part_of_several() -> None:
    assert (fold_numbers("1/2"), fold_numbers("5/5"), fold_numbers("10/12")) == ((1, 2), (5, 5), (10, 12))
    for wrong in ("0/5", "6/5", "1/1", "5", "1/5/5", "-1/5", "a/5", "01/5", ""):
        with pytest.raises(ValueError, match=r"expected the number of a part .* such as 1/5 to 5/5"):
            fold_numbers(wrong)
