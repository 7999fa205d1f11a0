"""A data set becomes rows, labels and statistics; what a recipe lacks is told."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.factories import Recorder

from attnmel.config.load import load_recipe
from attnmel.config.recipe import Recipe
from attnmel.errors import LabelError
from attnmel.pipeline.run.images.dataset import ALL, Prepared, prepare
from attnmel.pipeline.run.images.normalisation import training_statistics, with_statistics
from attnmel.pipeline.run.images.seen_images import learnt_images
from attnmel.records import SPLITS

if TYPE_CHECKING:
    from tests.conftest import Phantoms


@pytest.fixture
def prepared(phantoms: "Phantoms", tiny: Recipe) -> Prepared:
    return prepare(tiny.data, home=phantoms.home)


def test_splits_cover_the_cache_without_overlap(prepared: Prepared) -> None:
    rows = [prepared.rows(split) for split in SPLITS]
    assert sorted(np.concatenate(rows).tolist()) == prepared.rows(ALL).tolist()
    assert [len(one) for one in rows] == [24, 10, 12]


def test_rows_labels_and_ids_belong_together(prepared: Prepared) -> None:
    rows = prepared.rows("train")
    for row, label in zip(rows.tolist(), prepared.labels(rows).tolist(), strict=True):
        lesion = prepared.lesions[row]
        assert lesion.image_id == prepared.cache.image_ids[row]
        assert label == (lesion.diagnosis == "melanoma")


def test_a_limit_leaves_training_images_out_and_nothing_else(
    prepared: Prepared, phantoms: "Phantoms", tiny: Recipe
) -> None:
    told = Recorder()
    limited = prepare(limit(tiny, 12).data, home=phantoms.home, progress=told)
    assert told.notes == ["trained on 12 of 24 training images of phantoms"]
    assert set(limited.rows("train")) < set(prepared.rows("train"))
    for split in ("validation", "test"):
        assert limited.rows(split).tolist() == prepared.rows(split).tolist()
    before, after = (np.bincount(one.labels(one.rows("train"))).tolist() for one in (prepared, limited))
    assert [abs(few - many / 2) <= 1 for many, few in zip(before, after, strict=True)] == [True, True]
    assert {one.image_id for one in learnt_images(limited, phantoms.home) if one.split == "train"} == {
        limited.cache.image_ids[row] for row in limited.rows("train")
    }
    fingerprint = limited.fingerprint()
    assert (fingerprint["splits"]["train"]["images"], fingerprint["beyond limit"]) == (12, 12)
    assert fingerprint["labels"] == prepared.fingerprint()["labels"], "the split itself is the same"
    assert "12 training images" in training_statistics(tiny.data, limited).source


def test_a_limit_beyond_what_there_is_takes_all_and_says_so(phantoms: "Phantoms", tiny: Recipe) -> None:
    told = Recorder()
    whole = prepare(limit(tiny, 25).data, home=phantoms.home, progress=told)
    assert told.notes == ["trained on 24 of 24 training images of phantoms, which are fewer than data.limit = 25"]
    assert len(whole.rows("train")) == 24
    assert "beyond limit" not in whole.fingerprint()


def test_a_limit_is_of_the_recipes_own_data_alone(prepared: Prepared, phantoms: "Phantoms", tiny: Recipe) -> None:
    other = prepare(limit(tiny, 12).data, home=phantoms.home, name="phantoms")
    assert other.rows(ALL).tolist() == prepared.rows(ALL).tolist()


def limit(recipe: Recipe, count: int) -> Recipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"limit": count})})


def test_a_split_that_is_not_there_is_told_with_those_that_are(prepared: Prepared) -> None:
    with pytest.raises(LabelError, match=r"no image in the split 'holdout' \(it has .*24 in train.*\); fetch"):
        prepared.rows("holdout")


def test_statistics_are_those_of_a_plain_loop_and_are_stored(prepared: Prepared, tiny: Recipe) -> None:
    found = training_statistics(tiny.data, prepared)
    images = [prepared.cache.images[row] / 255 for row in prepared.rows("train")]
    np.testing.assert_allclose(found.mean, np.mean([image.mean((0, 1)) for image in images], axis=0), atol=1e-6)
    np.testing.assert_allclose(found.std, np.mean([image.std((0, 1)) for image in images], axis=0), atol=1e-6)
    stored = [json.loads(path.read_text())["mean"] for path in prepared.cache.path.glob("statistics-*.json")]
    assert list(found.mean) in stored
    assert "24 training images" in found.source


def test_published_statistics_stay_with_their_own_data_set(prepared: Prepared) -> None:
    published = load_recipe("isic2017/attnmel-lesion")
    assert with_statistics(published, prepared) is published
    elsewhere = load_recipe("isic2017/attnmel-lesion", ["data.dataset=phantoms", "data.size=32"])
    computed = with_statistics(elsewhere, prepared).data.statistics
    assert computed is not None
    assert computed.of == "phantoms"
    assert computed.source.startswith("computed on the 24 training images")


def test_the_fingerprint_changes_with_the_content_and_says_what_was_found(
    prepared: Prepared, phantoms: "Phantoms", tiny: Recipe
) -> None:
    other = prepare(tiny.data.model_copy(update={"crop": 0.5}), home=phantoms.home)
    assert other.fingerprint()["content"] != prepared.fingerprint()["content"]
    fingerprint = prepared.fingerprint()
    assert fingerprint["licence"] == "synthetic, Apache-2.0"
    assert fingerprint["splits"]["train"]["lesion masks"] == 24
    assert len(fingerprint["archives"]) >= 9


def test_attributes_of_rows_are_those_of_the_lesions_and_unknown_columns_are_left_out(prepared: Prepared) -> None:
    rows = prepared.rows("test")[::-1].copy()
    told = prepared.attributes(rows)
    assert set(told) == {"age", "sex"}
    for name, column in told.items():
        assert column == tuple(prepared.lesions[row].attributes.get(name, "") for row in rows.tolist())
    bare = [row for row, lesion in enumerate(prepared.lesions) if not lesion.attributes]
    assert bare
    assert prepared.attributes(np.array(bare)) == {}


def test_a_data_set_without_an_internal_split_says_so(prepared: Prepared) -> None:
    assert "internal" not in prepared.fingerprint()["splits"]
    with pytest.raises(LabelError, match=r"no image in the split 'internal' \(it has .*\); choose another"):
        prepared.rows("internal")


def test_folds_validate_each_image_once_and_leave_other_data_sets_alone(phantoms: "Phantoms", tiny: Recipe) -> None:
    validating: list[str] = []
    for number in (1, 2, 3):
        told = Recorder()
        data = tiny.data.model_copy(update={"fold": f"{number}/3"})
        fold = prepare(data, home=phantoms.home, progress=told)
        assert told.notes == [f"fold {number}/3 of the training and validation images of phantoms validates"]
        assert len(fold.rows("test")) == 12
        validating += [fold.cache.image_ids[row] for row in fold.rows("validation")]
        assert fold.fingerprint()["labels"] != prepare(tiny.data, home=phantoms.home).fingerprint()["labels"]
        external = prepare(data, home=phantoms.home, name="phantoms")
        assert len(external.rows("validation")) == 10
    whole = prepare(tiny.data, home=phantoms.home)
    assert sorted(validating) == sorted(
        whole.cache.image_ids[row] for split in ("train", "validation") for row in whole.rows(split)
    )


def test_a_folder_is_read_by_the_recipes_names_of_columns_and_strictly_if_it_says_so(
    tiny: Recipe, tmp_path: Path
) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()
    for name in "abc":
        Image.new("RGB", (40, 40), (200, 160, 140)).save(folder / f"{name}.png")
    (folder / "labels.csv").write_text("isic_id;target;Split\na;1;train\nb;0;train\nd;0;train\n")
    data = tiny.data.model_copy(
        update={"dataset": str(folder), "columns": {"image": "isic_id", "label": "target"}, "strict": False}
    )
    said = Recorder()
    prepared = prepare(data, home=tmp_path / "home", progress=said)
    assert [prepared.classes[label] for label in prepared.labels(prepared.rows("train"))] == ["melanoma", "rest"]
    assert "rows of labels.csv whose image is not in the folder: 1 of 3 (line 4)" in said.notes
    assert "images in the folder without a row in labels.csv: 1 (c.png)" in said.notes
    with pytest.raises(LabelError, match="2 problems; correct them all"):
        prepare(data.model_copy(update={"strict": True}), home=tmp_path / "home")
