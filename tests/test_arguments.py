"""Arguments of the wrong kind are refused with a sentence, before anything is read."""

# Wrong arguments are what is tested.
# pyright: reportArgumentType=false, reportCallIssue=false

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

import attnmel
from attnmel.api.model_names import place_of
from attnmel.api.places import places
from attnmel.arguments import FromZero, Share, checked_arguments, fits
from attnmel.errors import ConfigError
from attnmel.pretrained.examples import FOLDER
from attnmel.progress import SILENT, Progress, Report

EXAMPLE = sorted(FOLDER.glob("*.jpg"))[0]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: attnmel.Predictor("pretrained", threads=True), "threads is True; expected a whole number or None"),
        (lambda: attnmel.Predictor("pretrained", bound="x"), "bound is 'x'; expected a number from 0 to 1"),
        (lambda: attnmel.Predictor("pretrained", transforms=3), "transforms is 3; expected a text or None"),
        (
            lambda: attnmel.predict("pretrained", EXAMPLE, thresholds=0.3),
            "thresholds is 0.3; expected a list, each of it a number",
        ),
        (lambda: attnmel.predict("pretrained", EXAMPLE, maps=3), "maps is 3; expected a path or None"),
        (lambda: attnmel.score("isic2017", None), "predictions is None; expected a path"),
        (lambda: attnmel.train("isic2017/attnmel", seeds="x"), "seeds is 'x'; expected a whole number"),
        (
            lambda: attnmel.explain("pretrained", EXAMPLE, methods="cam"),
            "methods is 'cam'; expected a list, each of it a text",
        ),
        (
            lambda: attnmel.datasets.make_folder("new", "photographs", ["nevus"]),
            "images is 'photographs'; expected a list, each of it a file, a picture or an array",
        ),
        (lambda: attnmel.datasets.make_folder("new", [], "nevus"), "labels is 'nevus'; expected a list"),
        (lambda: attnmel.pull(None), "repository is None; expected a text"),
        (lambda: attnmel.datasets.verify("a", None), "datasets is None; expected a path"),
        (
            lambda: attnmel.study.new("s", "d", {"melanoma": "3"}, ["ana"]),
            "counts is {'melanoma': '3'}; expected a mapping of names, each to a whole number",
        ),
        (lambda: attnmel.study.power(5), "readers is 5; expected a list, each of it a whole number"),
        (lambda: attnmel.segment.score(None), "dataset is None; expected a path"),
        (lambda: attnmel.predict("pretrained", EXAMPLE, progress=True), "progress is True; expected a function "
         "or None"),
        (lambda: attnmel.predict("pretrained", EXAMPLE, bound=float("nan")), "bound is nan; expected a number from 0 "
         "to 1 or None"),
        (lambda: attnmel.predict("pretrained", EXAMPLE, stall_limit=-1), "stall_limit is -1; expected a number of at "
         "least 0"),
        (lambda: attnmel.Predictor("pretrained", bound=-1), "bound is -1; expected a number from 0 to 1"),
        (lambda: attnmel.export("pretrained", limit=1), "limit is 1; expected a whole number of at least 2 or None"),
        (lambda: attnmel.fuse(["a", "b"], "c", by="maen"), "unknown by 'maen' (did you mean 'mean'?); known: "
         "confidence, extreme, mean, rank, stack, stack-extreme, weighted"),
        (lambda: attnmel.fuse(["a", "b"], "c", by=None), "by is None; expected 'mean' or 'rank' or 'weighted' or "
         "'confidence' or 'extreme' or 'stack' or 'stack-extreme'"),
        (lambda: attnmel.score("isic2017", "a.csv", seed=-1), "seed is -1; expected a whole number of at least 0"),
        (lambda: attnmel.study.analyse("a.csv", covariance="x"), "unknown covariance 'x'; known: delong, jackknife, "
         "unbiased"),
        (lambda: attnmel.study.new("s", "d", {"a": 1}, ["ana"], show="x"), "unknown show 'x'; known: both, map, "
         "probability"),
        (lambda: attnmel.datasets.audit("a", leave_out="x"), "unknown leave_out 'x'; known: test, train"),
        (lambda: attnmel.datasets.verify("a", sample=-1), "sample is -1; expected a whole number of at least 0"),
        (lambda: attnmel.datasets.verify(), "nothing to verify; name data sets, for example isic2017, or folders with "
         "labels.csv"),
        (lambda: attnmel.datasets.table("isic2017"), "the data set is a value of the type str; expected what "
         "attnmel.datasets.read returns"),
        (lambda: attnmel.datasets.make_folder("new", None, ["nevus"]), "images is None; expected a list, each of it a "
         "file, a picture or an array"),
        (lambda: attnmel.datasets.make_folder("new", [EXAMPLE], ["nevus"], sex="f"), "sex is 'f'; expected a list or "
         "None"),
        (lambda: attnmel.Run("runs", progress=3), "progress is 3; expected a function or None"),
        (lambda: attnmel.Recipe.load(None), "name is None; expected a path"),
        (lambda: attnmel.Recipe.load("isic2017/mel-cnn").changed(None), "settings is None; expected a mapping "
         "of names"),
        (lambda: attnmel.register_network(len, 3), "name is 3; expected a text"),
        (lambda: attnmel.explain("pretrained", [EXAMPLE], threads=0), "threads is 0, expected a whole number above 0"),
        (lambda: attnmel.explain_split(["x"], threads=0), "threads is 0, expected a whole number above 0"),
        (lambda: attnmel.datasets.colour_statistics(Path("x.toml")), "no recipe file x.toml; expected a TOML file "
         "there, or a recipe's name without .toml"),
        (lambda: attnmel.datasets.audit("phantoms", embedding=Path("no-run")), "no checkpoint at no-run; expected a "
         "run folder, a .safetensors or ONNX file, or a name of `attnmel models`"),
    ],
)  # fmt: skip
def test_a_public_function_names_the_argument(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        call()
    assert str(refused.value) == sentence


def test_the_arguments_of_a_prediction_of_many(tmp_path: Path) -> None:
    predictor = attnmel.Predictor("pretrained")
    for more, sentence in (
        ({"masks": "folder"}, "masks is 'folder'; expected a function"),
        ({"masks": None}, "masks is None; expected a function"),
        ({"stall_limit": "3"}, "stall_limit is '3'; expected a number"),
        ({"stall_limit": -1}, "stall_limit is -1; expected seconds, 0 for no limit"),
        ({"stall_limit": float("nan")}, "stall_limit is nan; expected seconds, 0 for no limit"),
    ):
        with pytest.raises(ConfigError) as refused:
            predictor.predict_many([EXAMPLE], **more)
        assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        (1, int, True), (np.int64(1), int, True), (True, int, False), (1.0, int, False), (1, float, True),
        (np.float32(1), float, True), (True, bool, True), (np.True_, bool, True), (1, bool, False),
        (Path("a"), str | Path, True), ("a", str | Path, True), (3, str | Path | None, False), (None, int | None, True),
        (["a"], Sequence[str], True), ("a", Sequence[str], False), ("a", Iterable[str], True),
        ([1], Sequence[str], False),
        (np.array([1.0]), Sequence[float], True), ({"a": 1}, Sequence[str], False), ({"a": 1}, Mapping[str, int], True),
        ({"a": "b"}, Mapping[str, int], False), (len, Callable[[str], int], True), (3, Callable[[str], int], False),
        (3, date, True), (3, "Run | Path", True),
    ],
)  # fmt: skip
def test_what_fits_a_type(value: object, kind: object, right: bool) -> None:
    assert fits(value, kind) == right


