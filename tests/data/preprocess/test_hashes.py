import hashlib
import json
import os
import threading
from pathlib import Path

import pytest
from PIL import Image, ImageCms
from tests.strangers.images.make_images import P3_XY, icc

from attnmel.data.preprocess import hashes as module
from attnmel.data.preprocess.hashes import content_hashes, file_contents
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


def test_large_files_are_read_by_several_threads_with_the_same_result(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, original = set[int](), module._content
    monkeypatch.setattr(module, "_content", lambda work: threads.add(threading.get_ident()) or original(work))
    small = hashes(files)
    assert threads == {threading.get_ident()}
    (files[0].parent / "hashes.json").unlink()
    monkeypatch.setattr(module, "WORTH_THREADS", 1000)
    assert hashes(files) == small
    assert len(threads) > 1


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


def test_the_memory_of_an_earlier_version_is_used_and_completed(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = files[0].parent / "hashes.json"
    found = [path.stat() for path in files]
    rows = {
        str(path): [at.st_size, at.st_mtime_ns, f"digest {path.stem}"] for path, at in zip(files, found, strict=True)
    }
    memory.write_text(json.dumps(rows))
    monkeypatch.setattr(module, "_sha256", lambda path: pytest.fail(f"{path} is known"))
    assert hashes(files) == {path: f"digest {path.stem}" for path in files}
    assert {len(row) for row in json.loads(memory.read_text()).values()} == {5}


def test_only_images_that_are_read_otherwise_than_before_have_another_key(tmp_path: Path) -> None:
    picture = Image.new("RGB", (9, 9), (200, 100, 50))
    turned = Image.Exif()
    turned[0x0112] = 6
    picture.save(tmp_path / "plain.jpg")
    picture.save(tmp_path / "srgb.png", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    before = sorted(tmp_path.iterdir())
    picture.save(tmp_path / "turned.jpg", exif=turned)
    picture.save(tmp_path / "turned.png", exif=turned)
    picture.save(tmp_path / "p3.png", icc_profile=icc("Display P3", P3_XY, None))
    picture.convert("RGBA").save(tmp_path / "alpha.png")
    picture.save(tmp_path / "plain.tif")
    found = file_contents(sorted(tmp_path.iterdir()), memory=tmp_path / "hashes.json", workers=1)
    assert {path for path, one in found.items() if one.key == one.digest} == set(before)
    assert found[tmp_path / "p3.png"].reading == "colours converted from Display P3 to sRGB"


def test_frames_of_one_file_are_no_copies_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "scan.dcm"
    file.write_bytes(bytes(1000))
    frames = [tmp_path / f"scan.dcm#{number}" for number in (1, 2, 3)]
    found = content_hashes([*frames, file], memory=tmp_path / "hashes.json", workers=1)
    assert len(set(found.values())) == 4
    assert found == content_hashes([*frames, file], memory=tmp_path / "hashes.json", workers=1)
    assert found[file] == hashlib.sha256(file.read_bytes()).hexdigest()
