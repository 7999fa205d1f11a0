import pytest

from attnmel.config.load import load_recipe
from attnmel.config.settings.tta import PLAIN, transforms_note, transforms_of
from attnmel.errors import ConfigError

KNOWN = (
    "none, dihedral (eight turns and flips), scales (two), dihedral+scales (sixteen) or random:N (N from 2 to 256, "
    "such as random:20; random:20:7 draws with the seed 7)"
)


@pytest.mark.parametrize(
    ("name", "count"),
    [("none", 1), ("dihedral", 8), ("scales", 2), ("dihedral+scales", 16), ("random:2", 2), ("random:256:9", 256)],
)
def test_each_name_has_its_number_of_different_transforms_and_begins_with_the_image_as_it_is(
    name: str, count: int
) -> None:
    found = transforms_of(name)
    assert (len(found), len(set(found)), found[0]) == (count, count, PLAIN)


def test_replicas_depend_on_the_seed_alone() -> None:
    assert transforms_of("random:20") == transforms_of("random:20:0")
    assert transforms_of("random:20")[1:] != transforms_of("random:20:1")[1:]
    assert transforms_of("random:20")[:5] == transforms_of("random:5")
    for _, _, view in transforms_of("random:100")[1:]:
        assert view is not None
        left, top, side = view
        assert min(left, top) >= 0
        assert max(left, top) + side <= 1 + 1e-12
        assert 0.5 <= side**2 <= 1


@pytest.mark.parametrize("name", ["", "flips", "random", "random:1", "random:257", "random:-3", "dihedral + scales"])
def test_an_unknown_name_is_one_sentence(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        transforms_of(name)
    assert str(raised.value) == f"no transforms are called '{name}'; expected {KNOWN}"


def test_a_recipe_names_transforms() -> None:
    assert load_recipe("demo").test.transforms == "none"
    assert load_recipe("demo", ["test.transforms=random:20"]).test.transforms == "random:20"
    with pytest.raises(ConfigError) as raised:
        load_recipe("demo", ["test.transforms=flips"])
    assert str(raised.value) == f"test.transforms: no transforms are called 'flips'; expected {KNOWN}"


@pytest.mark.parametrize(
    ("given", "chosen_with", "note"),
    [
        ("none", "none", ""),
        ("dihedral", "dihedral", "probabilities are means over 8 transforms of each image (dihedral)"),
        (
            "dihedral",
            "none",
            "probabilities are means over 8 transforms of each image (dihedral); temperature and thresholds were "
            "chosen without transforms",
        ),
        (
            "none",
            "scales",
            "probabilities are of each image as it is; temperature and thresholds were chosen with scales",
        ),
    ],
)
def test_the_note_says_what_thresholds_were_chosen_with(given: str, chosen_with: str, note: str) -> None:
    assert transforms_note(given, chosen_with) == note


def test_the_note_says_with_what_it_was_measured_what_thresholds_achieve() -> None:
    said = "temperature and thresholds were chosen, and what they achieve was measured, with dihedral"
    assert transforms_note("none", "dihedral", measured=True) == f"probabilities are of each image as it is; {said}"
    assert transforms_note("none", "none", measured=True) == ""