def test_iterators_are_not_used_up_and_missing_arguments_stay_errors_of_python() -> None:
    @checked_arguments("free")
    def total(values: Iterable[int], free: int = 0) -> int:
        """Return a sum."""
        return sum(values) + len(str(free))

    assert total(iter([1, 2])) == 4
    assert total([1], free="abc") == 4
    assert (total.__name__, total.__doc__) == ("total", "Return a sum.")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'values'"):
        total()


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        ("mean", Literal["mean", "rank"], True), ("x", Literal["mean", "rank"], False), (1, Literal["mean"], False),
        (0, FromZero, True), (-1, FromZero, False), (0.5, Share, True), (float("nan"), Share, False), (2, Share, False),
        (True, FromZero, False), (print, Progress | Report | None, True), (SILENT, Progress | Report, True),
        (True, Progress | Report | None, False), (pd.DataFrame({"a": [1]}), Mapping[str, object], True),
        (pd.Series({"a": 1}), Mapping[str, int], False),
    ],
)  # fmt: skip
def test_what_fits_a_choice_a_range_or_a_function(value: object, kind: object, right: bool) -> None:
    assert fits(value, kind) == right


@pytest.mark.parametrize(
    "given", [np.array([2, 3]), pd.Series([2, 3], index=[7, 8]), (one for one in (2, 3)), [np.int64(2), 3], range(2, 4)]
)
def test_columns_arrays_and_generators_are_lists_of_plain_numbers(given: Sequence[int]) -> None:
    @checked_arguments()
    def twice(values: Sequence[int], number: int = 1, share: float = 0.5) -> tuple[list[int], int, float]:
        return [*values, *values], number, share

    found = twice(given, np.int64(4), np.float32(0.5))
    assert json.dumps(found) == "[[2, 3, 2, 3], 4, 0.5]"


def test_an_entry_of_a_folder_is_a_path(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    with os.scandir(tmp_path) as entries:
        every = list(entries)
    assert places(every, "images", "") == [tmp_path / EXAMPLE.name]
    assert place_of(every[0]) == str(tmp_path / EXAMPLE.name)
    found = attnmel.predict("pretrained", every)
    assert found.images[0]["image"] == str(tmp_path / EXAMPLE.name)
    with pytest.raises(ConfigError, match=rf"^the folder {tmp_path} has no labels\.csv"):
        attnmel.datasets.read(entry_of(tmp_path))


def entry_of(folder: Path) -> "os.DirEntry[str]":
    with os.scandir(folder.parent) as entries:
        return next(one for one in entries if one.name == folder.name)
