import dataclasses
import hashlib
import pickle
from pathlib import Path

import pytest
import torch
from tests.factories import CARD as NARROW
from tests.factories import save_checkpoint
from torch import Tensor, nn

from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.folders import weights_folder
from attnmel.models.classifiers import build_network
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights import start_weights as module
from attnmel.models.weights.checkpoints import read_checkpoint
from attnmel.models.weights.published_weights import IMAGENET, PublishedWeights
from attnmel.models.weights.start_weights import Start, start_weights

WIDTH = 0.05
CLASSES = ("rest", "melanoma")
OLD_CLASSES = ("nevus", "melanoma", "keratosis")
CARD = dataclasses.replace(NARROW, classes=OLD_CLASSES, mean=(0.1, 0.2, 0.3), recipe="earlier", licence="CC BY-NC 4.0")


def network(name: str = "attnmel-cnn", trunk: str = "vgg16_bn", width: float = WIDTH) -> nn.Module:
    return build_network(name, trunk=trunk, width=width, classes=len(CLASSES))


def start(built: nn.Module, source: str, home: Path, *, trunk: str = "vgg16_bn", width: float = WIDTH) -> Start:
    return start_weights(built, source, trunk=trunk, width=width, classes=CLASSES, home=home)


def copied(built: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in built.state_dict().items()}


def published_tensors(trunk: str = "vgg16_bn", width: float = WIDTH) -> dict[str, Tensor]:
    """A small state dict as torchvision's published ones are: no counts of batches, and a classifier."""
    own = TRUNKS[trunk](width).state_dict()
    tensors = {name: torch.rand(tensor.shape) for name, tensor in own.items() if "num_batches" not in name}
    return {**tensors, "classifier.6.weight": torch.rand(1000, 2), "classifier.6.bias": torch.rand(1000)}


def write_published(folder: Path, tensors: object, *, name: str = "vgg16_bn", legacy: bool = True) -> Path:
    """Write a .pth whose name ends in the start of its SHA-256, as the published ones, in their older format."""
    part = folder / "part"
    torch.save(tensors, part, _use_new_zipfile_serialization=not legacy)
    return part.rename(folder / f"{name}-{hashlib.sha256(part.read_bytes()).hexdigest()[:8]}.pth")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_random_start_changes_nothing(home: Path) -> None:
    built = network()
    before = copied(built)
    assert start(built, "random", home) == Start("random start", licence=None)
    assert all(torch.equal(before[name], tensor) for name, tensor in built.state_dict().items())
    assert not home.exists()


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_a_published_file_fills_the_trunk_alone(trunk: str, legacy: bool, tmp_path: Path, home: Path) -> None:
    tensors = published_tensors(trunk)
    path = write_published(tmp_path, tensors, name=trunk, legacy=legacy)
    built = network(trunk=trunk)
    before = copied(built)
    done = start(built, str(path), home, trunk=trunk)
    sentence = f"published weights {path.name}; gates and head start at random"
    assert done == Start(sentence, licence=None, rescalable=trunk == "vgg16")
    for name, tensor in built.state_dict().items():
        public = name.removeprefix("trunk.")
        assert torch.equal(tensor, tensors.get(public, before[name])), name


def test_vgg16_takes_the_published_dense_layers_too(tmp_path: Path, home: Path) -> None:
    built = network("vgg16")
    own = built.state_dict()
    tensors = published_tensors()
    for place in (0, 3):
        for part in ("weight", "bias"):
            tensors[f"classifier.{place}.{part}"] = torch.rand(own[f"dense.{place}.{part}"].shape)
    head = copied(built)["head.weight"]
    path = write_published(tmp_path, tensors)
    assert start(built, str(path), home).sentence.endswith("head start at random")
    assert torch.equal(built.get_parameter("dense.0.weight"), tensors["classifier.0.weight"])
    assert torch.equal(built.get_parameter("dense.3.bias"), tensors["classifier.3.bias"])
    assert torch.equal(built.get_parameter("head.weight"), head)


def test_vgg16_refuses_a_file_without_dense_layers(tmp_path: Path, home: Path) -> None:
    path = write_published(tmp_path, published_tensors())
    with pytest.raises(CheckpointError, match=r"tensor 'dense\.0\.weight' is absent"):
        start(network("vgg16"), str(path), home)


def test_an_address_is_fetched_once_into_the_home(tmp_path: Path, home: Path) -> None:
    path = write_published(tmp_path, published_tensors())
    content = path.read_bytes()
    start(network(), path.as_uri(), home)
    path.unlink()
    start(network(), path.as_uri(), home)
    assert (weights_folder(home) / path.name).read_bytes() == content


def full_width_tensors() -> dict[str, Tensor]:
    """Tensors of the published shapes, each a view of one number, so that the file is small."""
    with torch.device("meta"):
        own = TRUNKS["vgg16_bn"](1.0).state_dict()
    return {name: torch.full((1,), 0.5).expand(t.shape) for name, t in own.items() if "num_batches" not in name}


