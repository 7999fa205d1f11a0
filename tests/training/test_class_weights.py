import pytest

from attnmel.errors import LabelError
from attnmel.training.class_weights import median_frequency

ISIC_2018 = {"MEL": 1113, "NV": 6705, "BCC": 514, "AKIEC": 327, "BKL": 1099, "DF": 115, "VASC": 142}
"""Images of each class in the label file of ISIC 2018 task 3's training images."""


def test_the_weights_of_isic_2018_are_those_of_zhuang() -> None:
    found = {name: round(weight, 4) for name, weight in median_frequency(ISIC_2018).items()}
    assert found == {
        "MEL": 0.4618,
        "NV": 0.0767,
        "BCC": 1.0,
        "AKIEC": 1.5719,
        "BKL": 0.4677,
        "DF": 4.4696,
        "VASC": 3.6197,
    }


def test_of_an_even_number_of_classes_the_median_is_between_the_middle_two() -> None:
    assert median_frequency({"rest": 1626, "melanoma": 374}) == {"rest": 1000 / 1626, "melanoma": 1000 / 374}


def test_a_class_without_images_is_one_sentence() -> None:
    with pytest.raises(LabelError) as raised:
        median_frequency({"rest": 3, "melanoma": 0})
    assert str(raised.value) == (
        "loss.class_weights = 'median-frequency' needs training images of every class, but there is none of melanoma; "
        "add images, or give each class a number of its own"
    )
