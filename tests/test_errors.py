"""The words of messages: similar names, plurals, and names that are no UTF-8."""

import os

import pytest

from attnmel.errors import ConfigError, counted, did_you_mean, printable, require_known

KNOWN = ("isic2016", "isic2017", "isic2018", "attnmel-cnn", "mel-cnn")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("isic2071", "isic2017"),
        ("ISIC2016", "isic2016"),
        ("attnmel_cnn", "attnmel-cnn"),
        ("melcnn", "mel-cnn"),
        ("resnet", None),
    ],
)
def test_the_most_similar_known_name_is_proposed(name: str, meant: str | None) -> None:
    assert did_you_mean(name, KNOWN) == (f" (did you mean '{meant}'?)" if meant else "")


def test_an_unknown_name_is_answered_with_the_similar_and_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"^unknown split 'tst' \(did you mean 'test'\?\); known: test, train$"):
        require_known("split", "tst", ("train", "test"))


def test_a_number_has_its_noun_in_the_right_form() -> None:
    assert [counted(number, "pair") for number in (0, 1, 2, 1234)] == ["0 pairs", "1 pair", "2 pairs", "1,234 pairs"]
    assert counted(2, "mass", "masses") == "2 masses"


def test_a_name_that_is_no_utf_8_can_be_written() -> None:
    name = os.fsdecode(b"a\xff.jpg")
    assert printable(name).encode() == rb"a\udcff.jpg"
    assert printable("影.jpg") == "影.jpg"
