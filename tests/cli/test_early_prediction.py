"""Which command lines begin to compile a network before they are read."""

from pathlib import Path

import pytest

from attnmel.cli.early_prediction import compile_named_network
from attnmel.deploy import early_compile
from attnmel.pretrained.catalogue import DEFAULT, FOLDER


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "model.onnx", "best.safetensors"):
        Path(name).touch()
    Path("images").mkdir()
    found: list[Path] = []
    monkeypatch.setattr(early_compile, "compile_ahead", lambda path, threads: found.append(path))
    return found


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("predict model.onnx a.jpg", Path("model.onnx")),
        ("predict pretrained a.jpg --maps maps", FOLDER / DEFAULT / "model.onnx"),
        (f"predict {DEFAULT} a.jpg", FOLDER / DEFAULT / "model.onnx"),
    ],
)
def test_the_prediction_of_one_image_by_an_exported_file(words: str, path: Path, begun: list[Path]) -> None:
    compile_named_network(words.split())
    assert begun == [path]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "predict",
        "predict model.onnx",
        "predict model.onnx a.jpg b.jpg",
        "predict model.onnx images",
        "predict model.onnx missing.jpg",
        "predict missing.onnx a.jpg",
        "predict best.safetensors a.jpg",
        "predict images a.jpg",
        "predict model.onnx a.jpg --precision bf16",
        "predict model.onnx a.jpg --precision=bf16",
        "predict --json model.onnx a.jpg",
        "explain model.onnx a.jpg",
        f"predict model.onnx {'a' * 5000}",
        f"predict {'a' * 5000}.onnx a.jpg",
    ],
)
def test_nothing_else(words: str, begun: list[Path]) -> None:
    compile_named_network(words.split())
    assert begun == []


def test_threads_that_are_no_number_are_reported_by_the_command(
    begun: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTNMEL_THREADS", "many")
    compile_named_network(["predict", "model.onnx", "a.jpg"])
    assert begun == []
