"""`import attnmel`: what is public, own data and an own network as docs/how-to/python.md has them, what is refused."""

import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tests.factories import Recorder
from torch import nn

import attnmel
from attnmel.api.model_names import place_of
from attnmel.errors import AttnmelError, ConfigError, LabelError
from attnmel.files.folders import RunFolder
from attnmel.models.own_network import own_network
from attnmel.progress import as_progress

if TYPE_CHECKING:
    from tests.conftest import Phantoms

ROOT = Path(__file__).parents[2]
PAGE, DATA = ((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("how-to/python.md", "training/data.md"))


def example(name: str, page: str = PAGE) -> str:
    """Return the code of an example of a page."""
    found = re.search(rf"<!-- example: {name} -->\n```python\n(.*?)```", page, re.DOTALL)
    assert found is not None, name
    return found[1]


def drawn(count: int = 20) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Images of noise, the melanomas darker; two of each patient."""
    chance = np.random.default_rng(0)
    labels = ["melanoma" if number % 4 < 2 else "rest" for number in range(count)]
    images = [chance.integers(0, 120 if one == "melanoma" else 250, (40, 48, 3), dtype=np.uint8) for one in labels]
    return images, labels, [f"patient {number // 2}" for number in range(count)]


def small(classes: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))


def test_the_stub_the_list_and_what_can_be_loaded_are_one() -> None:
    stub = ast.parse((ROOT / "src" / "attnmel" / "__init__.pyi").read_text(encoding="utf-8"))
    imported = {name.name for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert imported | {"NOTICE", "__version__"} == set(attnmel.__all__)
    assert all(getattr(attnmel, name) is not None for name in attnmel.__all__)
    assert set(attnmel.__all__) <= set(dir(attnmel))
    with pytest.raises(AttributeError, match=r"^module 'attnmel' has no attribute 'trian'$"):
        _ = attnmel.trian  # pyright: ignore[reportAttributeAccessIssue]


def test_every_public_function_has_a_docstring_and_types() -> None:
    modules = [attnmel, attnmel.statistics, attnmel.datasets]
    functions = [getattr(one, name) for one in modules for name in dir(one) if not name.startswith("_")]
    own = [one for one in functions if callable(one) and getattr(one, "__module__", "").startswith("attnmel")]
    assert len(own) > 30
    assert all(one.__doc__ for one in own)


def test_folders_called_by_their_class_become_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("nevus/1.JPG", "melanoma/1.jpg", "melanoma/2.png", "melanoma/notes.txt"):
        (tmp_path / "photographs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photographs" / name).write_bytes(name.encode())
    exec(example("classes", DATA), {})
    lesions = attnmel.datasets.read("my-clinic", classes=["rest", "melanoma"]).lesions
    assert [one.diagnosis for one in lesions] == ["melanoma", "melanoma", "rest"]
    assert [one.image.read_bytes() for one in lesions] == [b"melanoma/1.jpg", b"melanoma/2.png", b"nevus/1.JPG"]


def test_the_examples_of_own_data_and_an_own_network_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTNMEL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("attnmel.models.own_network._REGISTERED", {})
    images, labels, patients = drawn()
    names: dict[str, Any] = {"images": images, "labels": labels, "patients": patients}
    exec(example("data"), names)
    assert names["problems"] == 0
    assert [one.group for one in names["lesions"]] == patients
    assert (np.asarray(Image.open("clinic/images/03.png")) == images[3]).all()
    exec(example("network"), names)
    run = names["trained"].run
    assert run.path == Path("runs/clinic/mel-cnn/seed-0")
    assert run.recipe.model.own == "small"
    assert names["trained"].to_dict()[0]["run"] == str(run.path)
    assert set(names["measures"].measure) >= {"auc", "sensitivity"}
    assert sum(one.suffix == ".npz" for one in names["maps"].paths) == len(images)
    assert names["maps"].to_dict()["files"][0].startswith("maps")
    monkeypatch.setattr("attnmel.models.own_network._REGISTERED", {})
    with pytest.raises(ConfigError) as error:
        attnmel.evaluate(run)
    assert str(error.value) == (
        "the network 'small' is not attnmel's, and nothing here builds it (known: none); in Python call "
        "attnmel.register_network(FUNCTION, 'small') first; for commands install a package with an entry point of the "
        "group attnmel.networks"
    )


def test_the_example_of_a_prediction_runs() -> None:
    names: dict[str, Any] = {}
    exec(example("predict"), names)
    assert 0 < names["table"].probability_melanoma.item() < 1


def test_a_name_of_a_hub_that_became_a_path_of_windows_is_the_same_name() -> None:
    assert place_of(PureWindowsPath("hf:ana/tiny")) == "hf:ana/tiny"  # pyright: ignore[reportArgumentType]
    assert place_of(PureWindowsPath("C:/runs")) == "C:\\runs"  # pyright: ignore[reportArgumentType]


def test_a_result_is_what_the_command_stores(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    run = attnmel.Run(trained.path, phantoms.home)
    copy = shutil.copy(trained.predictions("validation"), tmp_path)
    found = attnmel.compare([run, copy], split="validation", measures=["auc"])
    assert found.to_frame().value.tolist() == [0.0]
    assert "no difference shown" in found.sentences[0]
    frame = run.predictions("test").to_frame()
    header = trained.predictions("test").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert list(frame.columns) == [name for name in header if not name.startswith("uncalibrated_")]
    assert frame.probability_melanoma.tolist() == run.predictions("test").probability("melanoma").tolist()


def test_a_fusion_has_a_row_for_each_member(
    trained: RunFolder, fitted: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    members = [trained.path, attnmel.Run(fitted.path)]
    found = attnmel.fuse(members, tmp_path / "fused.csv", by="rank", home=phantoms.home)
    assert found.out.is_file()
    assert found.to_frame().member.tolist()[-2:] == ["plain mean", "fused"]
    assert found.to_dict()["by"] == "rank"


def test_progress_is_a_function_or_a_progress() -> None:
    calls: list[tuple[str, int, int | None]] = []
    progress = as_progress(lambda label, done, total: calls.append((label, done, total)))
    with progress.bar("images", 3) as advance:
        advance(1)
        advance(2)
    progress.note("one is damaged")
    assert calls == [("images", 1, 3), ("images", 3, 3), ("one is damaged", 0, None)]
    recorder = Recorder()
    assert as_progress(recorder) is recorder


def test_settings_are_values_of_any_kind() -> None:
    changes = {
        "training.epochs": 3,
        "data.strict": True,
        "data.repeats": {"melanoma": 2},
        "data.classes": ("rest", "melanoma"),
        "loss.masks": "",
        "training.weight_decay": 1e-05,
        "data.dataset": Path("/data/clinic"),
    }
    recipe = attnmel.Recipe.load("isic2017/attnmel", changes)
    assert (recipe.training.epochs, recipe.data.strict, recipe.data.repeats) == (3, True, {"melanoma": 2})
    assert (recipe.name, recipe.training.weight_decay) == ("clinic/attnmel", 1e-05)
    again = attnmel.Recipe.load("isic2017/attnmel").changed(changes)
    assert again == recipe
    assert recipe.changed({}) == recipe


def test_a_network_of_an_installed_package_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As pip installs it: a folder on the path with the package's metadata."""
    info = tmp_path / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[attnmel.networks]\nmine = mine_networks:build\n")
    (tmp_path / "mine_networks.py").write_text(
        "from torch import nn\n\ndef build(classes):\n    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), "
        "nn.Linear(3, classes))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert own_network("mine", 2)(torch.zeros(1, 3, 32, 32)).logits.shape == (1, 2)


def test_a_package_that_cannot_be_loaded_is_named_with_its_own_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[attnmel.networks]\nbroken = broken_networks:build\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"'broken' cannot be built for 2 classes \(ModuleNotFoundError: No module na"
    ):
        own_network("broken", 2)


def wrong(what: str) -> Callable[[int], nn.Module]:
    """Build a network that breaks the contract."""
    if what == "no module":
        return lambda classes: "mel-cnn"  # pyright: ignore[reportReturnType]
    return lambda classes: nn.Flatten() if what == "shape" else nn.LSTM(32, classes)


NETWORKS = {
    "shape": ("the network 'mine' returned shape (2, 3072); expected the scores of the classes, of shape (2, 2)"),
    "no module": "the network 'mine' is built as a str; expected a torch.nn.Module",
}


@pytest.mark.parametrize("what", NETWORKS)
def test_a_network_that_breaks_the_contract_is_refused(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmel.models.own_network._REGISTERED", {})
    attnmel.register_network(wrong(what), "mine")
    with pytest.raises(ConfigError) as error:
        own_network("mine", 2)(torch.zeros(2, 3, 32, 32))
    assert str(error.value) == NETWORKS[what]


def folder_call(**changed: object) -> Callable[[Path], object]:
    """Make a folder of two images, with changed arguments."""
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    given: dict[str, Any] = {"images": [pixels, pixels], "labels": ["melanoma", "rest"]} | changed
    return lambda folder: attnmel.datasets.make_folder(folder / "new", **given)


def test_a_picture_whose_file_ends_early_leaves_no_folder_behind(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:4000])
    with Image.open(path) as picture, pytest.raises(LabelError, match=r"^image 0 is a picture that cannot be read \("):
        attnmel.datasets.make_folder(tmp_path / "new", [picture], ["rest"])
    assert not (tmp_path / "new").exists()


def test_a_folder_is_made_of_generators_and_columns_with_missing_values(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    groups = pd.Series(["a", pd.NA], dtype="string")
    columns: dict[str, Any] = {"labels": (one for one in ("melanoma", "rest")), "groups": groups}
    images: Any = (pixels for _ in range(2))
    folder = attnmel.datasets.make_folder(tmp_path / "new", images, **columns)
    assert (folder / "labels.csv").read_text() == "image,label,group\nimages/0.png,melanoma,a\nimages/1.png,rest,\n"


def in_use(folder: Path) -> object:
    (folder / "other.txt").write_text("")
    return attnmel.datasets.make_folder(folder, [np.zeros((8, 8, 3), dtype=np.uint8)], ["rest"])


def labelled(folder: Path) -> Path:
    """Write a folder with a table of labels, and return it."""
    (folder / "clinic3").mkdir()
    (folder / "clinic3" / "labels.csv").write_text("image,label\n")
    return folder / "clinic3"


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "labels of other images": (folder_call(labels=["rest"]), "2 images and 1 labels; expected one for each image"),
    "groups of other images": (folder_call(groups=[1]), "2 images and 1 groups; expected one for each image"),
    "no image": (folder_call(images=[], labels=[]), "no image; expected at least one of each class"),
    "floats": (
        folder_call(images=[np.zeros((8, 8, 3))] * 2),
        "image 0 is an array of float64 of shape (8, 8, 3); expected uint8 of shape (height, width, 3), as by "
        "(255 * image).round().astype('uint8')",
    ),
    "channels first": (
        folder_call(images=[np.zeros((3, 8, 8), dtype=np.uint8)] * 2),
        "image 0 is an array of uint8 of shape (3, 8, 8); expected uint8 of shape (height, width, 3), as by "
        "(255 * image).round().astype('uint8')",
    ),
    "a picture of a kind that PNG lacks": (
        folder_call(images=[Image.new("CMYK", (8, 8))] * 2),
        "image 0 is a picture of the mode CMYK, which PNG lacks; convert it to RGB first",
    ),
    "another split": (
        folder_call(splits=["train", "val"]),
        "splits of the name val; expected train, validation, test for every image, or none",
    ),
    "another attribute": (
        folder_call(ages=[50, 60]),
        "unknown attribute 'ages' (did you mean 'age'?); known: age, confirmation, laterality, sex, site, source",
    ),
    "a folder in use": (in_use, "{folder} is there already and not empty; name a new folder"),
    "no recipe": (
        lambda folder: attnmel.train("isic2017/atnmel", out=folder),
        "unknown recipe 'isic2017/atnmel' (did you mean 'isic2017/attnmel'?); known: ",
    ),
    "an unknown setting": (
        lambda folder: attnmel.train("isic2017/mel-cnn", {"training.epoch": 3}, out=folder),
        "unknown key 'training.epoch' (did you mean 'epochs'?); known: ",
    ),
    "a setting of no kind": (
        lambda folder: attnmel.train("isic2017/mel-cnn", {"training.epochs": None}, out=folder),
        "training.epochs is None, which no setting takes; expected a text, number, truth value, list or mapping",
    ),
    "no seed": (
        lambda folder: attnmel.train("isic2017/mel-cnn", seeds=0, out=folder),
        "0 seeds; expected at least 1",
    ),
    "several devices": (
        lambda folder: attnmel.train("isic2017/mel-cnn", {"training.devices": 2}, out=folder),
        "training.devices = 2 starts processes, which the command `attnmel train` does; in Python leave it at 1, or "
        "start the processes yourself, as by torchrun",
    ),
    "ImageNet weights for an own network": (
        lambda folder: attnmel.Recipe.load(
            "isic2017/mel-cnn", {"model.network": "own", "model.own": "mine", "model.weights": "imagenet"}
        ),
        "model: weights = 'imagenet' are of the package's trunks; set weights = 'random' (as it is built)",
    ),
    "frozen layers of an own network": (
        lambda folder: attnmel.train("isic2017/mel-cnn", {"training.freeze": "pool3"}, network=small, out=folder),
        "training.freeze is of the package's trunks, but model.network = 'own'; leave it out",
    ),
    "an own network without a name": (
        lambda folder: attnmel.Recipe.load("isic2017/mel-cnn", {"model.network": "own", "model.weights": "random"}),
        "model: network = 'own' needs its name, model.own = 'NAME'",
    ),
    "a name of another network": (
        lambda folder: attnmel.Recipe.load("isic2017/mel-cnn", {"model.own": "mine"}),
        "model: network = 'mel-cnn' has no use for model.own",
    ),
    "a name that is none": (
        lambda folder: attnmel.train("isic2017/mel-cnn", network=lambda classes: small(classes), out=folder),
        "a lambda has no name to store the network by; write the function with def",
    ),
    "a module in place of its function": (
        lambda folder: attnmel.train("isic2017/mel-cnn", network=nn.Linear(3, 2), out=folder),
        "a network of your own is a function from the number of classes to a torch module; found: ",
    ),
    "a function that takes no number of classes": (
        lambda folder: attnmel.train("isic2017/mel-cnn", network=lambda: small(2), out=folder),  # pyright: ignore[reportArgumentType]
        "a network of your own is a function from the number of classes to a torch module; found: ",
    ),
    "no run": (
        lambda folder: attnmel.evaluate(folder / "run"),
        "{folder}/run is not a run folder: there is no such folder; train one first",
    ),
    "no image to explain": (
        lambda folder: attnmel.explain("pretrained", []),
        "no images to explain: name image files, or a split of the run's data, as in --split test",
    ),
    "a data set of a similar name": (
        lambda folder: attnmel.train("isic2017/mel-cnn", data=labelled(folder).with_name("clinc3"), out=folder / "run"),
        "there is no folder {folder}/clinc3 (did you mean 'clinic3'?); name the one where the images with their "
        "labels.csv are now",
    ),
    "no data set": (
        lambda folder: attnmel.datasets.read("isic2071"),
        "unknown data set 'isic2071' (did you mean 'isic2017'?); known: ",
    ),
    "a lone run": (
        lambda folder: attnmel.compare([folder / "none.csv"]),
        "nothing to compare at {folder}/none.csv; expected a run folder, ",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_possible_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    call, sentence = REFUSED[what]
    with pytest.raises(AttnmelError) as error:
        call(tmp_path)
    expected = sentence.format(folder=tmp_path)
    assert str(error.value)[: len(expected)] == expected
    assert expected.endswith((": ", ", ")) or str(error.value) == expected
    assert not [path for path in tmp_path.iterdir() if path.name not in ("other.txt", "clinic3")]
