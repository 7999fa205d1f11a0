"""What tests of all folders know by name, and how a test run begins; fixtures are in `tests/session_fixtures.py`."""

import dataclasses
import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
EMPTY = '<svg viewBox="0 0 1 1"></svg>'


@dataclasses.dataclass(frozen=True)
class Phantoms:
    """Where the phantoms of the test session lie."""

    mirror: str
    home: Path


MakeOnce = Callable[[str, Callable[[Path], object]], Path]


TINY = (
    "data.size=32",
    "model.width=0.05",
    "training.epochs=3",
    "training.batch=8",
    "training.precision=float32",
    "training.device=cpu",
)


TINY_UNET = (
    "data.dataset=phantoms",
    "data.size=32",
    "data.held_out=0.25",
    "model.channels=[4,8,16]",
    "training.epochs=3",
    "training.batch=6",
    "training.precision=float32",
    "training.device=cpu",
)


def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what is made once for all workers; the same for each of them."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "made-once"


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, and torch with them, where tests are run: not to hand them to the workers of pytest-xdist."""
    if config.getoption("dist", "no") == "no" or hasattr(config, "workerinput"):
        gc.disable()  # what is imported stays, and looking for garbage among it takes seconds
        # The patches first: with them comes what checks arrays, before anything of attnmel.
        for plugin in ("tests.session_patches", "tests.session_fixtures", "tests.chromium"):
            config.pluginmanager.import_plugin(plugin)


def pytest_collection_finish() -> None:
    """Look for garbage again, but not among what was imported, and less often than every 700 objects."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()
