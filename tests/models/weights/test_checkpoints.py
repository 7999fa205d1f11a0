import dataclasses
import errno
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tests.factories import CARD as NARROW
from tests.factories import save_checkpoint
from torch import nn

from attnmel import NOTICE, __version__
from attnmel.errors import CheckpointError
from attnmel.models.classifiers import NETWORKS, build_network
from attnmel.models.weights import safetensors_io
from attnmel.models.weights.card import CARD as KEY
from attnmel.models.weights.card import Card, card_json
from attnmel.models.weights.checkpoints import (
    checkpoint_card,
    checkpoint_file,
    load_checkpoint,
    read_checkpoint,
    set_temperature,
)
from attnmel.models.weights.safetensors_io import load_state, save_state

CARD = dataclasses.replace(
    NARROW,
    attention="softmax",
    measures={"validation_auc": 0.1 + 0.2, "validation_ap": math.inf},
    data={"dataset": "phantoms", "images": 7, "archives": [{"name": "a.zip", "size": 1}]},
    licence="CC-0",
)


def network_of(card: Card) -> nn.Module:
    """Build the card's network, with running statistics that are not those of the start."""
    network = build_network(
        card.network,
        trunk=card.trunk,
        width=card.width,
        padding=card.padding,
        classes=len(card.classes),
        attention=card.attention,
    )
    network(torch.rand(4, 3, 64, 64))
    return network


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, network_of(CARD), CARD)
    return path


def rewrite(path: Path, card: dict[str, object]) -> None:
    """Write a checkpoint's tensors again with another card."""
    tensors, _ = load_state(path)
    save_state(path, tensors, {KEY: json.dumps(card)})


def as_dict(card: Card) -> dict[str, object]:
    return {**dataclasses.asdict(card), "measures": {}}


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", NETWORKS)
def test_round_trip_keeps_every_bit(name: str, memory_format: torch.memory_format, tmp_path: Path) -> None:
    card = dataclasses.replace(CARD, network=name)
    network = network_of(card).to(memory_format=memory_format)  # pyright: ignore[reportCallIssue] - not in torch's overloads
    save_checkpoint(tmp_path / "one.safetensors", network, card)
    loaded, found = load_checkpoint(tmp_path / "one.safetensors")
    assert found == card
    assert not loaded.training
    before, after = network.state_dict(), loaded.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[key], after[key]) and before[key].dtype == after[key].dtype for key in before)
    assert all(weights.requires_grad for weights in loaded.parameters())
    images = torch.rand(2, 3, 64, 64)
    if memory_format == torch.contiguous_format:
        assert torch.equal(network.eval()(images).logits, loaded(images).logits)


def test_the_json_file_is_the_card_inside_the_weights_file(saved: Path) -> None:
    with safe_open(saved, framework="pt") as file:
        inside = file.metadata()[KEY]
    written_apart = saved.with_suffix(".json").read_text(encoding="utf-8")
    assert inside == written_apart
    written = json.loads(written_apart)
    assert written["notice"] == NOTICE
    assert written["licence"] == "CC-0"
    assert written["version"] == __version__
    assert "Infinity" not in written_apart.replace('"Infinity"', "")


def test_a_measure_that_is_not_a_number_survives(tmp_path: Path) -> None:
    card = dataclasses.replace(CARD, measures={"validation_auc": math.nan})
    save_checkpoint(tmp_path / "one.safetensors", network_of(card), card)
    assert math.isnan(read_checkpoint(tmp_path / "one.safetensors")[1].measures["validation_auc"])


def test_another_temperature_leaves_the_weights_and_the_rest_of_the_card(saved: Path) -> None:
    before = load_state(saved)[0]
    set_temperature(saved.parent, 1.25)
    after, card = read_checkpoint(saved)
    assert card == dataclasses.replace(CARD, temperature=1.25)
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    assert json.loads(saved.with_suffix(".json").read_text())["temperature"] == 1.25
    written = saved.read_bytes()
    set_temperature(saved, 1.25)
    assert saved.read_bytes() == written
    set_temperature(saved, None)
    assert read_checkpoint(saved)[1] == CARD


def test_a_card_from_before_temperatures_is_read(saved: Path) -> None:
    card = as_dict(CARD)
    del card["temperature"]
    rewrite(saved, card)
    assert read_checkpoint(saved)[1].temperature is None


