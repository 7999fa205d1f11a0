"""Recipes load, and what is wrong in one is told in one sentence with the known names."""

import tomllib
from pathlib import Path

import pytest
import tomli_w

from attnmel.config.load import (
    changes,
    load_recipe,
    load_run_recipe,
    load_segmenter_recipe,
    make_run_recipe,
    recipe_names,
)
from attnmel.errors import ConfigError

LESION = "isic2017/attnmel-lesion"

DERMAKNET = ("model.network=dermaknet", "loss.prior=structures")
HARANGI = ("model.network=harangi", "loss.prior=none", "model.branches=['efficientnet_lite0']")


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_under_its_own_name(name: str) -> None:
    assert load_run_recipe(name).name == name


def test_the_lesion_recipe_carries_the_numbers_of_the_slides() -> None:
    recipe = load_recipe(LESION)
    assert (recipe.loss.pool3_weight, recipe.loss.pool4_weight, recipe.loss.gamma) == (0.001, 0.01, 2.0)
    assert (recipe.training.epochs, recipe.training.learning_rate, recipe.training.decay_every) == (50, 0.01, 10)
    assert (recipe.data.side, recipe.data.size, recipe.data.repeats) == (256, 224, {"melanoma": 4})


def test_a_resolved_recipe_is_a_recipe_again(tmp_path: Path) -> None:
    recipe = load_recipe(LESION, ["training.epochs=3"])
    path = tmp_path / "recipe.toml"
    path.write_bytes(tomli_w.dumps(recipe.model_dump(exclude_none=True)).encode())
    assert load_recipe(str(path)) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "trainin.epochs=3",
            "unknown key 'trainin' (did you mean 'training'?); known: data, loss, model, name, published, test, title, "
            "training",
        ),
        (
            "loss.gama=3",
            "unknown key 'loss.gama' (did you mean 'gamma'?); known: class_weights, dice, gamma, mask_weight, masks, "
            "pool3_weight, pool4_weight, prior, spoil",
        ),
        ("epochs=3", "unknown key 'epochs' (did you mean 'training.epochs'?); known: data, loss, "),
        ("training.size=3", "unknown key 'training.size' (did you mean 'data.size'?); known: accumulate, "),
        ("weights=random", "unknown key 'weights' (did you mean 'model.weights'?); known: data, "),
        ("data.statistics.foo=1", "unknown key 'data.statistics.foo'; known: mean, of, source, std"),
        (
            "model.trunk=resnet",
            "model.trunk = 'resnet': expected 'vgg16_bn', 'vgg16', 'mobilenet_v2', 'efficientnet_lite0', "
            "'efficientnet_lite1' or 'efficientnet_lite2'",
        ),
        ("data.size=100", "data.size = 100: expected a multiple of 32"),
        ("loss.gamma=-1", "loss.gamma = -1: expected at least 0"),
        ("training.epochs=many", "training.epochs = 'many': expected a whole number"),
        (
            "training.freeze=pool6",
            "training.freeze = 'pool6': expected 'none', 'pool1', 'pool2', 'pool3', 'pool4' or 'pool5'",
        ),
        (
            "training.views=4",
            "training.views and training.crops say which maps of a frozen trunk are kept, but training.freeze = 'none'",
        ),
        ("training.accumulate=5", "batch 32 does not divide into 5 parts"),
        ("model.network=mel-cnn", "needs a network with attention maps"),
        ("data.positives=['nevus']", "positives and repeats name nevus; known: rest, melanoma"),
        ("epochs", "--set takes key=value, got 'epochs'"),
        ("name.epochs=3", "'name' is a value, it has no keys"),
        ("data.statistics.std=[0,1,1]", "data.statistics.std.0 = 0: expected at least 0.001"),
        ("data.size=1824", "data.size = 1824: expected at most 1792"),
        ("data.classes=['melanoma','']", "data.classes.1 = '': expected a text of 1 or more letters"),
        ("data.classes=['melanoma','melanoma']", "data: classes are doubled: melanoma, melanoma"),
    ],
)
def test_a_bad_override_is_told_with_what_is_known(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(LESION, [override])
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["demo", "isic2017/attnmel-lesion", "mine/v1.2_b/3", "_x"])
def test_a_recipes_name_is_a_folder_of_runs(name: str) -> None:
    assert make_run_recipe(load_recipe("demo").model_dump() | {"name": name}).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../b",
        "a..b",
        "/etc",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "C:x",
        ".hid",
        "-o",
        "a b",
        "a\n",
        "ä",
    ],
)
def test_a_recipes_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"runs lie in a folder of that name: expected one like isic2017/attnmel"):
        make_run_recipe(load_recipe("demo").model_dump() | {"name": name})


