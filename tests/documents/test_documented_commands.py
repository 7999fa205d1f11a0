"""Each command in a block of the documents runs; those of docs/how-to/study.md are run by `test_study_docs.py`.

Small drawn images are in place of the data sets, tiny networks in place of the trained ones, and a hub on this machine.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import constants
from tests.cli.conftest import attnmel as attnmel
from tests.conftest import TINY_UNET
from tests.documents.test_documents import CALL, CURRENT, shell_lines
from tests.hub_server import TOKEN, serving
from tests.pipeline.study.small_study import write_folder
from tests.strangers.datasets.make_sets import archive_rows, picture, write_archive, write_ph2

from attnmel import segment
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

ELSEWHERE = {
    r"attnmel serve": "tests/web/test_server.py",
    r"attnmel study (serve|export)": "tests/documents/test_study_docs.py",
    r"attnmel docs": "tests/documents/test_documents.py",
    r"attnmel demo": "tests/cli/commands/test_json.py",
    r"attnmel reproduce": "tests/cli/commands/results/test_reproduce.py",
    r"attnmel (train|compare).* (runs/)?isic2017/mahbod": "tests/cli/commands/networks/test_train_system.py",
    r"attnmel (fetch|train) isic2019|data.dataset=derm7pt": "tests/pipeline/test_new_sets.py",
    r"attnmel evaluate runs/isic2019": "tests/pipeline/test_new_sets.py",
    r"--set training.log=": "tests/pipeline/run/training/test_loggers.py",
    r"training.freeze=": "tests/pipeline/train/test_frozen_maps.py",
    r"model.(rescale|padding)=": "tests/pipeline/train/test_vgg_rescale.py",
    r"--resume --set data.dataset=": "tests/pipeline/run/test_run_location.py",
    r"--dicom-out": "tests/cli/commands/networks/test_dicom.py",
    r"--shard|attnmel join": "tests/cli/commands/networks/test_join.py",
    r"--int8": "tests/pipeline/export/test_export.py",
    r"loss.teacher=": "tests/pipeline/train/test_teacher.py",
    r"attnmel evaluate pretrained$": "tests/pipeline/pretrained/test_run.py",
    r"attnmel fuse .*--by stack": "tests/pipeline/fuse/test_fuse.py",
    r"attnmel (recalibrate|(evaluate|predict) runs/clinic )": "tests/cli/commands/results/test_recalibrate.py",
    r"attnmel compare runs/fused": "tests/pipeline/evaluate/test_compare.py",
}
"""Commands that serve for ever, or whose data and packages are not small, by what runs them."""

SETS = re.compile(r"isic20\d\d(-task1)?(?=$|:)")
TINY = ("training.batch=8", "training.device=cpu", "training.precision=float32")
SMALL = {
    "training.epochs=12": "training.epochs=1",
    r"data.size=\d+": "data.size=64",
    "training.epochs=80": "training.epochs=4",
}
PLACES = {
    "/data/clinic": "clinic", "/data/other-clinic": "clinic", "/data/images": "folder/", "/data/archive": "archive",
    "my-clinic": "clinic", "/new/place/clinic": "clinic", "images": "squares", "photo.jpg": "lesion.jpg",
    "segmenter": "runs/segmenter", "best.safetensors": "runs/a/seed-0/best.safetensors",
    "readings.csv": "readings/readings.csv",
}  # fmt: skip
SYSTEMS, NETWORKS = (
    ("runs/isic2017/attnmel", "runs/isic2017/mahbod"),
    ("runs/isic2017/attnmel-lesion", "runs/isic2017/attnmel-lite0",
     "runs/isic2017/attnmel-lite0/fold-1-of-5", "runs/clinic/attnmel", "runs/a",
     "without/isic2017/attnmel-lite0", "crop/isic2017/attnmel-lite0", "ham/isic2017/attnmel-lite0"),
)  # fmt: skip
"""Folders of a fitted system, so that two recipes are compared, and of a network."""


def indented_lines(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for line in re.findall(r"^ {4,}(.+)$", text, re.MULTILINE)]


def documented() -> list[str]:
    """Return each command of the pages once, those that others run left out."""
    lines = [line for page in CURRENT for line in (*shell_lines(page), *indented_lines(page))]
    calls = [call.strip() for line in lines for call in CALL.findall(line)]
    return [one for one in dict.fromkeys(calls) if not any(re.search(pattern, one) for pattern in ELSEWHERE)]


@dataclass(frozen=True)
class Place:
    """The folder in which a command runs, and the model on the hub."""

    home: Path
    mirror: str
    commit: str


@pytest.fixture
def place(
    trained: RunFolder,
    fitted: RunFolder,
    exported: Path,
    segmenter: RunFolder,
    phantoms: "Phantoms",
    attnmel: "Attnmel",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    shutil.copytree(phantoms.home, home)
    monkeypatch.chdir(work)
    monkeypatch.setenv("ATTNMEL_HOME", str(home))
    for run, names in ((fitted, SYSTEMS), (trained, NETWORKS)):
        for name in names:
            shutil.copytree(run.path, work / name / "seed-0")
    shutil.copytree(segmenter.path, work / "runs" / "segmenter")
    shutil.copyfile(exported, work / "model.onnx")
    dataset = read_dataset("phantoms", home)
    tests = [one for one in dataset.lesions if one.split == "test"]
    for name in ("folder", "scans"):
        (work / name).mkdir()
        shutil.copy(tests[0].image, work / name)
    shutil.copy(tests[1].image, work / "lesion.jpg")
    _write_clinic(work / "clinic")
    write_folder(work / "squares", cases=48)
    write_archive(work / "archive", archive_rows())
    write_ph2(home / "data" / "ph2")
    for number, name in enumerate(("submission", "dermaknet", "mahbod", "fused")):
        rows = [f"{one.image_id},0.{number}{place:02},0.5" for place, one in enumerate(tests)]
        (work / f"{name}.csv").write_text("\n".join(["image_id,melanoma,seborrheic_keratosis", *rows]) + "\n")
    for name, split in (("team", "test"), ("team-validation", "validation")):
        shutil.copy(trained.predictions(split), work / f"{name}.csv")
    for name in ("exclusions", "leak"):
        (work / f"{name}.csv").write_text(f"dataset,image\nphantoms,{dataset.lesions[0].image_id}\n")
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        shutil.copyfile(exported, RunFolder(work / "runs" / "a" / "seed-0").onnx)
        sent = attnmel("push", work / "runs" / "a" / "seed-0", "OWNER/NAME")
        yield Place(home, phantoms.mirror, sent.out.splitlines()[-1].partition("@")[2])


def _write_clinic(folder: Path) -> None:
    folder.mkdir()
    rows = ["image,label"]
    for number in range(40):
        picture(number, is_melanoma=number % 2 == 1).save(folder / f"{number:03}.png")
        rows.append(f"{number:03}.png,{'melanoma' if number % 2 else 'rest'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def small(call: str, place: Place) -> list[str]:
    """Return the words of a command with the names of this folder and settings that make it fast."""
    call = call.replace("@COMMIT", f"@{place.commit}").replace("@v1", f"@{place.commit}").replace("$k", "1")
    words = [SETS.sub("phantoms", PLACES.get(word, word)) for word in shlex.split(call)[1:]]
    words = [word.replace("/data/clinic", "clinic") for word in words]
    for pattern, other in SMALL.items():
        words = [re.sub(pattern, other, word) for word in words]
    match words[0]:
        case "fetch":
            words += ["--mirror", place.mirror]
        case "score":
            truth = place.home / "data" / "phantoms" / "ISIC-2017_Test_v2_Part3_GroundTruth.csv"
            words = ["score", "isic2017", *words[2:], "--truth", str(truth)]
        case "train" if "--resume" not in words:
            words = [re.sub(r"training.epochs=\d+", "training.epochs=1", word) for word in words]
            words += _settings(words, "data.dataset=phantoms", "data.size=64", "training.epochs=1", *TINY)
            if "data.normalise_by=weights" not in words:  # those of the package, with a network of their width
                words += _settings(words, "model.weights=random", "model.width=0.05", "data.normalise_by=dataset")
        case "export":  # a system, which that folder holds here, is no network
            words = [word.replace("isic2017/attnmel/", "isic2017/attnmel-lesion/") for word in words]
        case "segment" if words[1] == "train":
            words += _settings(words, *TINY_UNET)
        case "fuse" if "--dataset" in words:
            words[words.index("--dataset") + 1] = "isic2017"
        case "study" if words[1] == "new":
            words = [word.replace("=20", "=4") for word in words]
        case "explain" if "--split" in words:
            words += ["--limit", "4", "--method", "attention-pool4"]
    return words


def _settings(words: list[str], *settings: str) -> list[str]:
    """Return options for the settings that the command does not change itself."""
    own = {word.partition("=")[0] for word in words if "=" in word}
    return [part for one in settings if one.partition("=")[0] not in own for part in ("--set", one)]


def test_what_others_run_is_run_there() -> None:
    for path in ELSEWHERE.values():
        assert (Path(__file__).parents[2] / path).is_file(), path
    assert len(documented()) > 60


@pytest.mark.slow
@pytest.mark.parametrize("call", documented())
def test_a_command_of_the_documents_does_what_it_says(call: str, place: Place, attnmel: "Attnmel") -> None:
    words = small(call, place)
    _prepare(words, place)
    ran = attnmel(*words)
    # Findings are what these two are asked for, and their exit code; the drawn images have some.
    allowed = (0, 1) if words[0] in ("audit", "verify") else (0,)
    assert ran.code in allowed, (words, ran.err)
    assert "Traceback" not in ran.err


def _prepare(words: list[str], place: Place) -> None:
    """Make what the commands before this one on its page would have made, and remove what it makes itself."""
    if words[0] == "fuse":
        Path(words[words.index("--out") + 1]).unlink(missing_ok=True)
    if "train" in words[:2] and "--resume" not in words:
        shutil.rmtree("runs/segmenter" if words[0] == "segment" else "runs/clinic")
    if words[:2] == ["study", "analyse"]:
        rows = [
            f"reader {reader},case {case},{modality},{(37 * case + 11 * reader + 29 * (case % 2)) % 101},{case % 2}"
            for reader in range(4)
            for case in range(20)
            for modality in ("alone", "with net")
        ]
        Path("readings").mkdir()
        Path("readings/readings.csv").write_text("\n".join(["reader,case,modality,score,truth", *rows]) + "\n")
    if words[:2] == ["segment", "score"]:
        segment.predict("runs/segmenter", "phantoms", home=place.home)