def test_imagenet_weights_come_from_the_published_address_once(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_published(tmp_path, full_width_tensors())
    prefix = path.stem[-8:]
    monkeypatch.setitem(IMAGENET, "vgg16_bn", PublishedWeights(path.as_uri(), prefix))
    built = network(width=1.0)
    for _ in range(2):
        assert path.name in start(built, "imagenet", home, width=1.0).sentence
        assert (built.get_parameter("trunk.features.40.weight") == 0.5).all()
        path.unlink(missing_ok=True)


def test_published_names_hold_their_hash() -> None:
    for trunk, published in IMAGENET.items():
        assert published.name == f"{trunk}-{published.prefix[:8]}.pth"


def test_imagenet_weights_need_the_full_width(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"width is 0\.05, but ImageNet weights exist for width 1 only.*\"random\""):
        start(network(), "imagenet", home)


def test_unreachable_weights_are_answered_with_three_ways_on(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = (tmp_path / "vgg16_bn-6c64b313.pth").as_uri()
    monkeypatch.setitem(IMAGENET, "vgg16_bn", PublishedWeights(gone, "6c64b313"))
    with pytest.raises(CheckpointError, match="no weights from file://") as caught:
        start(network(), "imagenet", home, width=1.0)
    said = str(caught.value)
    assert "--set model.weights=http://.../vgg16_bn-6c64b313.pth" in said
    assert "or --set model.weights=PATH/vgg16_bn-6c64b313.pth" in said
    assert f"put it at {weights_folder(home)}/vgg16_bn-6c64b313.pth" in said
    assert "--set model.weights=random --set data.normalise_by=dataset" in said


def test_another_file_under_the_published_name_is_refused(tmp_path: Path, home: Path) -> None:
    path = write_published(tmp_path, published_tensors()).rename(tmp_path / "vgg16_bn-6c64b313.pth")
    message = r"SHA-256 (starts|begins) with [0-9a-f]{8}, expected 6c64b313"
    for source in (str(path), path.as_uri()):
        with pytest.raises(CheckpointError, match=message):
            start(network(), source, home)
    assert not (weights_folder(home) / path.name).exists()


def test_eight_digits_in_a_name_do_not_make_a_file_the_published_one(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_published(tmp_path, published_tensors())
    assert start(network(), str(path), home)
    whole = path.stem[-8:] + "0" * 56
    monkeypatch.setitem(IMAGENET, "vgg16_bn", PublishedWeights("http://x/y.pth", whole))
    with pytest.raises(CheckpointError, match=rf"expected {whole} as its name says"):
        start(network(), str(path), home)


def test_a_file_without_a_hash_in_its_name_must_be_a_published_one(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = write_published(tmp_path, published_tensors())
    prefix = named.stem[-8:]
    path = named.rename(tmp_path / "mine.pth")
    for source in (str(path), path.as_uri()):
        with pytest.raises(CheckpointError, match=r"none of the published files' 6c64b313 \(vgg16_bn\), 397923af"):
            start(network(), source, home)
    monkeypatch.setitem(IMAGENET, "vgg16_bn", PublishedWeights("http://x/y.pth", prefix))
    assert "mine.pth" in start(network(), str(path), home).sentence


class Harmful:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path, home: Path) -> None:
    trace = tmp_path / "trace"
    path = write_published(tmp_path, {"features.0.weight": Harmful(trace)})
    with pytest.raises(CheckpointError, match="cannot be read as weights"):
        start(network(), str(path), home)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"text", pickle.dumps(3, protocol=2)])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path, home: Path) -> None:
    path = tmp_path / f"vgg16_bn-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"cannot be read as weights|holds no state dict"):
        start(network(), str(path), home)