def test_a_recipes_name_is_no_longer_than_a_folders() -> None:
    with pytest.raises(ConfigError, match="at most 100 characters"):
        make_run_recipe(load_recipe("demo").model_dump() | {"name": "a" * 101})


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(LESION, ["data.size=100", "loss.gamma=-1"])
    assert "data.size" in str(caught.value)
    assert "loss.gamma" in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["model.passing=none"],
            "model.passing is of the network chen, but model.network = 'attnmel-cnn'; leave",
        ),
        (["model.without=['maps']"], "model.without is of the network dermaknet, but model.network = 'attnmel-cnn'"),
        (["model.branches=['vgg16']"], "model.branches is of the network harangi, but model.network = 'attnmel-cnn'"),
        (["model.network=mel-cnn"], "attention maps (attnmel-cnn) or a segmentation branch (chen), but model.network"),
        (
            ["model.network=own", "model.own=mine", "model.weights=runs/mine/seed-0"],
            "weights = 'runs/mine/seed-0' are of the package's trunks; set weights = 'random' (as it is built)",
        ),
        (
            ["model.network=own", "model.own=mine", "model.weights=random", "model.heads=hinge", "loss.prior=none"],
            "heads = 'hinge' is of the package's networks; set heads = 'softmax'",
        ),
        (["loss.prior=structures"], "'structures' is of the network dermaknet, but model.network = 'attnmel-cnn'"),
        (["loss.structure_labels=presence"], "loss.structure_labels = 'presence' is of the network dermaknet, but"),
        (
            ["model.network=dermaknet"],
            "the maps of dermaknet with model.grid = 'disc' are of loss.prior = 'structures' or 'structures+lesion' or",
        ),
        ([*DERMAKNET, "model.heads=both"], "model.heads = 'both' is of one linear layer, and dermaknet has three"),
        ([*DERMAKNET, "model.without=['maps']"], "trains the structure maps, which model.without leaves out"),
        ([*DERMAKNET, "loss.spoil=shifted"], "are of one mask an image, but loss.prior = 'structures'"),
        (
            [*DERMAKNET, "model.grid=ellipse"],
            "with model.grid = 'ellipse' are of loss.prior = 'structures+lesion' or 'none', found 'structures'",
        ),
        (
            [
                *DERMAKNET,
                "loss.prior=structures",
                "model.grid=ellipse",
                "model.without=['maps']",
                "loss.prior=none",
                "loss.structure_labels=presence",
            ],
            "is of shares of the lesion, which needs loss.prior = 'structures+lesion', found 'none'",
        ),
        (
            [*DERMAKNET, "model.grid=ellipse", "loss.prior=structures+lesion", "model.without=['polar', 'asymmetry']"],
            "model.grid = 'ellipse' is of the polar pooling, which model.without leaves out",
        ),
        (["model.grid=ellipse"], "model.grid is of the network dermaknet, but model.network = 'attnmel-cnn'"),
        (
            [*HARANGI, "model.branches=[]"],
            "harangi joins several trunks; name those besides model.trunk by",
        ),
        ([*HARANGI, "training.freeze=pool5"], "training.freeze is of one trunk, but harangi has several; leave it out"),
        (
            [*HARANGI, "data.normalise_by=weights"],
            "one scale, but EfficientNet-Lite and the other trunks have two",
        ),
    ],
)
def test_settings_of_another_network_are_refused_in_one_sentence(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe(LESION, overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown recipe 'isic2017/wideresnet50'; known: demo, .*/attnmel-lesion"):
        load_recipe("isic2017/wideresnet50")


def test_a_file_that_is_not_toml_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_recipe(str(path))


def test_recipes_are_frozen() -> None:
    recipe = load_recipe("demo")
    with pytest.raises(ValueError, match="frozen"):
        recipe.training.epochs = 3  # pyright: ignore[reportAttributeAccessIssue] - the promise under test


def test_every_setting_of_a_recipe_survives_toml() -> None:
    recipe = load_recipe("demo")
    assert make_run_recipe(tomllib.loads(tomli_w.dumps(recipe.model_dump(exclude_none=True)))) == recipe


def test_published_statistics_survive_the_limits() -> None:
    recipe = load_recipe(LESION)
    assert recipe.data.statistics is not None
    assert recipe.data.statistics.std == (0.0840, 0.1140, 0.1282)


def test_a_recipe_of_a_version_that_called_an_ablation_a_control_opens(tmp_path: Path) -> None:
    stored = tmp_path / "recipe.toml"
    settings = tomli_w.dumps(load_recipe("isic2017/attnmel").model_dump(exclude_none=True))
    stored.write_text(settings.replace('ablation = "none"', 'control = "lesion-only"'))
    assert load_recipe(str(stored)).data.ablation == "lesion-only"


def test_changes_name_what_differs_from_the_shipped_recipe_and_nothing_else() -> None:
    assert changes(load_recipe(LESION, ["training.seed=5", "training.precision=bf16", "data.dataset=isic2017"])) == ()
    assert changes(load_recipe(LESION, ["data.size=96", "model.weights=random"])) == (
        "data.size 96 instead of 224",
        "model.weights random instead of imagenet",
    )
    assert changes(load_recipe(LESION, ["name=mine", "data.size=96"])) == ()


def test_the_segmenters_recipe_is_none_of_the_classifiers(tmp_path: Path) -> None:
    recipe = load_segmenter_recipe(overrides=["training.epochs=7"])
    assert (recipe.data.dataset, recipe.data.held_out, recipe.training.epochs) == ("isic2018-task1", 0.1, 7)
    assert not any("segmenter" in name for name in recipe_names())
    path = tmp_path / "recipe.toml"
    path.write_bytes(tomli_w.dumps(recipe.model_dump()).encode())
    assert load_segmenter_recipe(path) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "training.momentum=0",
            "unknown key 'training.momentum'; known: batch, device, epochs, learning_rate, log, precision",
        ),
        ("data.size=100", "data.size = 100: expected a multiple of 32"),
        ("data.held_out=0", "data.held_out = 0: expected more than 0"),
        ("model.norm=group", "model.norm = 'group': expected 'batch' or 'instance'"),
    ],
)
def test_a_bad_setting_of_the_segmenter_is_told_with_what_is_known(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_segmenter_recipe(overrides=[override])
    assert message in str(caught.value)


def test_padding_is_that_of_the_trunks_own_weights_unless_it_is_said() -> None:
    def padding(*changes: str) -> str:
        return load_recipe(LESION, [f"model.{change}" for change in changes]).model.padding

    assert padding() == padding("trunk=mobilenet_v2") == "symmetric"
    assert padding("trunk=efficientnet_lite0") == padding("trunk=mobilenet_v2", "padding=tensorflow") == "tensorflow"
    assert padding("trunk=efficientnet_lite2", "padding=symmetric") == "symmetric"


@pytest.mark.parametrize(
    ("recipe", "padding"),
    [
        (["model.trunk=efficientnet_lite0", "model.padding=symmetric"], "symmetric"),
        (["model.trunk=efficientnet_lite0"], "tensorflow"),
        (["model.trunk=mobilenet_v2", "model.padding=tensorflow"], "tensorflow"),
    ],
)
def test_a_changed_recipe_keeps_the_padding_that_it_had(recipe: list[str], padding: str) -> None:
    changed = load_recipe("isic2017/attnmel", recipe).changed({"training.epochs": 3})
    assert (changed.training.epochs, changed.model.padding) == (3, padding)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["padding=tensorflow"], "model.padding is of the light trunks, but model.trunk = 'vgg16_bn'"),
        (
            ["trunk=efficientnet_lite1", "network=vgg16"],
            "VGG-16 with its dense layers, which the trunk efficientnet_lite1 has not; choose vgg16-gap",
        ),
    ],
)
def test_what_a_trunk_has_not_is_refused(changes: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe("isic2017/attnmel", [f"model.{change}" for change in changes])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "dataset", "name"),
    [
        ("isic2017/attnmel", "/data/clinic", "clinic/attnmel"),
        ("isic2017/attnmel", "/data/Klinik für Haut/", "Klinik-f-r-Haut/attnmel"),
        ("isic2017/attnmel", "影", "own-images/attnmel"),
        ("isic2017/attnmel-lesion", "isic2016", "isic2016/attnmel-lesion"),
        ("demo", "../mine", "mine/demo"),
        ("isic2017/attnmel", "isic2017", "isic2017/attnmel"),
    ],
)
def test_a_recipe_on_other_data_is_named_after_the_data(recipe: str, dataset: str, name: str) -> None:
    assert load_recipe(recipe, [f"data.dataset={dataset}"]).name == name


