"""A name means a pretrained model, whose files are checked against its card; any other text is a path."""

import hashlib
from pathlib import Path

import pytest

from attnmel import Predictor
from attnmel.errors import CheckpointError
from attnmel.pretrained.catalogue import ANY, CARD_FILE, DEFAULT, Shipped, find_copied, find_model, model_names


def found(name: str = ANY) -> Shipped:
    model = find_model(name)
    assert model is not None
    return model


def test_the_word_and_the_name_mean_the_model(models: Path) -> None:
    assert found(ANY) == found(DEFAULT)
    assert found().folder == models / DEFAULT
    assert model_names() == (DEFAULT,)


@pytest.mark.parametrize("text", ["./pretrained", "runs/pretrained", "pretrained/", "model.onnx", ""])
def test_all_else_is_a_path(models: Path, text: str) -> None:
    assert find_model(text) is None


def test_a_file_of_that_name_changes_nothing(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ANY).mkdir(exist_ok=True)
    assert found().onnx == models / DEFAULT / "model.onnx"


def test_every_file_is_known_by_size_and_hash(models: Path) -> None:
    model = found()
    paths = {path.relative_to(model.folder).as_posix() for path in model.folder.rglob("*") if path.is_file()}
    assert set(model.card.files) == paths - {CARD_FILE}
    for name, fact in model.card.files.items():
        content = (model.folder / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (fact.size, fact.sha256)
        assert model.file(name) == model.folder / name


def test_a_copy_is_known_by_its_content_and_another_file_is_none(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renamed.onnx"
    copy.write_bytes((models / DEFAULT / "model.onnx").read_bytes())
    assert find_copied(copy) == found()
    for content in (copy.read_bytes()[::-1], b"short"):
        copy.write_bytes(content)
        assert find_copied(copy) is None


def test_a_missing_card_is_an_error(models: Path) -> None:
    path = models / DEFAULT / CARD_FILE
    path.unlink()
    with pytest.raises(CheckpointError) as error:
        find_model(ANY)
    assert str(error.value) == f"{path}, the card of a pretrained model, is missing; install attnmel again"


def test_a_damaged_card_is_an_error(models: Path) -> None:
    path = models / DEFAULT / CARD_FILE
    path.write_text('{"name": 3}')
    with pytest.raises(CheckpointError, match=r"is damaged or of another version \(\d+ of its fields cannot be read\)"):
        find_model(ANY)


def test_a_missing_file_is_an_error(models: Path) -> None:
    path = models / DEFAULT / "model.onnx"
    path.unlink()
    with pytest.raises(CheckpointError) as error:
        Predictor(ANY)
    assert str(error.value) == f"{path}, a file of the pretrained model {DEFAULT}, is missing; install attnmel again"


def test_a_truncated_file_is_an_error(models: Path) -> None:
    path = models / DEFAULT / "best.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(CheckpointError) as error:
        _ = found().checkpoint
    assert str(error.value) == (
        f"{path}, a file of the pretrained model {DEFAULT}, is damaged: it has {len(whole) - 1:,} bytes, by its card "
        f"{len(whole):,}; install attnmel again"
    )


def test_a_changed_file_is_an_error(models: Path) -> None:
    path = models / DEFAULT / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is damaged: its SHA-256 starts with [0-9a-f]{12}, by its card"):
        Predictor(ANY)


def test_a_path_object_is_a_path(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "pretrained")
    with pytest.raises(CheckpointError, match="no file pretrained; expected one that `attnmel export RUN --onnx`"):
        Predictor(Path(ANY))
