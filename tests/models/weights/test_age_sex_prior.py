import math

import numpy as np
import pytest

from attnmel.errors import LabelError
from attnmel.models.weights.age_sex_prior import CELLS, AgeSexPrior, cell_of, fit_age_sex_prior

CLASSES = ("rest", "melanoma")
AGES = ("25", "25", "65", "65", "65", "", "45")
SEXES = ("female", "female", "male", "male", "male", "male", "")
LABELS = (0, 0, 0, 1, 1, 1, 0)


@pytest.fixture
def prior() -> AgeSexPrior:
    return fit_age_sex_prior(LABELS, CLASSES, {"age": AGES, "sex": SEXES})


@pytest.mark.parametrize(
    ("age", "sex", "cell"),
    [
        ("0", "male", "0-29 male"),
        ("29.5", "male", "0-29 male"),
        ("30", "female", "30-39 female"),
        ("69", "female", "60-69 female"),
        ("70", "male", "70+ male"),
        ("120", "male", "70+ male"),
        ("", "male", None),
        ("55", "", None),
        ("55", "other", None),
        ("nan", "male", None),
        ("-1", "male", None),
    ],
)
def test_cells_are_bands_of_age_for_each_sex(age: str, sex: str, cell: str | None) -> None:
    assert cell_of(age, sex) == cell


def test_images_without_age_or_sex_are_not_counted(prior: AgeSexPrior) -> None:
    assert prior.counts == {"rest": {"0-29 female": 2, "60-69 male": 1}, "melanoma": {"60-69 male": 2}}
    assert prior.images == 5


@pytest.mark.parametrize("temperature", [None, 1.7])
def test_log_odds_get_the_logarithm_of_the_ratio_of_shares(prior: AgeSexPrior, temperature: float | None) -> None:
    ratio = ((2 + 1) / (2 + CELLS)) / ((1 + 1) / (3 + CELLS))
    before = np.array([[0.7, 0.3], [0.7, 0.3]])
    found = prior.adjusted(before, CLASSES, ("65", "66"), ("male", "female"), temperature)
    expected = math.log(0.3 / 0.7) + math.log(ratio) / (temperature or 1)
    assert math.log(found[0, 1] / found[0, 0]) == pytest.approx(expected)
    assert found.sum(axis=1) == pytest.approx(1)


def test_shares_of_all_cells_add_up(prior: AgeSexPrior) -> None:
    cells = {cell_of(str(age), sex) for age in range(100) for sex in ("female", "male")}
    assert len(cells) == CELLS
    for name in CLASSES:
        assert sum(prior.share(name, str(cell)) for cell in cells) == pytest.approx(1)


def test_what_is_not_known_leaves_the_probability_as_it_is(prior: AgeSexPrior) -> None:
    before = np.array([[1 / 3, 2 / 3], [0.1, 0.9], [1e-9, 1 - 1e-9]])
    found = prior.adjusted(before, CLASSES, ("", "65", ""), ("male", "", ""))
    assert np.array_equal(found, before)


def test_with_several_classes_the_odds_of_any_two_change_by_the_ratio_of_their_shares() -> None:
    classes = ("MEL", "NV", "BCC")
    prior = fit_age_sex_prior((0, 0, 1, 1, 1, 2), classes, {"age": ("80",) * 6, "sex": ("male",) * 6})
    before = np.array([[0.2, 0.5, 0.3]])
    found = prior.adjusted(before, classes, ("80",), ("male",))
    for one, other in ((0, 1), (1, 2), (0, 2)):
        ratio = prior.share(classes[one], "70+ male") / prior.share(classes[other], "70+ male")
        assert found[0, one] / found[0, other] == pytest.approx(before[0, one] / before[0, other] * ratio)


def test_a_class_without_known_age_and_sex_is_one_sentence() -> None:
    with pytest.raises(LabelError) as raised:
        fit_age_sex_prior((0, 1), CLASSES, {"age": ("50", ""), "sex": ("male", "male")})
    assert str(raised.value) == (
        "a prior of age and sex needs training images of each class whose age and sex are known, but there is none of "
        "melanoma; add the columns age and sex to the labels, or leave the prior out"
    )
    with pytest.raises(LabelError, match="none of rest, melanoma"):
        fit_age_sex_prior((0, 1), CLASSES, {})
