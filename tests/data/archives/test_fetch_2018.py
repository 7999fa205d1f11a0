"""Zipped tables, tables without a header, and two fetches at once."""

import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attnmel.data.archives.fetch import archive_states, fetch, fetch_with_companions
from attnmel.errors import ArchiveError
from attnmel.files.folders import dataset_folder
from attnmel.files.locks import IN_FOLDER, hold_folder
from attnmel.progress import Silent

Fetched = Callable[[str], Path]
LABELS = "ISIC2018_Task3_Test_GroundTruth"


def test_a_zipped_table_lies_as_a_table_and_its_rows_are_counted(fetched: Fetched) -> None:
    home = fetched("isic2018")
    folder = home / "data" / "isic2018"
    assert (folder / f"{LABELS}.csv").read_text().startswith("image,MEL,NV")
    (state,) = (state for state in archive_states("isic2018", home) if state.name == f"{LABELS}.zip")
    assert (state.found, state.expected, state.status) == (7, 1512, "short")
    assert not (folder / "downloads").exists()
    assert not (folder / LABELS).exists()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, r"GroundTruth\.zip is not the official file: no \.csv in it"),
        ({"a.csv": "image,MEL\nx,1\n", "b.csv": "image,MEL\n"}, r"is not the official file: 2 tables in it, expected"),
        ({"a.csv": "id,MEL\nx,1\n"}, r"is not the official table: expected a line that begins with 'image'"),
        ({"a.csv": "image,MEL\n"}, r"is not the official table"),
    ],
)
def test_a_zip_without_the_table_is_refused_and_removed(
    mirror: Path, fetched: Fetched, tmp_path: Path, members: dict[str, str], message: str
) -> None:
    with zipfile.ZipFile(mirror / "2018" / f"{LABELS}.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ArchiveError, match=message):
        fetched("isic2018")
    assert not (tmp_path / "home" / "data" / "isic2018" / "downloads").exists()


def test_rows_of_2016_are_counted_from_the_first_on(fetched: Fetched) -> None:
    states = archive_states("isic2016", fetched("isic2016"))
    assert [state.found for state in states] == [40, 39, 40, 6, 5, 6]


@pytest.mark.parametrize("content", ["<html>log in</html>", "", "a,b,c\n", "ISIC_1,benign\n\nISIC_2\n"])
def test_a_table_of_2016_that_is_something_else_is_refused(mirror: Path, fetched: Fetched, content: str) -> None:
    (mirror / "2016" / "ISBI2016_ISIC_Part3_Test_GroundTruth.csv").write_text(content)
    with pytest.raises(ArchiveError, match=r"is not the official table: expected rows of an image and its label"):
        fetched("isic2016")


def test_the_images_of_2018s_validation_may_lack(fetched: Fetched) -> None:
    states = archive_states("isic2018", fetched("isic2018"))
    absent = {state.name for state in states if state.status == "absent"}
    assert absent == {f"ISIC2018_Task3_Validation_{end}.zip" for end in ("GroundTruth", "Input")}


def test_isic2018_brings_task_1_and_2_along_and_says_so(mirror: Path, tmp_path: Path) -> None:
    said: list[str] = []

    class Telling(Silent):
        def note(self, message: str) -> None:
            said.append(message)

    came = fetch_with_companions("isic2018", tmp_path, mirror=mirror.as_uri(), progress=Telling())
    assert list(came) == ["isic2018", "isic2018-task1"]
    assert archive_states("isic2018-task1", tmp_path) == came["isic2018-task1"]
    assert "isic2018-task1 comes along with isic2018" in said
    assert list(fetch_with_companions("isic2018-task1", tmp_path, mirror=mirror.as_uri())) == ["isic2018-task1"]


def test_a_mirror_without_task_1_and_2_still_gives_isic2018(mirror: Path, tmp_path: Path) -> None:
    said: list[str] = []

    class Telling(Silent):
        def note(self, message: str) -> None:
            said.append(message)

    for path in (mirror / "2018").glob("ISIC2018_Task[12]*"):
        path.unlink()
    came = fetch_with_companions("isic2018", tmp_path, mirror=mirror.as_uri(), progress=Telling())
    assert list(came) == ["isic2018"]
    assert any("isic2018-task1 does not: " in one and "holds no file of isic2018-task1" in one for one in said)


def test_a_second_fetch_into_one_home_waits_for_the_first(mirror: Path, tmp_path: Path) -> None:
    home, said, waiting = tmp_path / "home", [], threading.Event()

    class Telling(Silent):
        def note(self, message: str) -> None:
            said.append(message)
            waiting.set()

    with ThreadPoolExecutor(1) as pool:
        with hold_folder(dataset_folder(home, "isic2016")):
            second = pool.submit(fetch, "isic2016", home, mirror=mirror.as_uri(), progress=Telling())
            assert waiting.wait(60)
            assert [path.name for path in dataset_folder(home, "isic2016").iterdir()] == [IN_FOLDER]
        states = second.result()
    assert said[0].startswith(f"{dataset_folder(home, 'isic2016')} is being written by another command: `")
    assert said[0].endswith("; waiting for it")
    assert [state.found for state in states] == [40, 39, 40, 6, 5, 6]
