"""The columns of labels.csv by other names, as options, recipes and messages give them."""

import pytest

from attnmel.config.load import load_recipe
from attnmel.config.overrides import override_text
from attnmel.data.datasets.own.columns import find_columns, parsed_columns
from attnmel.errors import ConfigError


def test_columns_of_an_option_are_a_setting_of_the_recipe() -> None:
    named = parsed_columns('image = isic_id, label=MEL+NV,group=Größe "x"')
    assert named == {"image": "isic_id", "label": "MEL+NV", "group": 'Größe "x"'}
    recipe = load_recipe("isic2017/attnmel", [override_text("data.columns", named), "data.strict=true"])
    assert (recipe.data.columns, recipe.data.strict) == (named, True)
    assert load_recipe("isic2017/attnmel").data.columns == {}


@pytest.mark.parametrize("text", ["image", "image=", "image=a,image=b", ""])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"expected NAME=COLUMN,\.\.\. such as image=isic_id,label=target"):
        parsed_columns(text)


def test_a_column_that_was_named_must_be_there() -> None:
    header = ["isic_id", "label", "patient"]
    found = find_columns(1, header, {"image": "isic_id", "group": "patient_id"}, ())
    assert [(one.column, one.found) for one in found.problems] == [("patient_id", "no such column")]
    assert find_columns(1, header, {"image": "ISIC ID", "group": "Patient"}, ()).problems == ()


def test_missing_columns_come_with_the_option_that_names_them() -> None:
    found = find_columns(1, ["ISIC_ID", "notes", "Target"], {}, ())
    assert {one.column for one in found.problems} == {"image", "label"}
    assert all(one.expected.endswith("--columns image=ISIC_ID,label=Target") for one in found.problems)
    german = find_columns(1, ["Bild", "Diagnose", "Patient", "Alter", "Geschlecht", "Maske", "Lokalisation"], {}, ())
    everything = "image=Bild,label=Diagnose,group=Patient,age=Alter,sex=Geschlecht,site=Lokalisation,mask=Maske"
    assert all(one.expected.endswith(f"--columns {everything}") for one in german.problems)


def test_a_column_of_another_name_is_not_a_label_of_several() -> None:
    with pytest.raises(ConfigError, match="unknown column 'picture'; known: age, confirmation, group, image, label"):
        find_columns(1, ["a"], {"picture": "a"}, ())
    found = find_columns(1, ["image", "MEL"], {"label": "MEL+NV"}, ())
    assert [one.column for one in found.problems] == ["NV"]
