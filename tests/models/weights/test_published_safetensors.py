"""Published weights in a .safetensors file: as strict as a .pth file, without its hash."""

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from attnmel.errors import CheckpointError
from attnmel.models.classifiers import build_network
from attnmel.models.trunks.registry import TRUNKS
from attnmel.models.weights.safetensors_io import load_state, save_state
from attnmel.models.weights.start_weights import Start, start_weights

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights"
REAL = WEIGHTS / "mobilenet_v2-imagenet-dequantised.safetensors"
VGG = WEIGHTS / "vgg16_bn-imagenet-unit.safetensors"
WIDTH = 0.1
CLASSES = ("rest", "melanoma")


def network(width: float = WIDTH, padding: str = "symmetric") -> nn.Module:
    return build_network("attnmel-cnn", trunk="mobilenet_v2", width=width, padding=padding, classes=len(CLASSES))


def start(built: nn.Module, path: Path, *, width: float = WIDTH) -> Start:
    return start_weights(built, str(path), trunk="mobilenet_v2", width=width, classes=CLASSES, home=path.parent)


def tensors(width: float = WIDTH) -> dict[str, Tensor]:
    """Tensors as torchvision names them, convolutions in half precision, with a classifier."""
    torch.manual_seed(1)
    own = TRUNKS["mobilenet_v2"](width).state_dict()
    random = {name: torch.rand(tensor.shape) for name, tensor in own.items() if tensor.is_floating_point()}
    halves = {name: tensor.half() if tensor.ndim == 4 else tensor for name, tensor in random.items()}
    return {**halves, "classifier.1.weight": torch.rand(10, 1280), "classifier.1.bias": torch.rand(10)}


def written(folder: Path, held: dict[str, Tensor], **metadata: str) -> Path:
    path = folder / "light.safetensors"
    save_state(path, held, metadata)
    return path


def test_the_trunk_is_filled_in_its_own_precision_and_the_sentence_holds_the_hash(tmp_path: Path) -> None:
    held = tensors()
    path = written(tmp_path, held)
    built = network()
    before = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sentence = f"published weights light.safetensors (SHA-256 {digest}); gates and head start at random"
    assert start(built, path) == Start(sentence, licence=None)
    for name, tensor in built.state_dict().items():
        public = name.removeprefix("trunk.")
        expected = (held[public] if public in held else before[name]).to(before[name].dtype)
        assert tensor.dtype == before[name].dtype, name
        assert torch.equal(tensor, expected), name


def test_the_licence_of_the_weights_stays_with_them(tmp_path: Path) -> None:
    path = written(tmp_path, tensors(), licence="Apache-2.0")
    assert start(network(), path).licence == "Apache-2.0 (start weights)"


def test_weights_of_another_shape_or_trunk_are_refused(tmp_path: Path) -> None:
    wider = written(tmp_path, tensors(0.75))
    with pytest.raises(
        CheckpointError, match=r"light\.safetensors: tensor 'trunk\.features\.0\.0\.weight' is 24x3x3x3"
    ):
        start(network(), wider)
    vgg = written(tmp_path, dict(TRUNKS["vgg16"](0.05).state_dict()))
    with pytest.raises(CheckpointError, match=r"'trunk\.features\.0\.0\.weight' is absent, expected 8x3x3x3"):
        start(network(), vgg)
    more = written(tmp_path, {**tensors(), "features.19.0.weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"'features\.19\.0\.weight' is 2, expected absent"):
        start(network(), more)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    held = tensors()
    held["features.0.0.weight"].fill_(torch.nan)
    with pytest.raises(CheckpointError, match=r"1 of \d+ tensors hold values that are not finite"):
        start(network(), written(tmp_path, held))


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    held = tensors()
    held["features.0.0.weight"] = torch.ones_like(held["features.0.0.weight"], dtype=torch.int8)
    with pytest.raises(CheckpointError, match=r"'trunk\.features\.0\.0\.weight' holds torch\.int8 \(1 of \d+ hold"):
        start(network(), written(tmp_path, held))


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="no real weights beside the project")
def test_the_real_weights_fill_the_light_trunk() -> None:
    built = network(1.0, "tensorflow")
    assert start(built, REAL, width=1.0).sentence.startswith("published weights mobilenet_v2-imagenet-dequantised")
    torch.manual_seed(0)
    deepest = built.eval().get_submodule("trunk")(torch.rand(1, 3, 224, 224) * 2 - 1).stride32
    assert deepest.isfinite().all()
    assert 0 <= deepest.min() < deepest.max() <= 6


@pytest.mark.real
@pytest.mark.skipif(not VGG.is_file(), reason="no real weights beside the project")
def test_the_real_vgg_fills_both_trunks_which_agree_in_evaluation_mode(tmp_path: Path) -> None:
    tensors, _ = load_state(VGG)
    places = {0: 0, 3: 2, 7: 5, 10: 7, 14: 10, 17: 12, 20: 14, 24: 17, 27: 19, 30: 21, 34: 24, 37: 26, 40: 28}
    plain = {
        f"features.{place}.{kind}": tensors[f"features.{normed}.{kind}"]
        for normed, place in places.items()
        for kind in ("weight", "bias")
    }
    save_state(tmp_path / "plain.safetensors", plain, {})
    torch.manual_seed(0)
    images = torch.randn(2, 3, 64, 64)
    maps = []
    for trunk, path in (("vgg16_bn", VGG), ("vgg16", tmp_path / "plain.safetensors")):
        built = build_network("mel-cnn", trunk=trunk, classes=2).eval()
        start = start_weights(built, str(path), trunk=trunk, width=1.0, classes=CLASSES, home=tmp_path)
        assert (start.bare, start.rescalable) == (False, trunk == "vgg16")
        with torch.no_grad():
            maps.append(built.get_submodule("trunk")(images))
    for normed, bare in zip(*maps, strict=True):
        # The file keeps its batch-norm in half floats in part, which its README gives as .026 on values up to 32.
        assert (normed - bare).abs().max() < 0.003 * bare.abs().max()


@pytest.mark.parametrize("size", [0, 7, 100, -40])
def test_a_truncated_file_is_refused(size: int, tmp_path: Path) -> None:
    path = written(tmp_path, tensors())
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(
        CheckpointError, match=r"light\.safetensors is not a whole safetensors file \(.*\)\. Copy it again"
    ):
        start(network(), path)
