"""Words in the cells of tables: what means nothing, ages, sexes, splits and classes."""

from pathlib import Path

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
from attnmel.records import Lesion, place_among

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
        ("Melanom", "melanoma"), ("malignes Melanom", "melanoma"), ("Nävus", "rest"),
        ("MEL", "melanoma"), ("mel", "melanoma"), ("malignant", "melanoma"), ("0", "rest"), ("benign", "rest"),
        ("REST", "rest"), ("2", None), ("1.5", None), ("-1", None), ("²", None), ("melnoma", None), ("nevus", "rest"),
        ("seborrhoische Keratose", "rest"), ("Basaliom", "rest"), ("akiec", "rest"), ("naevuss", None),
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


@pytest.mark.parametrize("classes", [("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"), ("rest", "melanoma")])
@pytest.mark.parametrize(
    ("names", "seven"),
    [
        (("melanoma", "Melanom", "mélanome", "malignant melanoma", "MEL"), "MEL"),
        (("nevus", "Nävus", "naevi", "Melanocytic nevi", "NV", "blue nevus"), "NV"),
        (("seborrheic keratosis", "seborrhoische Keratose", "seborrhoeic-keratosis", "bkl"), "BKL"),
        (("BCC", "Basalzellkarzinom", "basal cell carcinoma"), "BCC"),
        (("aktinische Keratose", "actinic keratosis", "Spinaliom", "akiec"), "AKIEC"),
        (("Dermatofibrom", "DF"), "DF"),
        (("Hämangiom", "vascular lesion"), "VASC"),
        (("melanoma in situ", "Lentigo maligna", "superficial spreading melanoma", "noduläres Melanom"), "MEL"),
        (("dysplastic naevus", "Compound nevus", "junctional-nevus", "Spitz nevus", "dysplastischer Nävus"), "NV"),
        (("cherry angioma", "Angiokeratoma"), "VASC"),
    ],
)
def test_every_form_of_a_diagnosis_means_the_same_in_recipes_of_two_and_seven_classes(
    names: tuple[str, ...], seven: str, classes: tuple[str, ...]
) -> None:
    wanted = seven if "MEL" in classes else "melanoma" if seven == "MEL" else "rest"
    assert {class_of(one, classes) for one in names} == {wanted}
    lesions = [Lesion(image_id="a", image=Path("a"), diagnosis=one, split=None) for one in names]
    assert {classes[place] for one in lesions if (place := place_among(one, classes)) is not None} == {wanted}


def test_a_kind_of_melanoma_may_be_a_class_of_its_own() -> None:
    classes = ("rest", "melanoma", "melanoma in situ")
    assert [class_of(one, classes) for one in ("Melanoma in situ", "nodular melanoma", "melanoma")] == [
        "melanoma in situ",
        "melanoma",
        "melanoma",
    ]
    assert class_of("melanoma", ("rest", "melanoma in situ")) == "rest"


def test_akiec_is_no_rest_of_a_network_that_knows_a_half_of_it() -> None:
    assert class_of("AKIEC", ("rest", "AK")) is None
    assert class_of("malignant", ("rest", "BCC")) is None, "may be a melanoma or a carcinoma"
    assert class_of("nevus", ("nevuss", "melanoma")) is None, "without a class called rest"


def test_names_are_folded() -> None:
    assert folded("  Patient ID ") == folded("patient-id") == folded("PATIENT_ID") == "patient_id"
    assert folded("-") == "-"