@pytest.mark.parametrize("content", [[1, 2], {"features.0.weight": 3}, torch.zeros(3)])
def test_a_file_without_named_tensors_is_refused(content: object, tmp_path: Path, home: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no state dict"):
        start(network(), str(write_published(tmp_path, content)), home)


def test_a_file_of_another_trunk_is_refused(tmp_path: Path, home: Path) -> None:
    light = write_published(tmp_path, published_tensors("mobilenet_v2"), name="mobilenet_v2")
    with pytest.raises(
        CheckpointError, match=r"mobilenet_v2-.*'trunk\.features\.0\.weight' is absent, expected 3x3x3x3"
    ):
        start(network(), str(light), home)
    normed = write_published(tmp_path, published_tensors())
    with pytest.raises(CheckpointError, match=r"vgg16_bn-.*'trunk\.features\.2\.weight' is absent, expected 3x3x3x3"):
        start(network(trunk="vgg16"), str(normed), home, trunk="vgg16")
    wider = write_published(tmp_path, published_tensors(width=0.1))
    with pytest.raises(CheckpointError, match=r"'trunk\.features\.0\.weight' is 6x3x3x3, expected 3x3x3x3"):
        start(network(), str(wider), home)
    deeper = write_published(tmp_path, {**published_tensors(), "features.44.weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"'features\.44\.weight' is 2, expected absent"):
        start(network(), str(deeper), home)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder with a trained network for `OLD_CLASSES`."""
    save_checkpoint(tmp_path / "run" / "best.safetensors", build_network(CARD.network, width=WIDTH, classes=3), CARD)
    two = dataclasses.replace(CARD, classes=CLASSES)
    save_checkpoint(tmp_path / "run" / "two.safetensors", network(), two)
    return tmp_path / "run"


def test_fine_tuning_replaces_the_head_where_classes_differ(run: Path, home: Path) -> None:
    earlier, _ = module.read_checkpoint(run)
    built = network()
    before = copied(built)
    said = start(built, str(run), home).sentence
    assert "earlier, epoch 3" in said
    assert said.endswith("with a new head for rest, melanoma")
    for name, tensor in built.state_dict().items():
        assert torch.equal(tensor, before[name] if name.startswith("head.") else earlier[name]), name


def test_fine_tuned_weights_keep_the_licence_of_their_first_data(run: Path, home: Path) -> None:
    assert start(network(), str(run), home).licence == "CC BY-NC 4.0"
    assert start(network(), str(run / "two.safetensors"), home).licence == "CC BY-NC 4.0"


def test_fine_tuning_keeps_the_head_of_the_same_classes(run: Path, home: Path) -> None:
    earlier, _ = module.read_checkpoint(run / "two.safetensors")
    built = network()
    assert start(built, str(run / "two.safetensors"), home).sentence.endswith("with its head")
    assert all(torch.equal(tensor, earlier[name]) for name, tensor in built.state_dict().items())


def test_the_same_number_of_other_classes_is_a_new_head(run: Path, home: Path) -> None:
    built = network()
    head = copied(built)["head.weight"]
    names = ("nevus", "melanoma")
    source = str(run / "two.safetensors")
    said = start_weights(built, source, trunk="vgg16_bn", width=WIDTH, classes=names, home=home).sentence
    assert said.endswith("with a new head for nevus, melanoma")
    assert torch.equal(built.get_parameter("head.weight"), head)


def test_every_head_of_a_network_is_new_where_classes_differ(tmp_path: Path, home: Path) -> None:
    earlier = build_network("dermaknet", width=WIDTH, classes=len(OLD_CLASSES))
    card = dataclasses.replace(CARD, network="dermaknet", width=WIDTH)
    save_checkpoint(tmp_path / "best.safetensors", earlier, card)
    built = network("dermaknet")
    before = copied(built)
    assert start(built, str(tmp_path), home).sentence.endswith("with a new head for rest, melanoma")
    for name, tensor in built.state_dict().items():
        head = name.startswith(("head.", "polar.", "asymmetry."))
        assert torch.equal(tensor, before[name] if head else earlier.state_dict()[name]), name


def test_a_network_of_the_users_own_has_no_trunk_to_start_from(tmp_path: Path, home: Path) -> None:
    card = dataclasses.replace(CARD, network="own", own="mine")
    save_checkpoint(tmp_path / "best.safetensors", nn.Linear(1, 3), card)
    with pytest.raises(CheckpointError, match=r"is the network 'mine', which is not attnmel's.*: it has no trunk that"):
        start(network(), str(tmp_path), home)


@pytest.mark.parametrize("other", ["mel-cnn", "vgg16-gap", "vgg16"])
def test_another_network_takes_the_trunk_alone_and_says_so(other: str, run: Path, home: Path) -> None:
    built = network(other)
    fresh = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    done = start(built, str(run), home)
    given, _ = read_checkpoint(run)
    for name, tensor in built.state_dict().items():
        assert torch.equal(tensor, given[name] if name.startswith("trunk.") else fresh[name]), name
    assert "of its trunk alone (that network is attnmel-cnn)" in done.sentence
    assert done.sentence.endswith("head start at random")


def test_another_trunk_is_refused(run: Path, home: Path) -> None:
    message = r"attnmel-cnn on vgg16_bn, width 0\.05, for nevus.*'trunk\.features\..* is .*, expected"
    with pytest.raises(CheckpointError, match=message):
        start(network("mel-cnn", width=0.1), str(run), home)


@pytest.mark.parametrize("source", ["imagnet", "none.pth", "start.bin"])
def test_an_unknown_source_is_answered_with_the_known(source: str, home: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"no weights at '{source}'; model\.weights is \"imagenet\", \"random\""):
        start(network(), source, home)


def test_an_address_of_another_kind_of_file_is_refused(home: Path) -> None:
    with pytest.raises(CheckpointError, match=r"does not end in the name of a \.pth file"):
        start(network(), "https://127.0.0.1/best.safetensors", home)
