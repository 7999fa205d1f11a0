"""The command line as a user meets it: its exit code, and one sentence for a mistake."""

import csv
import io
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.factories import run_fresh

from attnmel import NOTICE
from attnmel.data.archives.catalog import ARCHIVES
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

COMMANDS = (
    "demo", "fetch", "verify", "audit", "statistics", "train", "evaluate", "compare", "explain", "predict", "score",
    "report", "doctor",
)  # fmt: skip


def test_help_names_every_command() -> None:
    """As `python -m attnmel` does."""
    code = "import runpy, sys\nsys.argv.append('--help')\nrunpy.run_module('attnmel', run_name='__main__')"
    printed = run_fresh(code)
    assert all(command in printed for command in COMMANDS)
    assert "not for diagnosis" in " ".join(printed.split())


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix closes them")
def test_what_is_for_standard_error_is_in_no_other_place_where_that_is_closed(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "attnmel", "clean", "--home", str(tmp_path)])
    ran = subprocess.run(["sh", "-c", f"{command} 2>&-"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")
    ran = subprocess.run(["sh", "-c", f"{command} >&- <&-"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "no caches\n")


def test_help_of_fetch_names_every_published_data_set(attnmel: "Attnmel") -> None:
    words = attnmel("fetch", "--help").out.replace(",", " ").replace(".", " ").split()
    assert set(ARCHIVES) - {"phantoms"} <= set(words)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("train", "qqqqqqqqqq"), 1, "error: unknown recipe 'qqqqqqqqqq'; known: demo, "),
        (
            ("train", "demo", "--set", "training.epoch=3"),
            1,
            "error: unknown key 'training.epoch' (did you mean 'epochs'?); known: accumulate",
        ),
        (("train",), 2, "Missing argument"),
        (("fetch", "isic1999", "--home", "home"), 1, "isic1999"),
        (("evaluate", "nowhere"), 1, "error: nowhere is not a run folder"),
        (("report", "nowhere"), 1, "error: nowhere is not a run folder"),
        (("predict", "nowhere", "image.jpg"), 1, "error: no checkpoint at nowhere"),
        (("fry",), 2, "No such command 'fry'"),
    ],
)
def test_a_mistake_gets_a_sentence_and_no_traceback(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    attnmel: "Attnmel",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = attnmel(*arguments)
    assert ran.code == code
    assert message in ran.err
    assert not list(tmp_path.iterdir())


def test_predict_answers_in_csv_with_notice_and_reason(
    attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    shutil.copy(image, tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(image.read_bytes()[:300])
    (tmp_path / "c.png").write_text("no image")
    ran = attnmel("predict", trained.path, tmp_path)
    assert ran.code == 1
    assert "2 of 3 images could not be used" in ran.err
    assert NOTICE in ran.err
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert float(rows[0]["probability_melanoma"]) + float(rows[0]["probability_rest"]) == pytest.approx(1, abs=1e-5)
    assert not rows[0]["error"]
    assert all("b.jpg" in rows[1]["error"] or "c.png" in row["error"] for row in rows[1:])


def test_predict_gives_the_probabilities_of_evaluate(
    attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    from attnmel.records import Predictions

    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    ran = attnmel("predict", trained.path, image, "--json", "--out", tmp_path / "answers.json")
    assert ran.code == 0, ran.err
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert answers["notice"] == NOTICE
    judged = Predictions.read(trained.predictions("test"))
    expected = judged.probability("melanoma")[judged.image_ids.index(image.stem)]
    assert answers["images"][0]["probabilities"]["melanoma"] == pytest.approx(expected, abs=1e-6)


def test_explain_writes_maps_in_the_image_s_own_geometry(
    attnmel: "Attnmel", trained: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    from PIL import Image

    from attnmel.pipeline.predict.attention_maps import enlarged

    image = next((phantoms.home / "data").rglob("*Test*Data/*.jpg"))
    ran = attnmel("explain", trained.path, image, "--out", tmp_path)
    assert ran.code == 0, ran.err
    with Image.open(image) as original, Image.open(tmp_path / f"{image.stem}-pool3.png") as overlay:
        assert overlay.width == original.width
        assert overlay.height > original.height
    arrays = tmp_path / f"{image.stem}.npz"
    shallow, deep = enlarged(arrays, "pool3"), enlarged(arrays, "pool4")
    assert shallow.shape == (90, 120)
    assert shallow[:, :20].max() == 0, "outside the central square no attention was measured"
    assert deep[45, 60] > 0


def test_doctor_says_what_decides_speed(attnmel: "Attnmel", tmp_path: Path) -> None:
    ran = attnmel("doctor", "--json", "--home", tmp_path)
    assert {"torch", "device", "precision", "threads", "home", "free disk"} <= set(json.loads(ran.out))
