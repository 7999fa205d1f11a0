"""The programs in the documentation do what they say."""

import contextlib
import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attnmel import Predictor
from attnmel.pretrained.catalogue import DEFAULT, open_model
from attnmel.pretrained.examples import example_images

if TYPE_CHECKING:
    from tests.conftest import Phantoms

DOCS = Path(__file__).parents[2] / "docs" / "prediction"


@pytest.fixture
def folder(exported: Path, phantoms: "Phantoms", tmp_path: Path) -> Path:
    """A folder with the files that the programs name."""
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    (tmp_path / "model.onnx").symlink_to(exported)
    (tmp_path / "lesion.jpg").symlink_to(image)
    return tmp_path


def ran(program: str, folder: Path) -> str:
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(program, "documented", "exec"), {"__name__": "__main__"})
    return said.getvalue()


def program(page: str, first: str) -> str:
    """Return the indented lines of a page from the one that begins so, to the next that is not indented."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = lines.index(f"    {first}")
    end = next(row for row in range(start, len(lines)) if lines[row] and not lines[row].startswith("    "))
    return textwrap.dedent("\n".join(lines[start:end]))


def test_another_program_decides_at_each_threshold(folder: Path) -> None:
    said = ran(program("export.md", "import json"), folder)
    assert said in ("sensitivity 0.9: above the threshold\n", "sensitivity 0.9: not above the threshold\n")


def test_another_program_decides_by_the_mean_over_turns_and_flips_as_predict_does(tmp_path: Path) -> None:
    model = open_model(DEFAULT)
    (tmp_path / "model.onnx").symlink_to(model.onnx)
    (image,) = example_images("example:ISIC_0013242") or []
    (tmp_path / "lesion.jpg").symlink_to(image)
    expected = [(one.threshold.target, one.positive) for one in Predictor(model.onnx).predict(image).decisions]
    assert [
        (one.threshold.target, one.positive)
        for one in Predictor(model.onnx, transforms="none").predict(image).decisions
    ] != expected
    said = [f"sensitivity {target}: {'above' if above else 'not above'} the threshold" for target, above in expected]
    assert ran(program("export.md", "import json"), tmp_path).splitlines() == said


def test_the_class_answers_as_shown(folder: Path) -> None:
    said = ran(
        "paths = ['lesion.jpg', 'nowhere.jpg']\n" + program("predict.md", "from attnmel import Predictor"), folder
    )
    first, second = said.splitlines()
    assert first.startswith("lesion.jpg Prediction(probabilities={'rest': ")
    assert second.startswith("nowhere.jpg no image at nowhere.jpg")
