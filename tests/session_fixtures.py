"""Phantoms in the official layout, fetched once; a tiny recipe and one run of it, trained once.

What costs more than its copy is made once a session, by whichever worker of pytest-xdist comes first, and each worker
has a copy of its own: a lock on a folder, or a test's mistake, of one worker does not reach another.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from lightning_fabric import Fabric
from tests.conftest import TINY, TINY_UNET, MakeOnce, Phantoms, made_once
from tests.copies import Holder, another_process

from attnmel.config.load import load_recipe, load_segmenter_recipe, make_run_recipe
from attnmel.config.recipe import Recipe
from attnmel.config.system import SystemRecipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.phantoms import write_mirror
from attnmel.deploy.onnx.export_facts import ExportFacts, Threshold, append_texts
from attnmel.files.folders import RunFolder
from attnmel.models.weights.checkpoints import load_checkpoint, set_temperature
from attnmel.pipeline.experiment import run_recipe, run_system
from attnmel.pipeline.export import check_images, export
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.pretrained.package import ship_model
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.segment.train import train_segmenter
from attnmel.pipeline.train.train import recipe_fabric, train_run
from attnmel.pretrained import catalogue
from attnmel.pretrained.card import SourceFact, Words
from attnmel.pretrained.catalogue import DEFAULT

COUNTS = {"train": 24, "validation": 10, "test": 12}


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Make a folder of a name once for all workers, and give this worker's copy of it."""
    shared = made_once(tmp_path_factory)
    shared.mkdir(exist_ok=True)

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, whole = shared / name, shared / f"{name}.whole"
        with FileLock(shared / f"{name}.lock"):
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                whole.touch()
        return Path(shutil.copytree(folder, tmp_path_factory.mktemp("copies") / name))

    return made


@pytest.fixture(scope="session")
def phantoms(once: MakeOnce) -> Phantoms:
    def make(folder: Path) -> None:
        mirror = folder / "mirror"
        mirror.mkdir()
        write_mirror(mirror, seed=0, counts=COUNTS, melanoma_share=0.4, height=90, width=120, workers=1)
        fetch("phantoms", folder / "home", mirror=mirror.as_uri())

    made = once("phantoms", make)
    return Phantoms((made / "mirror").as_uri(), made / "home")


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    return recipe_fabric(load_recipe("demo", TINY))


@pytest.fixture
def tiny() -> Recipe:
    return load_recipe("demo", TINY)


@pytest.fixture(scope="session")
def trained(phantoms: Phantoms, fabric: Fabric, once: MakeOnce) -> RunFolder:
    """A finished run; tests that change a run folder copy it first."""

    def make(folder: Path) -> None:
        run, recipe = RunFolder(folder / "seed-0"), load_recipe("demo", TINY)
        run_recipe(recipe, run, home=phantoms.home, fabric=fabric, command="attnmel train demo")

    return RunFolder(once("trained", make) / "seed-0")


@pytest.fixture(scope="session")
def mel_cnn(phantoms: Phantoms, fabric: Fabric, once: MakeOnce) -> RunFolder:
    """A trained network without attention, not evaluated; tests that change its folder copy it first."""
    settings = [*TINY, "model.network=mel-cnn", "loss.prior=none", "model.width=0.02", "training.epochs=1"]

    def make(folder: Path) -> None:
        train_run(load_recipe("demo", settings), RunFolder(folder / "seed-0"), home=phantoms.home, fabric=fabric)

    return RunFolder(once("mel-cnn", make) / "seed-0")