def test_loading_draws_no_random_numbers(saved: Path) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    load_checkpoint(saved)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loaded_network_outlives_its_file(saved: Path) -> None:
    network, _ = load_checkpoint(saved)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    saved.write_bytes(bytes(saved.stat().st_size))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_run_folder_means_its_best_checkpoint(saved: Path) -> None:
    assert checkpoint_file(saved.parent) == saved
    assert load_checkpoint(saved.parent)[1] == CARD


def test_a_half_precision_file_loads_as_float32(saved: Path) -> None:
    tensors, metadata = load_state(saved)
    halves = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    save_state(saved, halves, metadata)
    with pytest.raises(CheckpointError, match=r"is damaged, or another program changed it: .* \(SHA-256\)"):
        load_checkpoint(saved)
    save_state(saved, halves, {KEY: card_json(CARD).decode()})
    assert {weights.dtype for weights in load_checkpoint(saved)[0].parameters()} == {torch.float32}


def test_a_bit_that_changed_anywhere_in_the_weights_is_found(saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    begin = 8 + int.from_bytes(whole[:8], "little")
    for place in np.random.default_rng(0).integers(begin, len(whole), 20):
        changed = whole.copy()
        changed[place] ^= 1
        saved.write_bytes(changed)
        with pytest.raises(CheckpointError, match=r"\(SHA-256\)"):
            load_checkpoint(saved)


def test_a_checkpoint_without_the_hash_of_its_weights_still_opens(saved: Path) -> None:
    save_state(saved, load_state(saved)[0], {KEY: card_json(CARD).decode()})
    assert load_checkpoint(saved)[1] == CARD


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_is_refused_unread(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "best.safetensors"
    torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r"is a pickle \(as torch\.save writes\), which could run code"):
        load_checkpoint(path)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_checkpoint(saved)


def test_a_missing_card_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"holds tensors but no card of attnmel"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "mel-cnn"}, r"tensor 'gates\.0\.global_weights\.weight' is 13x26x1x1, expected absent"),
        ({"trunk": "vgg16"}, r"tensor 'trunk\.features\.2\.weight' is absent, expected 3x3x3x3"),
        ({"width": 0.1}, r"tensor 'trunk\.features\.0\.weight' is 3x3x3x3, expected 6x3x3x3"),
        ({"classes": ("a", "b", "melanoma")}, r"tensor 'head\.weight' is 2x65, expected 3x65 \(2 of 101 tensors"),
        ({"network": "resnet"}, r"cannot build: unknown network 'resnet'"),
        ({"size": "large"}, r"the card in .* cannot be read \(size = 'large': .*another version of attnmel"),
    ],
)
def test_a_card_of_another_network_is_refused(saved: Path, change: dict[str, object], message: str) -> None:
    rewrite(saved, {**as_dict(CARD), **change})
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": 10**6}, r"\(side = 1000000: expected at most 2048\)"),
        ({"size": 65}, r"\(size = 65: expected a multiple of 32\)"),
        ({"size": 0}, r"\(size = 0: expected at least 32"),
        ({"size": 96}, r"\(size = 96 is more than side = 73, which it is cut from\)"),
        ({"std": (0.1, 0, 0.1)}, r"\(std\.1 = 0: expected at least 0\.001\)"),
        ({"std": (0.1, 0.1, 1e-40)}, r"\(std\.2 = 1e-40: "),
        ({"mean": (0.1, math.nan, 0.1)}, r"\(mean\.1 = nan: expected at "),
        ({"mean": (0.1, 200, 0.1)}, r"\(mean\.1 = 200: expected at most 1\)"),
        ({"crop": -1}, r"\(crop: expected a share .* at most 1, or 'lesion'; found -1\)"),
        ({"crop": 1.5}, r"\(crop: expected a share .*; found 1\.5\)"),
        ({"crop": "x" * 10**5}, r"\(crop: expected a share .*; found 'x{1,30}\.\.\.x{1,30}'\)"),
        ({"crop": "lesion", "crops": 5}, r"\(crops = 5 are of a central crop, but crop = 'lesion'; set crops = 1\)"),
        (
            {"colours": {"mean": [0.5] * 3, "covariance": [[1.0] * 3] * 3, "limit": 0.0, "images": 9}},
            r"\(colours: expected a positive limit and a covariance that can be inverted\)",
        ),
        ({"crop_margin": -1}, r"\(crop_margin = -1: expected at least 0\)"),
        ({"temperature": 0}, r"\(temperature = 0: expected at least 0\.05\)"),
        ({"temperature": math.nan}, r"\(temperature = nan: "),
        ({"width": 2.0}, r"\(width = 2\.0: expected at most 1\)"),
        (
            {"classes": (), "positives": ()},
            r"\(classes = \[\]: expected at least 2, found 0, positives = \[\]: expected at least 1, found 0\)",
        ),
        ({"classes": ("melanoma", "melanoma")}, r"\(classes are doubled: melanoma, melanoma\)"),
        ({"positives": ("nevus",)}, r"\(positives name nevus; known: rest, melanoma\)"),
        ({"side": "x" * 10**5}, r"\(side = 'x{1,30}\.\.\.x{1,30}': "),
    ],
)
def test_a_card_beyond_the_limits_of_the_settings_is_refused(
    saved: Path, change: dict[str, object], message: str
) -> None:
    rewrite(saved, {**as_dict(CARD), **change})
    for read in (read_checkpoint, load_checkpoint):
        with pytest.raises(CheckpointError, match=message + r".*changed by hand; get the checkpoint from"):
            read(saved)


