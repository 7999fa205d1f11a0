"""Predictions in the forms of three strangers are fused without labels and without a data set on disk."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.strangers.tables.make_fusion import IDS, KERATOSIS, MEANS, RANKS, make_predictions

from attnmel.errors import ConfigError, PredictionsError
from attnmel.pipeline.fuse.fuse import fuse


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return list(map(str, make_predictions(tmp_path)))


def columns(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = [[float(row[name]) for name in ("melanoma", "seborrheic_keratosis")] for row in rows]
    return [row["image_id"] for row in rows], np.array(values)


def test_the_mean_is_that_of_each_image_whatever_the_form(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "mean.csv"
    fused = fuse(files, out, dataset="isic2017", home=tmp_path / "nothing-here")
    ids, values = columns(out)
    assert tuple(ids) == IDS
    np.testing.assert_allclose(values[:, 0], MEANS, atol=1e-12)
    np.testing.assert_allclose(values[:, 1], np.mean(KERATOSIS, axis=0), atol=1e-12)
    assert fused.measures == {}
    card = json.loads((tmp_path / "mean.json").read_text())
    assert card["notice"].startswith("Research use only")
    assert [one["name"] for one in card["members"]] == files
    assert all(len(one["sha256"]) == 64 for one in card["members"])


def test_the_mean_rank_averages_ties(files: list[str], tmp_path: Path) -> None:
    fuse(files, tmp_path / "rank.csv", by="rank", dataset="isic2017", home=tmp_path / "nothing-here")
    _, values = columns(tmp_path / "rank.csv")
    for place, ranks in enumerate(RANKS):
        np.testing.assert_allclose(values[:, place], (np.mean(ranks, axis=0) - 0.5) / len(IDS), atol=1e-12)


def test_a_fused_file_is_a_member_again(files: list[str], tmp_path: Path) -> None:
    fuse(files[:2], tmp_path / "two.csv", dataset="isic2017", home=tmp_path)
    again = [str(tmp_path / "two.csv"), f"isic2017:{files[2]}"]
    fuse(again, tmp_path / "three.csv", home=tmp_path)
    _, two = columns(tmp_path / "two.csv")
    _, three = columns(tmp_path / "three.csv")
    np.testing.assert_allclose(three[:, 1], (two[:, 1] + np.array(KERATOSIS[2])) / 2, atol=1e-12)


def refused(error: type[Exception], given: list[str], tmp_path: Path, **settings: str) -> str:
    """Return the message of a fusion that is refused, and check that nothing is left of it."""
    before = set(tmp_path.iterdir())
    with pytest.raises(error) as stopped:
        fuse(given, tmp_path / "out.csv", home=tmp_path / "home", **settings)  # pyright: ignore[reportArgumentType]
    assert set(tmp_path.iterdir()) == before
    return str(stopped.value)


def test_what_cannot_be_fused_is_one_sentence(files: list[str], tmp_path: Path) -> None:
    of_2017 = {"dataset": "isic2017"}
    first, second, third = files
    assert refused(ConfigError, files[:1], tmp_path, **of_2017) == (
        f"found one member, {first}; a fusion needs two or more runs or files of predictions"
    )
    assert refused(ConfigError, [first, first], tmp_path, **of_2017) == (
        f"{first} is named twice; name each member once"
    )
    assert refused(ConfigError, files, tmp_path).startswith(
        f"the columns of {first} are read by the format of a challenge; name it with --dataset (isic2016, "
    )
    assert refused(ConfigError, [f"isic2016:{first}", f"isic2017:{second}"], tmp_path) == (
        f"members of several data sets (isic2016:{first}: isic2016; isic2017:{second}: isic2017); fuse predictions of "
        "the images of one"
    )
    assert refused(ConfigError, [first, str(tmp_path / "none")], tmp_path, **of_2017).startswith(
        f"nothing to fuse at {tmp_path}/none; expected a run folder, "
    )
    assert refused(ConfigError, [first, f"{second}@{tmp_path}/none.csv"], tmp_path, **of_2017) == (
        f"no file of validation predictions at {tmp_path}/none.csv"
    )
    for by in ("weighted", "confidence", "stack", "stack-extreme"):
        assert refused(PredictionsError, [first, third], tmp_path, by=by, **of_2017) == (
            f"{first} has no validation predictions; give them as {first}@VALIDATION_FILE, or fuse by mean, rank or "
            "extreme"
        )


def test_other_images_and_damaged_numbers_are_one_sentence(files: list[str], tmp_path: Path) -> None:
    first, second, third = files
    text = Path(first).read_text()
    Path(first).write_text(text.replace("ISIC_0000003", "ISIC_0000009"))
    assert refused(PredictionsError, [second, first], tmp_path, dataset="isic2017").startswith(
        f"{first} was evaluated on other images than {second}: 1 only in {second} (ISIC_0000003); 1 only in {first} "
        "(ISIC_0000009)."
    )
    Path(first).write_text(text.replace("0.9,0.05", "nan,0.05"))
    assert refused(PredictionsError, [second, first, third], tmp_path, dataset="isic2017") == (
        "no-header.csv, line 2, column melanoma: found 'nan', expected a number in [0, 1]"
    )


@pytest.mark.parametrize("name", ["out.csv", "out.json", "folder"])
def test_what_is_there_already_is_never_replaced(name: str, files: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    out = tmp_path / ("folder" if name == "folder" else "out.csv")
    with pytest.raises(ConfigError) as stopped:
        fuse(files, out, dataset="isic2017", home=tmp_path)
    assert str(stopped.value) == (
        f"{tmp_path / name} is there already; name a new file ending in .csv, or a new folder, by --out"
    )
    assert (tmp_path / name).read_text() == "mine"
