"""What `pip install .` installs holds the models and the examples, each file as it lies in the source."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
PRETRAINED = ROOT / "src" / "attnmel" / "pretrained"
MOST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both files as a release would, without isolation, for that would need the network."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


def files() -> dict[str, bytes]:
    """Return all that is no code, by its path below the package's folder."""
    paths = (path for path in PRETRAINED.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(PRETRAINED).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("builder", [WheelBuilder, SdistBuilder])
def test_every_file_is_listed_for_what_is_built(builder: type[WheelBuilder | SdistBuilder]) -> None:
    listed = {Path(one.path).resolve() for one in builder(str(ROOT)).recurse_included_files()}
    assert {PRETRAINED / name for name in files()} <= listed


@pytest.mark.slow
def test_the_wheel_holds_every_file_and_models_take_at_most_20_megabytes(built: Path) -> None:
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        prefix = "attnmel/pretrained/"
        found = {name.removeprefix(prefix): wheel.read(name) for name in wheel.namelist() if name.startswith(prefix)}
    assert found == files()
    models = [content for name, content in found.items() if name.endswith((".safetensors", ".onnx"))]
    assert len(models) == 2
    assert sum(map(len, models)) <= MOST_BYTES


@pytest.mark.slow
def test_the_source_archive_holds_every_file(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/src/attnmel/pretrained/")[2] for name in archive.getnames()}
    assert files().keys() <= names
