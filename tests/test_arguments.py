"""Arguments of the wrong kind are refused with a sentence, before anything is read."""

# Wrong arguments are what is tested.
# pyright: reportArgumentType=false, reportCallIssue=false

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import attnmel
from attnmel.arguments import checked_arguments, fits
from attnmel.errors import ConfigError
from attnmel.pretrained.examples import FOLDER

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
    ],
)
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
