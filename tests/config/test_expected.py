"""Every value of a wrong type is refused in our own words, whatever the setting."""

import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from attnmel.config.expected import expected
from attnmel.config.load import flat, load_recipe, load_run_recipe
from attnmel.errors import ConfigError

ENGLISH_OF_PYDANTIC = r"Input should|should (be|have|match)|valid |Value error|validation"

WRONG = ("'many'", "true", "2.5", "-1", "['a']", "{a=1}", "''", "nan", "1979-05-27")


class Every(BaseModel):
    """A field of each kind."""

    whole: int = 1
    number: float = 1.0
    least: float = Field(0.5, gt=0, le=1)
    finite: float = Field(0.5, allow_inf_nan=False)
    text: str = "a"
    short: str = Field("ab", min_length=2, max_length=3, pattern="^a")
    switch: bool = True
    several: Annotated[tuple[int, ...], Field(min_length=2)] = (1, 2)
    either: Literal["a", "b"] = "a"
    table: dict[str, int] = {}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("whole", "many", "expected a whole number"),
        ("whole", 2.5, "expected a whole number"),
        ("whole", [1], "expected a whole number"),
        ("number", "many", "expected a number"),
        ("least", 0, "expected more than 0"),
        ("least", 2, "expected at most 1"),
        ("finite", float("nan"), "expected a finite number"),
        ("text", 1, "expected a text"),
        ("short", "a", "expected a text of 2 or more letters"),
        ("short", "abcd", "expected a text of 3 or fewer letters"),
        ("short", "ba", "expected a text of the form ^a"),
        ("switch", "perhaps", "expected true or false"),
        ("several", 1, "expected a list"),
        ("several", (1,), "expected at least 2, found 1"),
        ("either", "c", "expected 'a' or 'b'"),
        ("table", 1, "expected a table of keys and values"),
    ],
)
def test_each_kind_has_its_words(field: str, value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Every.model_validate({field: value})
    assert expected(caught.value.errors()[0]) == sentence  # pyright: ignore[reportArgumentType] - a dict


@pytest.mark.parametrize("name", ["demo", "isic2017/mahbod"])
def test_no_setting_of_a_recipe_answers_in_the_words_of_a_library(name: str) -> None:
    keys: dict[str, Any] = flat(load_run_recipe(name).model_dump())
    for value in WRONG:
        with pytest.raises(ConfigError) as caught:
            load_run_recipe(name, [f"{key}={value}" for key in keys])
        assert not re.search(ENGLISH_OF_PYDANTIC, str(caught.value)), value


def test_the_setting_and_its_value_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe("demo", ["training.learning_rate=fast", "data.size='big'"])
    assert str(caught.value) == (
        "data.size = 'big': expected a whole number; training.learning_rate = 'fast': expected a number"
    )
