"""A segmenter's run: what lies in it, that it learns, that a stopped one goes on to the same weights."""

import csv
import json
import math
import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from tests.conftest import TINY_UNET
from tests.factories import Recorder

from attnmel.compute import runtime
from attnmel.config.load import load_segmenter_recipe
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ConfigError, LabelError, TrainingError
from attnmel.files.folders import RunFolder
from attnmel.models.segmenter import load_segmenter
from attnmel.pipeline.run.images.seen_images import read_images
from attnmel.pipeline.run.training.history import SegmenterRow, best_segmenter_row
from attnmel.pipeline.segment import train
from attnmel.pipeline.segment.dataset import prepare_pairs
from attnmel.pipeline.segment.train import WARM_UP, train_segmenter
from attnmel.pipeline.train import epochs
from attnmel.training.schedules import WarmUpCosine

if TYPE_CHECKING:
    from tests.conftest import Phantoms


def row(epoch: int, threshold_jaccard: float, jaccard: float) -> SegmenterRow:
    return SegmenterRow(
        epoch=epoch,
        learning_rate=0.1,
        loss=1.0,
        threshold_jaccard=threshold_jaccard,
        jaccard=jaccard,
        dice=jaccard,
        seconds=1.0,
        images_per_second=1.0,
    )


def test_the_best_epoch_is_the_earliest_of_the_highest_and_by_jaccard_while_all_fail() -> None:
    assert best_segmenter_row([row(1, 0.7, 0.8), row(2, 0.75, 0.76), row(3, 0.75, 0.76)]).epoch == 2
    assert best_segmenter_row([row(1, 0.0, 0.3), row(2, 0.0, 0.5)]).epoch == 2


def plain_rate(step: int, steps: int, highest: float) -> float:
    """The rate of a step: a line up over a twentieth of all steps, then half a cosine down."""
    rising = max(1, round(steps / 20))
    if step < rising:
        return highest * (step + 1) / rising
    return highest * (1 + math.cos(math.pi * (step - rising + 1) / (steps - rising + 1))) / 2


def test_the_rate_rises_on_a_line_and_falls_to_almost_nothing() -> None:
    schedule = WarmUpCosine(epochs=4, learning_rate=0.01, warm_up=WARM_UP)
    rates = [schedule.step_rate(epoch, step, 50) for epoch in range(4) for step in range(50)]
    np.testing.assert_allclose(rates[:10], 0.01 * np.arange(1, 11) / 10)
    assert rates == [plain_rate(step, 200, 0.01) for step in range(200)]
    assert max(rates) == rates[9] == 0.01
    assert all(later < earlier for earlier, later in pairwise(rates[9:]))
    assert 0 < rates[-1] < 1e-5
    assert [schedule.epoch_rate(epoch, 50) for epoch in range(4)] == rates[49::50]
    assert WarmUpCosine(epochs=1, learning_rate=0.01, warm_up=WARM_UP).step_rate(0, 0, 1) == 0.01


def test_a_run_says_what_it_learnt_from_and_how_well(segmenter: RunFolder, phantoms: "Phantoms") -> None:
    known = read_images(segmenter)
    training = {one.image_id for one in read_dataset("phantoms", phantoms.home).lesions if one.split == "train"}
    assert {one.image_id for one in known} == training
    assert sum(one.split == "validation" for one in known) == len(training) / 4
    measures = json.loads(segmenter.measures.read_text())
    assert measures["images"] == 6
    assert {"threshold_jaccard", "jaccard", "dice", "failed"} == set(measures["figures"])
    for name, one in measures["figures"].items():
        if one["low"] is None:  # a network of this size overlaps enough with no mask, or with each
            assert name == "threshold_jaccard"
            assert one["value"] in (0, 1)
        else:
            assert 0 <= one["low"] <= one["value"] <= one["high"] <= 1
    rows = list(csv.DictReader(segmenter.history.read_text().splitlines()))
    assert [one["epoch"] for one in rows] == ["1", "2", "3"]
    assert load_segmenter(segmenter.path)[1].epoch == measures["epoch"]
    assert json.loads(segmenter.provenance.read_text())["data"]["splits"] == {"train": 18, "validation": 6}


