"""Which split an audit says an image is in, and how many others it is compared with."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel.config.load import load_recipe
from attnmel.data.datasets.own.folder import TableReading
from attnmel.pipeline.data import audit
from attnmel.pipeline.data.audit import audit_datasets
from attnmel.pipeline.data.audit_output import audit_dict
from attnmel.pipeline.run.images.dataset import prepare


def write_clinic(place: Path, seed: int, split: str) -> str:
    """Write 18 images of noise with their labels; return the folder."""
    place.mkdir()
    rows = ["image,label,split"]
    for number, pixels in enumerate(np.random.default_rng(seed).integers(0, 256, (18, 40, 60, 3), np.uint8)):
        Image.fromarray(pixels).save(place / f"{number:02d}.png")
        rows.append(f"{number:02d},{'melanoma' if number % 2 else 'rest'},{split if number < 12 else 'test'}")
    (place / "labels.csv").write_text("\n".join(rows))
    return str(place)


def test_a_fold_splits_the_data_that_train_as_its_training_does(tmp_path: Path) -> None:
    clinic, other = write_clinic(tmp_path / "clinic", 1, "train"), write_clinic(tmp_path / "other", 2, "train")
    home = tmp_path / "home"
    recipe = load_recipe("demo", [f"data.dataset={clinic}", "data.fold=2/3"])
    trained = {one.image_id: one.split for one in prepare(recipe.data, home=home).lesions}
    reading = TableReading(recipe.data.classes, fold=(2, 3))
    named = [f"{clinic}:train", f"{clinic}:validation", f"{clinic}:test"]
    alone = audit_datasets(named, home=home, reading=reading)
    assert {one.image_id: one.split for one in alone.audit.entries} == trained
    sides = audit_datasets([], home=home, train=named[:1], test=[f"{other}:train"], reading=reading)
    assert [(one.dataset, one.split) for one in sides.audit.entries] == [
        *[("clinic", "train")] * 8,
        *[("other", "train")] * 12,
    ]


def test_of_many_images_those_in_similar_groups_are_compared_unless_all_are_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = write_clinic(tmp_path / "clinic", 1, "train")
    Image.open(tmp_path / "clinic" / "03.png").transpose(Image.Transpose.ROTATE_180).save(
        tmp_path / "clinic" / "05.png"
    )
    home = tmp_path / "home"
    with_all = audit_datasets([clinic], home=home)
    monkeypatch.setattr(audit, "COMPARED_WITH_ALL", 17)
    in_groups = audit_datasets([clinic], home=home)
    exhaustive = audit_datasets([clinic], home=home, exhaustive=True)
    for one in (with_all, in_groups, exhaustive):
        (found,) = one.findings
        assert (one.audit.entries[found.first].image_id, one.audit.entries[found.second].image_id) == ("03", "05")
    assert in_groups.audit.in_groups
    assert "--exhaustive compares each with every other" in audit_dict(in_groups)["not_found"]
    # Of few images it changes nothing: it is the same audit.
    assert exhaustive.path == with_all.path != in_groups.path
    assert "--exhaustive" not in audit_dict(exhaustive)["not_found"]
