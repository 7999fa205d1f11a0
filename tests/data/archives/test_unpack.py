"""A zip gives a whole folder, or one sentence and nothing."""

import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from attnmel.data.archives import unpack as unpacking
from attnmel.data.archives.unpack import BadFileError, unpack
from attnmel.errors import ArchiveError
from attnmel.files import download

Fill = Callable[[zipfile.ZipFile], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "unpacked" / "ISIC_Data"


def write_zip(tmp_path: Path, fill: Fill) -> Path:
    path = tmp_path / "came"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ISIC_Data/ISIC_1.jpg", b"image one")
        fill(archive)
    return path


def unpack_images(path: Path, folder: Path) -> tuple[str, ...]:
    return unpack(path, folder, name="ISIC_Data.zip", needed=(".jpg", ".jpeg"))


def add(name: str, content: bytes = b"?", *, kind: int = 0) -> Fill:
    def fill(archive: zipfile.ZipFile) -> None:
        member = zipfile.ZipInfo(name)
        member.external_attr = kind << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, content)

    return fill


def refuse(path: Path, folder: Path, message: str) -> None:
    with pytest.raises(BadFileError, match=message):
        unpack_images(path, folder)
    assert not folder.parent.exists() or not any(folder.parent.iterdir()), "nothing is left"


def test_images_masks_and_tables_come_out_flat_and_the_rest_stays(tmp_path: Path, folder: Path) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        for name in ("deep/er/ISIC_2.JPG", "ISIC_1_superpixels.png", "metadata.csv", "ISIC_1_features.json"):
            archive.writestr(name, name)
        for name in ("LICENSE.txt", "ATTRIBUTION.txt", "run.exe", "__MACOSX/._ISIC_1.jpg", "a/._ISIC_2.jpg", "b/"):
            archive.writestr(name, "?")

    names = unpack_images(write_zip(tmp_path, fill), folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert set(names) == {"ISIC_1.jpg", "ISIC_2.JPG", "ISIC_1_superpixels.png", "metadata.csv", "ISIC_1_features.json"}
    assert (folder / "ISIC_1.jpg").read_bytes() == b"image one"
    assert list(folder.parent.iterdir()) == [folder]


def test_a_former_folder_is_replaced_whole(tmp_path: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "old.jpg").touch()
    unpack_images(write_zip(tmp_path, add("b.jpg")), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["ISIC_1.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        pytest.param(add("../evil.jpg"), r"ISIC_Data\.zip is not safe to unpack: '\.\./evil\.jpg' leaves", id="up"),
        pytest.param(add("a/../../evil.txt"), r"leaves the folder", id="up from within"),
        pytest.param(add("a\\..\\..\\evil.jpg"), r"leaves the folder", id="up in the Windows way"),
        pytest.param(add("/etc/evil.jpg"), r"'/etc/evil\.jpg' is an absolute path", id="absolute"),
        pytest.param(add("C:\\evil.jpg"), r"is an absolute path", id="absolute in the Windows way"),
        pytest.param(add("."), r"has no name", id="no name"),
        pytest.param(add("link.jpg", b"/etc/passwd", kind=stat.S_IFLNK), r"'link\.jpg' is a symbolic link", id="link"),
        pytest.param(add("pipe.jpg", kind=stat.S_IFIFO), r"'pipe\.jpg' is no ordinary file", id="pipe"),
        pytest.param(add("other/ISIC_1.jpg"), r"holds files of one name twice: ISIC_1\.jpg", id="doubled"),
        pytest.param(add("isic_1.JPG"), r"of one name twice: ISIC_1\.jpg, isic_1\.JPG", id="doubled but for case"),
        pytest.param(
            add("big.png", bytes(unpacking.HARMLESS_BYTES + 1)), r"would become 67\.1 MB.*a zip bomb\?", id="bomb"
        ),
    ],
)
def test_an_unsafe_member_refuses_the_whole_zip(tmp_path: Path, folder: Path, fill: Fill, message: str) -> None:
    refuse(write_zip(tmp_path, fill), folder, message)


def test_an_encrypted_member_is_refused(tmp_path: Path, folder: Path) -> None:
    path = write_zip(tmp_path, lambda archive: None)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    refuse(path, folder, r"'ISIC_Data/ISIC_1\.jpg' is encrypted")


def test_an_unusual_compression_is_refused(tmp_path: Path, folder: Path) -> None:
    path = write_zip(tmp_path, lambda archive: archive.writestr("a.jpg", b"?" * 99, zipfile.ZIP_LZMA))
    refuse(path, folder, r"'a\.jpg' is packed by method 14, which no official archive uses")


def test_a_zip_of_too_many_or_too_large_members_is_refused(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path, add("b.jpg"))
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "MOST_MEMBERS", 1)
        refuse(path, folder, "2 members, expected at most 1")
    monkeypatch.setattr(unpacking, "MOST_BYTES", 5)
    refuse(path, folder, "would become 10 bytes, expected at most 5 bytes")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_zip_is_refused(tmp_path: Path, folder: Path, share: float) -> None:
    path = write_zip(tmp_path, add("b.jpg", os.urandom(5000)))
    os.truncate(path, int(path.stat().st_size * share))
    refuse(path, folder, r"ISIC_Data\.zip is damaged or not a whole zip \(File is not a zip file\)")


def test_damaged_content_is_refused_and_nothing_is_left(tmp_path: Path, folder: Path) -> None:
    path = write_zip(tmp_path, add("b.jpg", os.urandom(5000)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    refuse(path, folder, r"damaged or not a whole zip \((Bad CRC-32 for file 'b\.jpg'|Error)")


def test_a_page_instead_of_a_zip_is_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "came"
    path.write_text("<html>Please log in</html>")
    refuse(path, folder, "not a whole zip")


def test_a_zip_of_something_else_is_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "came"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ISIC_1_segmentation.png", b"?")
    refuse(path, folder, r"ISIC_Data\.zip is not the official file: no \.jpg or \.jpeg in it")


def test_a_zip_that_does_not_fit_on_the_disk_is_no_bad_file(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SPARE_BYTES", 10**18)
    with pytest.raises(ArchiveError, match=r"unpacking ISIC_Data\.zip needs 9 bytes and .* to spare, but") as caught:
        unpack_images(write_zip(tmp_path, lambda archive: None), folder)
    assert not isinstance(caught.value, BadFileError)
    assert not any(folder.parent.iterdir())