def plain_training(phantoms: "Phantoms", total: int) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The mean loss of each epoch, and the weights, of a loop as anyone would write it."""
    from monai.losses.dice import DiceCELoss  # more than a second, for the one process that runs this test
    from monai.networks.nets.unet import UNet

    pairs = prepare_pairs(load_segmenter_recipe(overrides=TINY_UNET), home=phantoms.home)
    runtime.seed_everything(0)
    network = UNet(2, 3, 1, (4, 8, 16), (2, 2), num_res_units=2, norm="BATCH")
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's types lack this overload
    optimizer, loss_of = torch.optim.AdamW(network.parameters(), weight_decay=0.01), DiceCELoss(sigmoid=True)
    batches, means = pairs.training_batches(torch.device("cpu")), []
    for epoch in range(total):
        runtime.seed_everything(0, epoch)
        network.train()
        losses = []
        for step, batch in enumerate(batches.epoch(epoch)):
            optimizer.param_groups[0]["lr"] = plain_rate(epoch * len(batches) + step, total * len(batches), 0.002)
            optimizer.zero_grad()
            loss = loss_of(network(batch.images), batch.priors)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))
    return means, network.state_dict()


def test_a_run_is_a_plain_loop_to_the_bit(segmenter: RunFolder, phantoms: "Phantoms") -> None:
    losses, weights = plain_training(phantoms, 3)
    assert [float(one["loss"]) for one in csv.DictReader(segmenter.history.read_text().splitlines())] == losses
    torch.testing.assert_close(load_file(segmenter.last), dict(weights), rtol=0, atol=0)


def test_history_and_state_are_stored_as_ever(segmenter: RunFolder) -> None:
    columns = "epoch,learning_rate,loss,threshold_jaccard,jaccard,dice,seconds,images_per_second"
    first, *rows = segmenter.history.read_text().splitlines()
    assert first == columns
    with safe_open(segmenter.resume, "pt") as state:
        stored, names = json.loads(state.metadata()["history"]), set(state.keys())
    assert [",".join(one.values()) for one in stored] == rows
    assert [",".join(one) for one in stored] == [columns] * 3
    weights = set(load_file(segmenter.best))
    assert {f"network.{name}" for name in weights} <= names
    others = {name.removeprefix("optimizer.").split(".", 1)[1] for name in names if name.startswith("optimizer.")}
    assert others == {"step", "exp_avg", "exp_avg_sq"}


def test_a_stopped_training_ends_at_the_weights_of_one_that_was_not(
    segmenter: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, run = load_segmenter_recipe(overrides=TINY_UNET), RunFolder(tmp_path / "run")
    real = epochs.write_training_state

    def stopping(path: Path, tensors: dict[str, torch.Tensor], history: tuple[SegmenterRow, ...]) -> None:
        if len(history) == 3:
            raise KeyboardInterrupt
        real(path, tensors, history)

    monkeypatch.setattr(epochs, "write_training_state", stopping)
    with pytest.raises(KeyboardInterrupt):
        train_segmenter(recipe, run, home=phantoms.home)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="already holds a run; continue it with --resume"):
        train_segmenter(recipe, run, home=phantoms.home)
    train_segmenter(recipe, run, home=phantoms.home, resume=True)
    for path, expected in ((run.best, segmenter.best), (run.last, segmenter.last), (run.resume, segmenter.resume)):
        torch.testing.assert_close(load_file(path), load_file(expected), rtol=0, atol=0)
    assert json.loads(run.provenance.read_text())["resumed"][0]["after epoch"] == 2


def test_a_run_goes_on_in_the_precision_of_its_beginning(
    segmenter: RunFolder, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, told = RunFolder(Path(shutil.copytree(segmenter.path, tmp_path / "run"))), Recorder()
    begun = load_segmenter_recipe(run.recipe).training.precision
    other = {"bf16": "float32", "float32": "bf16"}[begun]
    monkeypatch.setattr(runtime, "choose_precision", lambda wanted, device: other if wanted == "auto" else wanted)
    recipe = load_segmenter_recipe(overrides=[*TINY_UNET, "training.precision=auto"])
    train_segmenter(recipe, run, home=phantoms.home, resume=True, progress=told)
    assert any(f"was begun in {begun} and goes on in it" in one for one in told.notes)
    assert load_segmenter_recipe(run.recipe).training.precision == begun


def test_another_recipe_does_not_go_on_with_a_run(segmenter: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(segmenter.path, tmp_path / "run")))
    changed = load_segmenter_recipe(overrides=[*TINY_UNET, "training.epochs=5"])
    with pytest.raises(ConfigError, match=r"begun by another recipe: training\.epochs was 3, is 5"):
        train_segmenter(changed, run, home=phantoms.home, resume=True)


def test_a_loss_that_is_not_finite_names_the_images(
    phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "segmentation_loss", lambda: lambda logits, _: (logits * torch.nan).mean())
    with pytest.raises(TrainingError, match=r"the loss became nan in epoch 1; its batch: ISIC_9.*"):
        train_segmenter(load_segmenter_recipe(overrides=TINY_UNET), RunFolder(tmp_path), home=phantoms.home)


def test_images_without_masks_teach_nothing(tmp_path: Path) -> None:
    for name in "ab":
        Image.new("RGB", (40, 30), (90, 60, 50)).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("image,label\na,nevus\nb,nevus\n")
    recipe = load_segmenter_recipe(overrides=[*TINY_UNET, f"data.dataset={tmp_path}"])
    with pytest.raises(LabelError, match=r"0 of 2 training images of .* have a lesion mask"):
        prepare_pairs(recipe, home=tmp_path / "home")


def test_images_of_one_group_are_held_out_together(tmp_path: Path) -> None:
    generator, lines = np.random.default_rng(0), ["image,label,mask,group"]
    for number in range(24):
        Image.fromarray(generator.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(tmp_path / f"i{number}.png")
        mask = np.zeros((30, 40), dtype=np.uint8)
        mask[5:20, 5:20] = 255
        Image.fromarray(mask).save(tmp_path / f"m{number}.png")
        lines.append(f"i{number},nevus,m{number},g{number // 3}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    recipe = load_segmenter_recipe(overrides=[*TINY_UNET, f"data.dataset={tmp_path}"])
    pairs = prepare_pairs(recipe, home=tmp_path / "home")
    sides = {(one.group, one.split) for one in pairs.lesions}
    assert len(sides) == 8
    assert sum(split == "validation" for _, split in sides) == 2


def test_images_of_a_single_patient_cannot_be_divided(tmp_path: Path) -> None:
    lines = ["image,label,mask,group"]
    for number in range(3):
        Image.new("RGB", (40, 30), (90, 60, 50 + number)).save(tmp_path / f"i{number}.png")
        Image.new("L", (40, 30), 255).save(tmp_path / f"m{number}.png")
        lines.append(f"i{number},nevus,m{number},one")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    recipe = load_segmenter_recipe(overrides=[*TINY_UNET, f"data.dataset={tmp_path}"])
    with pytest.raises(LabelError, match=r"3 training images .* are of 1 .*, and none is left for validation"):
        prepare_pairs(recipe, home=tmp_path / "home")
