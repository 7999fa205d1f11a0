"""What the program did not write is never replaced."""

import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attnmel import NOTICE
from attnmel.errors import ConfigError
from attnmel.files.own_files import SOFTWARE, is_own, require_folder, require_only, require_own_file


def picture(**marks: str) -> bytes:
    info, file = PngInfo(), io.BytesIO()
    for key, text in marks.items():
        info.add_text(key, text)
    Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "own"),
    [
        (b"", True),
        (f"# {NOTICE}\nimage,probability_rest\n".encode(), True),
        (b"\xef\xbb\xbfimage,probability_melanoma\n", True),
        (b"<html>" + b" " * 200_000 + NOTICE.encode() + b"</html>", True),
        (picture(**dict([SOFTWARE])), True),
        (picture(), False),
        (b"image,label\na,melanoma\n", False),
        (b"\xff\xd8\xff\xe0" + bytes(1000), False),
        (b"attnmel train demo\n", False),
    ],
)
def test_files_of_the_program_are_known_by_their_notice(content: bytes, own: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert is_own(path) == own
    if not own:
        with pytest.raises(ConfigError, match=r"was not written by attnmel, so it is not replaced; name another file"):
            require_own_file(path)


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    require_own_file(tmp_path / "new")
    require_folder(tmp_path / "new")
    with pytest.raises(ConfigError, match="is a folder; name the file to write"):
        require_own_file(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file; name a folder to write into"):
        require_folder(tmp_path / "file")


def test_a_run_is_not_begun_among_other_files(tmp_path: Path) -> None:
    require_only(tmp_path / "new", {"images.csv"}, "a run")
    for name in ("images.csv", ".attnmel.lock"):
        (tmp_path / name).touch()
    require_only(tmp_path, {"images.csv"}, "a run")
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(ConfigError, match=r"holds other files than a run \(thesis\.docx\); name a new or empty folder"):
        require_only(tmp_path, {"images.csv"}, "a run")