def test_a_name_that_is_given_stays_and_the_shipped_recipe_is_still_known() -> None:
    assert load_recipe("isic2017/attnmel", ["data.dataset=clinic", "name=mine"]).name == "mine"
    own = load_recipe("isic2017/attnmel", ["data.dataset=/data/clinic", "training.epochs=7"])
    assert changes(own) == (
        "data.dataset /data/clinic instead of isic2017",
        "training.epochs 7 instead of 50",
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            '"median"',
            "loss.class_weights: expected 'none', 'median-frequency' or a number above 0 for each class, such as "
            "{ melanoma = 2.0, rest = 0.5 }; found 'median'",
        ),
        (
            "{rest = 0.5, melanoma = 0}",
            "loss.class_weights: expected 'none', 'median-frequency' or a number above 0 for each class, such as "
            "{ melanoma = 2.0, rest = 0.5 }; found {'melanoma': 0, 'rest': 0.5}",
        ),
        ("{melanoma = 2.0}", "loss.class_weights has no number for rest; expected a number for each class"),
        (
            "{rest = 1.0, melanoma = 2.0, nevus = 1.0}",
            "loss.class_weights names nevus; known: rest, melanoma",
        ),
    ],
)
def test_wrong_class_weights_are_one_sentence(value: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_recipe(LESION, [f"loss.class_weights={value}"])
    assert str(raised.value) == message


def test_class_weights_are_read_and_stored(tmp_path: Path) -> None:
    recipe = load_recipe(LESION, ["loss.class_weights={rest = 0.5, melanoma = 2}"])
    assert recipe.loss.class_weights == {"rest": 0.5, "melanoma": 2.0}
    path = tmp_path / "recipe.toml"
    path.write_bytes(tomli_w.dumps(recipe.model_dump(exclude_none=True)).encode())
    assert load_recipe(str(path)) == recipe
    assert load_recipe(LESION, ["loss.class_weights=median-frequency"]).loss.class_weights == "median-frequency"


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5000])
def test_endless_values_are_no_toml(tmp_path: Path, value: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f"[training]\nseed = {value}")
    with pytest.raises(ConfigError, match=r"recipe\.toml is not TOML"):
        load_recipe(str(path))
    with pytest.raises(ConfigError, match=r"training\.seed = "):
        load_recipe("demo", [f"training.seed={value}"])
