"""The U-Net's checkpoint comes back to the bit, and is told from a classifier's; MONAI may be missing."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import torch

from attnmel.config.load import load_segmenter_recipe
from attnmel.errors import CheckpointError, ConfigError
from attnmel.files.folders import RunFolder
from attnmel.models.segmenter import CARD as KEY
from attnmel.models.segmenter import SegmenterCard, build_segmenter, load_segmenter, save_segmenter, segmentation_loss
from attnmel.models.weights.checkpoints import load_checkpoint, save_with_card

CARD = SegmenterCard(
    channels=(4, 8),
    residual_units=1,
    norm="instance",
    size=32,
    mean=(0.7, 0.5, 0.5),
    std=(0.1, 0.1, 0.1),
    threshold=0.5,
    epoch=3,
    measures={"jaccard": 0.7},
    data={"dataset": "phantoms"},
    licence="synthetic",
    seed=0,
)


def test_a_segmenter_comes_back_to_the_bit(tmp_path: Path) -> None:
    network = build_segmenter(CARD.channels, CARD.residual_units, CARD.norm).eval()
    save_segmenter(tmp_path / "a.safetensors", network.state_dict(), CARD)
    found, card = load_segmenter(tmp_path / "a.safetensors")
    image = torch.rand(1, 3, 32, 32)
    assert card == CARD
    assert torch.equal(found(image), network(image))
    assert found(image).shape == (1, 1, 32, 32)


def test_a_classifier_is_no_segmenter_nor_the_other_way_round(trained: RunFolder, segmenter: RunFolder) -> None:
    with pytest.raises(
        CheckpointError, match=r"a card of attnmel, not of attnmel-segmenter; .* that `attnmel segment train`"
    ):
        load_segmenter(trained.path)
    with pytest.raises(
        CheckpointError, match=r"a card of attnmel-segmenter, not of attnmel; .* that `attnmel train` wrote"
    ):
        load_checkpoint(segmenter.path)


def test_a_card_with_a_setting_that_a_later_version_added_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    plain = {**dataclasses.asdict(CARD), "colour_constancy": "grey-world"}
    save_with_card(path, {"a": torch.zeros(1)}, KEY, json.dumps(plain).encode())
    with pytest.raises(CheckpointError, match=r"does not know \(colour_constancy\), .*; install the version"):
        load_segmenter(path)


def test_weights_of_another_unet_are_refused_by_tensor(tmp_path: Path) -> None:
    save_segmenter(tmp_path / "a.safetensors", build_segmenter((4, 6), 1, "instance").state_dict(), CARD)
    with pytest.raises(
        CheckpointError, match=r"a U-Net of channels \(4, 8\): tensor '.*' is 6x4x3x3, expected 8x4x3x3"
    ):
        load_segmenter(tmp_path / "a.safetensors")


def test_the_loss_is_soft_dice_plus_cross_entropy() -> None:
    logits, masks = torch.randn(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    p = logits.sigmoid()
    dice = 1 - 2 * (p * masks).sum((1, 2, 3)) / (p.sum((1, 2, 3)) + masks.sum((1, 2, 3)))
    entropy = -(masks * p.log() + (1 - masks) * (1 - p).log()).mean()
    assert torch.isclose(segmentation_loss()(logits, masks), dice.mean() + entropy, atol=1e-5)


def test_a_missing_monai_is_answered_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "monai", None)
    with pytest.raises(ConfigError, match=r"needs the package monai, .*; type: pip install 'attnmel\[segment\]'"):
        build_segmenter((4, 8), 1, "batch")


@pytest.mark.parametrize(("norm", "batch"), [("instance", 2), ("batch", 1)])
def test_a_level_of_one_place_is_refused_where_its_norm_would_see_one_value(norm: str, batch: int) -> None:
    levels = (2, 2, 2, 2, 2, 2)
    with pytest.raises(ValueError, match="Expected more than 1 "):
        build_segmenter(levels, 0, norm).train()(torch.zeros(batch, 3, 32, 32))
    build_segmenter(levels, 0, norm).train()(torch.zeros(batch, 3, 64, 64))
    build_segmenter(levels, 0, "batch").train()(torch.zeros(2, 3, 32, 32))

    def load(*changes: str) -> None:
        load_segmenter_recipe(overrides=[f"model.channels={[*levels]}", "data.size=32", *changes])

    own = (f"model.norm={norm}", f"training.batch={batch}")
    with pytest.raises(
        ConfigError, match="the deepest of 6 levels has one place, so that its norm sees one value, and"
    ):
        load(*own)
    load(*own, "data.size=64")
    load("model.norm=batch", "training.batch=2")
