"""The notebooks of docs/notebooks: small, with their outputs, and a run gives what they show."""

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST_IMAGE, LARGEST = 100_000, 1_000_000
"""Bytes of one picture, and of all notebooks together."""

named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def opened(path: Path) -> "NotebookNode":
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def printed(notebook: "NotebookNode") -> list[str]:
    """Return what each cell printed; the last digit of a number may be another one on another processor."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    texts = ["".join(one.text for one in cell.outputs if one.output_type == "stream") for cell in cells]
    return [re.sub(r"(?<=\d)\d\b", "", text) for text in texts]


def test_there_are_three_and_the_page_names_them() -> None:
    page = (FOLDER.parent / "how-to" / "python.md").read_text(encoding="utf-8")
    assert re.findall(r"\(\.\./notebooks/([\w-]+)\.ipynb\)", page) == [
        "result-questioned",
        "own-folder",
        "reader-study",
    ]
    assert {path.stem for path in NOTEBOOKS} == {"result-questioned", "own-folder", "reader-study"}
    assert sum(path.stat().st_size for path in NOTEBOOKS) < LARGEST


@named
def test_a_notebook_is_stored_with_its_outputs_and_small_pictures(path: Path) -> None:
    notebook = opened(path)
    assert notebook.cells[0].source.startswith("# ")
    assert "not for diagnosis" in notebook.cells[0].source
    outputs = [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]
    assert len(outputs) > 3
    assert {one.output_type for one in outputs} <= {"stream", "execute_result", "display_data"}, "no error"
    assert {one.name for one in outputs if one.output_type == "stream"} == {"stdout"}, "no warning"
    pictures = [data for one in outputs for kind, data in one.get("data", {}).items() if kind.startswith("image/")]
    assert all(len(base64.b64decode(one)) < LARGEST_IMAGE for one in pictures)
    assert str(Path.home()) not in path.read_text(encoding="utf-8")


@pytest.mark.slow
@named
@pytest.mark.filterwarnings("default")  # of the kernel's connection, none of which is ours
def test_a_notebook_gives_what_it_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("ATTNMEL_HOME", str(tmp_path / "home"))
    stored, run = opened(path), opened(path)
    client = NotebookClient(
        run, timeout=300, kernel_name="python3", coalesce_streams=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert printed(run) == printed(stored)
