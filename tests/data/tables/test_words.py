"""Words in the cells of tables: what means nothing, ages, sexes, splits and classes."""

import pytest

from attnmel.data.tables.words import (
    age_in_words,
    class_of,
    folded,
    is_exact_age,
    is_unknown,
    sex_in_words,
    split_of,
    word,
)

MEANS_NOTHING = "|".join(
    (" |NA|n/a|N.A.|NaN|None|NULL|<NA>|#N/A|-|--|?|unknown", "Not Known|not_available|Unbekannt|keine Angabe|k. A.")
)


@pytest.mark.parametrize("text", ["", *MEANS_NOTHING.split("|")])
def test_what_means_not_known(text: str) -> None:
    assert is_unknown(text)
    assert (age_in_words(text), sex_in_words(text), word(text)) == ("", "", "")


@pytest.mark.parametrize("text", ["0", "no", "Nancy", "nana", "p-1", "NA-12", "none of these"])
def test_what_is_known_although_it_looks_like_it(text: str) -> None:
    assert not is_unknown(text)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("55", "55"), ("55.0", "55"), ("55,5", "55.5"), ("0", "0"), ("120", "120"), ("85+", "85"), ("85 +", "85"),
        (">85", "85"), ("≥85", "85"), ("<20", "20"), ("50-55", "52.5"), ("50 - 55", "52.5"), ("50\u201355", "52.5"),
        ("50 to 55", "52.5"), ("50 bis 55", "52.5"), ("55 years", "55"), ("55y", "55"), ("055Y", "55"),
        ("ca. 60", "60"), ("60 Jahre", "60"), ("121", None), ("55-50", None), ("-3", None), ("1955", None),
        ("old", None), ("5e1", None), ("\u0665\u0665", None), ("10.05.1970", None), ("10-May", None), ("inf", None),
    ],
)  # fmt: skip
def test_ages_as_people_write_them(text: str, years: str | None) -> None:
    assert age_in_words(text) == years


def test_an_age_is_exact_or_a_range() -> None:
    assert [is_exact_age(text) for text in ("55", " 55,5 ", "55.0", "85+", "50-55", "<20")] == [True] * 3 + [False] * 3


def test_sexes_and_splits_as_people_write_them() -> None:
    words = ("M", "male", "Mann", "w", "F", "weiblich", "diverse")
    assert [sex_in_words(one) for one in words] == ["male"] * 3 + ["female"] * 3 + ["diverse"]
    assert [split_of(one) for one in ("Training", "VAL", "test", "fold1")] == ["train", "validation", "test", None]


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("melanoma", "melanoma"), ("Melanoma", "melanoma"), ("1", "melanoma"), ("1.0", "melanoma"),
        ("Melanom", "melanoma"), ("malignes Melanom", "melanoma"), ("Nävus", None),
        ("MEL", "melanoma"), ("mel", "melanoma"), ("malignant", "melanoma"), ("0", "rest"), ("benign", "rest"),
        ("REST", "rest"), ("2", None), ("1.5", None), ("-1", None), ("²", None), ("melnoma", None), ("nevus", None),
        ("9" * 5000, None), ("", None),
    ],
)  # fmt: skip
def test_what_a_label_means_among_rest_and_melanoma(label: str, found: str | None) -> None:
    assert class_of(label, ("rest", "melanoma")) == found


def test_a_class_has_its_own_name_first() -> None:
    assert class_of("seborrheic keratosis", ("melanoma", "seborrheic_keratosis")) == "seborrheic_keratosis"
    assert class_of("malignant", ("malignant", "melanoma")) == "malignant"
    assert class_of("unknown", ("unknown", "melanoma")) == "unknown"
    assert class_of("benign", ("nevus", "melanoma")) is None
    assert class_of("1", ("1", "0")) == "1"


def test_german_diagnoses_mean_those_of_the_challenges_unless_a_class_has_that_name() -> None:
    assert [class_of(one, ("NV", "MEL")) for one in ("Nävus", "NAEVUS", "Melanom")] == ["NV", "NV", "MEL"]
    assert class_of("melanom", ("Melanom", "melanoma")) == "Melanom"


def test_names_are_folded() -> None:
    assert folded("  Patient ID ") == folded("patient-id") == folded("PATIENT_ID") == "patient_id"
    assert folded("-") == "-"
