"""What is no path, name or run is refused in one sentence by every function that takes some."""

from collections.abc import Callable
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import attnmel
from attnmel.api.maps import explain_one_by_one
from attnmel.api.places import one_place, places
from attnmel.api.recipes import open_recipe, overrides
from attnmel.errors import ConfigError

MODEL = "a run, a path, a name of `attnmel models`, or hf:OWNER/NAME@REVISION"


def test_one_place_is_one_of_several_and_a_text_is_no_list_of_letters() -> None:
    run = SimpleNamespace(path=Path("run"))
    for one in ("runs/x", Path("runs/x"), run):
        assert places(one, "runs", "a run") == [one]
    assert places(("a", run), "runs", "a run") == ["a", run]
    with pytest.raises(ConfigError, match=r"^runs is None; expected a run, or a list of them$"):
        places(None, "runs", "a run")
    with pytest.raises(ConfigError, match=r"^runs\[1\] is a value of the type ndarray; expected a run$"):
        places(["a", np.zeros(2)], "runs", "a run")
    with pytest.raises(ConfigError, match=r"^the run is a value of the type int; expected a run$"):
        one_place(7, "the run", "a run")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: unwrap(attnmel.predict)("pretrained", None),
            "images is None; expected the path of a file or a folder, or example:ID (arrays are for "
            "attnmel.Predictor), or a list of them",
        ),
        (
            lambda: next(unwrap(explain_one_by_one)("pretrained", None, (), None, None, None, None)),
            "images is None; expected the path of a file or a folder, or example:ID, or a list of them",
        ),
        (lambda: unwrap(attnmel.compare)(None), f"runs is None; expected {MODEL}, or a list of them"),
        (lambda: unwrap(attnmel.write_report)(None), f"runs is None; expected {MODEL}, or a list of them"),
        (lambda: unwrap(attnmel.fuse)(None, "x.csv"), f"members is None; expected {MODEL}, or a list of them"),
        (
            lambda: unwrap(attnmel.score)("isic2017", None),
            "predictions is None; expected the path of a table, or of a folder of masks",
        ),
        (
            lambda: unwrap(open_recipe)(None),
            "the recipe is None; expected its name, a TOML file, a run folder, or a Recipe",
        ),
        (
            lambda: unwrap(overrides)("training.epochs=3"),
            "the settings are a value of the type str; expected a mapping as {'training.epochs': 20}, or a list of "
            "texts as ['training.epochs=20']",
        ),
    ],
)
def test_every_function_says_what_it_takes(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        call()
    assert str(caught.value) == sentence
