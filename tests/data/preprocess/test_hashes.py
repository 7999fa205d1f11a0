import hashlib
import os
from pathlib import Path

import pytest

from attnmel.data.preprocess import hashes as module
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.errors import ImageError


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(bytes([number]) * 1000)
    return sorted(tmp_path.glob("*.png"))


def hashes(files: list[Path]) -> dict[Path, str]:
    return content_hashes(files, memory=files[0].parent / "hashes.json", workers=2)


def test_hashes_are_those_of_the_contents(files: list[Path]) -> None:
    assert hashes(files) == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_only_changed_files_are_read_again(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = hashes(files), []
    original = module._sha256
    monkeypatch.setattr(module, "_sha256", lambda path: read.append(path) or original(path))
    files[1].write_bytes(b"longer than before" * 100)
    os.utime(files[2], ns=(1, 1))
    after = hashes(files)
    assert sorted(read) == [files[1], files[2]]
    assert [before[path] == after[path] for path in files] == [True, False, True, True]


def test_what_is_known_of_other_files_is_kept(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    hashes(files[:2])
    hashes(files[1:])
    monkeypatch.setattr(module, "_sha256", lambda path: pytest.fail(f"{path} is known"))
    assert len(hashes(files)) == 4


def test_a_file_that_cannot_be_read_is_named(files: list[Path]) -> None:
    folder = files[0].parent / "folder.png"
    folder.mkdir()
    with pytest.raises(ImageError, match=r"cannot read .*folder\.png: Is a directory; check"):
        hashes([*files, folder])
