"""Changed settings that a recipe's network, loss or schedule does not use are named, and no others."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.factories import Recorder

import attnmel
from attnmel.api import training
from attnmel.api.recipes import open_recipe
from attnmel.api.training import train_opened
from attnmel.config.load import load_recipe, load_run_recipe
from attnmel.config.no_effect import without_effect
from attnmel.files.folders import home_folder

WEIGHTS = ("loss.pool3_weight=0.5", "loss.pool4_weight=0.5", "loss.dice=image")
ATTENDING = "it needs model.network = 'attnmel-cnn'"
MASKED = "loss.mask_weight (it needs model.network = 'chen' or 'dermaknet' with a loss.prior)"


@pytest.mark.parametrize(
    ("recipe", "changed", "named"),
    [
        ("isic2017/attnmel-lesion", (*WEIGHTS, "model.attention=softmax", "loss.gamma=1"), []),
        ("isic2017/attnmel", WEIGHTS, [f"{one.partition('=')[0]} ({ATTENDING} with a loss.prior)" for one in WEIGHTS]),
        ("isic2017/attnmel", ("model.attention=softmax", "training.epochs=3"), []),
        ("isic2017/vgg16-gap", ("model.attention=softmax",), [f"model.attention ({ATTENDING})"]),
        ("isic2017/attnmel-lesion", ("loss.mask_weight=2",), [MASKED]),
        ("isic2017/chen", ("loss.mask_weight=2", "model.passing=none"), []),
        ("isic2017/chen", ("loss.prior=none", "loss.mask_weight=2"), [MASKED]),
        ("isic2017/gonzalez-diaz", ("loss.mask_weight=2", "model.grid=disc"), []),
        ("isic2017/mel-cnn", ("model.passing=both",), ["model.passing (it needs model.network = 'chen')"]),
        ("isic2017/mel-cnn", ("model.grid=disc",), ["model.grid (it needs model.network = 'dermaknet')"]),
        (
            "isic2017/mel-cnn",
            ("model.heads=hinge", "loss.gamma=1"),
            ["loss.gamma (it needs model.heads = 'softmax' or 'both')"],
        ),
        (
            "isic2017/mel-cnn",
            (" training.decay =0.5", "training.schedule=cosine", "training.decay=0.5"),
            ["training.decay (it needs training.schedule = 'steps')"],
        ),
        (
            "isic2017/mel-cnn",
            ("training.cache_maps=false",),
            ["training.cache_maps (it needs a training.freeze)"],
        ),
    ],
)
def test_settings_without_effect_are_named(recipe: str, changed: tuple[str, ...], named: list[str]) -> None:
    sentence = without_effect(load_recipe(recipe, changed), changed)
    assert sentence == (f"without effect here: {', '.join(named)}" if named else "")


@pytest.mark.parametrize("recipe", ["isic2017/attnmel", "isic2017/menegola-svm", "isic2017/menegola"])
def test_what_only_a_table_of_ones_own_has_is_named_for_a_known_data_set(recipe: str) -> None:
    loaded = load_run_recipe(recipe)
    assert without_effect(loaded, ("data.strict=true",), own_table=False) == (
        "without effect here: data.strict (it needs a folder with a labels.csv)"
    )
    assert without_effect(loaded, ("data.strict=true",), own_table=True) == ""


def test_a_training_says_it_once_for_all_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_recipe("demo", {"loss.prior": "none", "loss.dice": "image", "training.device": "cpu"}, strict=True)
    monkeypatch.setattr(training, "_train_network", lambda *given: None)
    monkeypatch.setattr(training, "_use_threads", lambda *given: None)
    for one, count in ((opened, 1), (replace(opened, changed=()), 0)):
        recorder = Recorder()
        train_opened(
            one, seeds=2, out=None, home=home_folder(None), resume=False, threads=1, command="", progress=recorder
        )
        assert len(recorder.notes) == count
        assert all(
            "loss.dice (it needs model.network = 'attnmel-cnn' with a loss.prior), data.strict (" in text
            for text in recorder.notes
        )


def test_settings_of_a_file_of_ones_own_are_named_too(tmp_path: Path) -> None:
    text = (Path(attnmel.__file__).parent / "recipes/isic2017/attnmel.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(text.replace("[loss]", "[loss]\npool3_weight = 0.05\npool4_weight = 0.01"))
    opened = open_recipe(tmp_path / "own.toml", {"model.attention": "softmax"})
    sentence = without_effect(opened.recipe, (*opened.changed, *opened.own))
    assert sentence == f"without effect here: loss.pool3_weight ({ATTENDING} with a loss.prior)", "0.01 is the default"
    assert open_recipe("isic2017/attnmel").own == ()