@pytest.fixture
def tiny_system(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> SystemRecipe:
    return small_system(made_once(tmp_path_factory) / "trained" / trained.path.name)


def small_system(weights: Path) -> SystemRecipe:
    """One feature of each kind, with the network of a run."""
    trunk = {"trunk": "vgg16_bn", "weights": str(weights)}
    recipe = make_run_recipe(
        {
            "name": "tiny/system",
            "title": "a tiny system",
            "data": {"dataset": "phantoms", "classes": ["rest", "melanoma"], "positives": ["melanoma"], "size": 32},
            "features": {
                "colour": {"kind": "colour", "bins": 4},
                "sparse": {"kind": "sparse", "colour": "grey", "atoms": 4, "used": 2},
                "deep": {"kind": "taps", "taps": ["pool5", "logits"], **trunk},
                "fisher": {
                    "kind": "fisher",
                    "pools": ["pool4"],
                    "sides": [32, 64],
                    "components": 3,
                    "mixture": 2,
                    **trunk,
                },
            },
            "svm": {"folds": 3, "costs": [1.0, 10.0], "gammas": [1.0]},
        }
    )
    assert isinstance(recipe, SystemRecipe)
    return recipe


@pytest.fixture(scope="session")
def fitted(
    trained: RunFolder, phantoms: Phantoms, once: MakeOnce, tmp_path_factory: pytest.TempPathFactory
) -> RunFolder:
    """A fitted system's finished run; tests that change it copy it first."""

    def make(folder: Path) -> None:
        run = RunFolder(folder / "seed-0")
        system = small_system(made_once(tmp_path_factory) / "trained" / trained.path.name)
        run_system(system, run, home=phantoms.home, command="attnmel train tiny/system", resamples=50)

    return RunFolder(once("fitted", make) / "seed-0")


@pytest.fixture(scope="session")
def fused(trained: RunFolder, fitted: RunFolder, phantoms: Phantoms, once: MakeOnce) -> RunFolder:
    """A fusion by validation accuracy of copies of the two runs, which lie next to it; tests copy all."""

    def make(folder: Path) -> None:
        members = [
            Path(shutil.copytree(one.path, folder / name)) for name, one in (("network", trained), ("system", fitted))
        ]
        fuse(
            list(map(str, members)),
            folder / "fused",
            by="weighted",
            home=phantoms.home,
            command="attnmel fuse",
            resamples=20,
        )

    return RunFolder(once("fused", make) / "fused")


@pytest.fixture(scope="session")
def calibrated(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The finished run at a given temperature.

    What three epochs taught is, on some processors, no better than chance on the validation images, and then none is
    fitted.
    """
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path_factory.mktemp("calibrated") / "seed-0")))
    set_temperature(run.best, 1.7)
    return run


@pytest.fixture
def small_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check exported files on a smaller synthetic photograph."""
    monkeypatch.setattr(check_images, "LARGE", (300, 200))


@pytest.fixture(scope="session")
def exported(calibrated: RunFolder, once: MakeOnce) -> Path:
    """The calibrated network as an ONNX file, with a threshold; tests that change it copy it first."""

    def make(folder: Path) -> None:
        network, card = load_checkpoint(calibrated.path)
        path = folder / "model.onnx"
        path.write_bytes(export.onnx_graph(network, card).SerializeToString())
        at = Threshold(
            task="melanoma", target=0.9, threshold=0.25, sensitivity=1.0, specificity=0.5, images=10, positives=4
        )
        append_texts(path, card, ExportFacts(precision="float32", versions={}, checked_on="", thresholds=(at,)))

    return once("exported", make) / "model.onnx"


WORDS = Words(
    name=DEFAULT,
    title="a tiny network",
    made=("attnmel train demo",),
    chosen_on="predictions of two folds",
    data=(SourceFact(name="phantoms", use="training", licence="CC-0", source="drawn"),),
    limits=("It knows nothing of skin.",),
)


@pytest.fixture(scope="session")
def folds(phantoms: Phantoms, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions of cross-validation that are right on four images of five, whatever a processor computes."""
    prepared = prepare(load_recipe("demo", TINY).data, home=phantoms.home)
    known = [place for place, one in enumerate(prepared.lesions) if one.split != "test"]
    path = tmp_path_factory.mktemp("folds") / "folds.csv"
    rows = ["image,logit"]
    for turn, place in enumerate(known):
        right = 1 if turn % 5 else -1
        sign = 1 if prepared.lesions[place].diagnosis == "melanoma" else -1
        rows.append(f"{prepared.lesions[place].image_id},{right * sign * (1 + turn / 100)}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="session")
def made_models(trained: RunFolder, folds: Path, phantoms: Phantoms, once: MakeOnce) -> Path:
    """A folder of models as the one that comes with the program, with one tiny model; tests copy what they change."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(check_images, "LARGE", (300, 200))
            ship_model(trained, folds, WORDS, folder / DEFAULT, home=phantoms.home)

    return once("pretrained", make)


@pytest.fixture
def models(made_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, in place of those that come along, for one test to change."""
    folder = Path(shutil.copytree(made_models, tmp_path / "pretrained"))
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    return folder


@pytest.fixture(scope="session")
def segmenter(phantoms: Phantoms, once: MakeOnce) -> RunFolder:
    """A finished run of a segmenter; tests that change it copy it first."""

    def make(folder: Path) -> None:
        recipe = load_segmenter_recipe(overrides=TINY_UNET)
        train_segmenter(recipe, RunFolder(folder / "run"), home=phantoms.home, command="attnmel segment train")

    return RunFolder(once("segmenter", make) / "run")


@pytest.fixture(scope="session")
def lock_holder() -> Iterator[Holder]:
    """Another process, which takes the locks that it is sent."""
    with another_process() as holder:
        yield holder
