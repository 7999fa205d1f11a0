"""A network without attention maps, trained once."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import TINY

from attnmel.config.load import load_recipe
from attnmel.files.folders import RunFolder
from attnmel.pipeline.experiment import run_recipe

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from tests.conftest import MakeOnce, Phantoms


@pytest.fixture(scope="session")
def without_attention(phantoms: "Phantoms", fabric: "Fabric", once: "MakeOnce") -> RunFolder:
    """A finished run of vgg16-gap; tests that change a run folder copy it first."""
    settings = [*TINY, "model.network=vgg16-gap", "loss.prior=none", "model.width=0.02", "training.epochs=1"]

    def make(folder: Path) -> None:
        run_recipe(
            load_recipe("demo", settings), RunFolder(folder / "seed-0"), home=phantoms.home, fabric=fabric, resamples=20
        )

    return RunFolder(once("vgg16-gap", make) / "seed-0")
