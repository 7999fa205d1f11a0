"""Which split an audit says an image is in, and how many others it is compared with."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.factories import Recorder

import attnmel
from attnmel.config.load import load_recipe
from attnmel.data.datasets.own.folder import TableReading
from attnmel.errors import LabelError
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


def test_what_a_recipe_leaves_out_of_its_own_data_set_is_no_part_of_the_audit(tmp_path: Path) -> None:
    clinic, other = write_clinic(tmp_path / "clinic", 1, "train"), write_clinic(tmp_path / "other", 2, "train")
    home, seen = tmp_path / "home", Recorder()
    recipe = tmp_path / "own.toml"
    excluded = {"00", "12"}
    demo = (Path(attnmel.__file__).parent / "recipes/demo.toml").read_text(encoding="utf-8")
    text = re.sub("(?m)^dataset = .*$", f'dataset = "{clinic}"\nexclude = {sorted(excluded)}\nlimit = 5', demo)
    recipe.write_text(text, encoding="utf-8")
    trained = prepare(load_recipe(str(recipe)).data, home=home).used
    alone = attnmel.datasets.audit(clinic, recipe=recipe, home=home, progress=seen)
    assert {one.image_id for one in alone.audit.entries} == {one.image_id for one in trained}
    assert "2 of 18 images of clinic are left out by data.exclude" in seen.notes
    assert "trained on 5 of 11 training images of clinic" in seen.notes
    others = attnmel.datasets.audit(other, recipe=recipe, home=home)
    assert len(others.audit.entries) == 18


def test_an_excluded_image_that_is_not_there_is_refused(tmp_path: Path) -> None:
    clinic = write_clinic(tmp_path / "clinic", 1, "train")
    reading = TableReading(("rest", "melanoma"), exclude=frozenset({"nobody"}), own="clinic")
    with pytest.raises(LabelError, match=r"data\.exclude names images that clinic does not hold: nobody"):
        audit_datasets([clinic], home=tmp_path / "home", reading=reading)