def test_a_card_that_lacks_a_field_is_refused(saved: Path) -> None:
    card = as_dict(CARD)
    del card["classes"]
    rewrite(saved, card)
    with pytest.raises(CheckpointError, match=r"cannot be read \(classes is missing\)"):
        read_checkpoint(saved)


def test_a_card_with_settings_that_a_later_version_added_is_refused(saved: Path) -> None:
    """They may change the prediction, as the colour constancy did that an earlier card lacks."""
    rewrite(saved, {**as_dict(CARD), "version": "3.0", "hair": "removed", "frame": "round"})
    told = (
        r"has settings that attnmel .* does not know \(frame, hair\), .*; install the version that wrote it, 3\.0, or"
    )
    for read in (read_checkpoint, load_checkpoint, checkpoint_card):
        with pytest.raises(CheckpointError, match=told):
            read(saved)


@pytest.mark.parametrize(
    ("name", "message"), [("none", "no checkpoint at .*none"), (".", r"holds no best\.safetensors")]
)
def test_a_path_without_a_checkpoint_is_an_error(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), r"No space left on device\. Free some space or"),
        (SafetensorError("No space left on device"), r"No space left on device\. Free some space or"),
        (OSError(errno.EROFS, "Read-only file system"), r"Read-only file system\. Get the right to write there or"),
    ],
)
def test_what_cannot_be_written_keeps_the_old_checkpoint(
    saved: Path, error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_written(tensors: object, part: Path, metadata: object) -> None:
        part.write_bytes(b"half")
        raise error

    monkeypatch.setattr(safetensors_io, "save_file", half_written)
    with pytest.raises(CheckpointError, match=rf"cannot write .*best\.safetensors: {told} .*is kept"):
        save_checkpoint(saved, network_of(CARD), dataclasses.replace(CARD, epoch=4))
    assert load_checkpoint(saved)[1].epoch == CARD.epoch
    assert sorted(path.name for path in saved.parent.iterdir()) == ["best.json", "best.safetensors"]


def test_padding_travels_with_the_checkpoint(tmp_path: Path) -> None:
    card = dataclasses.replace(CARD, trunk="mobilenet_v2", padding="tensorflow")
    network = network_of(card).eval()
    save_checkpoint(tmp_path / "best.safetensors", network, card)
    loaded, read = load_checkpoint(tmp_path / "best.safetensors")
    images = torch.rand(2, 3, 64, 64)
    assert read.padding == "tensorflow"
    assert torch.equal(loaded(images).logits, network(images).logits)
    other = build_network(card.network, trunk=card.trunk, width=card.width, classes=2, attention=card.attention).eval()
    other.load_state_dict(loaded.state_dict())
    assert not torch.allclose(other(images).logits, network(images).logits)


def test_a_checkpoint_from_before_padding_was_a_setting_is_symmetric(saved: Path) -> None:
    card = as_dict(CARD)
    del card["padding"]
    rewrite(saved, card)
    assert load_checkpoint(saved)[1].padding == "symmetric"
