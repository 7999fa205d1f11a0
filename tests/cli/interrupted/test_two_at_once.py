"""Two commands on one place: the second is refused with the first one's name, and the first goes on unharmed."""

import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.copies import Copy, Holder, slow_predictions, start_command, wait_until

from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from tests.cli.conftest import Attnmel
    from tests.conftest import Phantoms

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are halted by signals")

IMAGES = 60
SLOW = slow_predictions(8, 0.05)
"""What a command does first that a test halts or ends: it is still at work when it is seen to have begun."""

Settings = Callable[..., list[str]]


@pytest.fixture(scope="module")
def folder(phantoms: "Phantoms", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images under many names."""
    images = sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    folder = tmp_path_factory.mktemp("many") / "folder"
    folder.mkdir()
    for place in range(IMAGES):
        (folder / f"{place:06}.jpg").hardlink_to(images[place % len(images)])
    return folder


@contextmanager
def halted(there: Callable[[], bool], *arguments: str | Path, before: str = "") -> Iterator[Copy]:
    """Start a command and halt it once something is there; it goes on at the end of the block."""
    with start_command(*arguments, before=before) as process:
        try:
            wait_until(there, process)
            process.send_signal(signal.SIGSTOP)
            yield process
            process.send_signal(signal.SIGCONT)
            _, told = process.communicate(timeout=300)
            assert process.returncode == 0, told
        finally:
            process.kill()


def refusal(place: Path, command: str, process: int) -> str:
    return (
        rf"error: {re.escape(str(place))} is being written by another command: `{re.escape(command)}.*, process "
        rf"{process} on \S+, begun [\d-]+ [\d:]+ UTC \(\d+ \w+ ago\)\. Wait until that has ended, or choose another "
        r"path; nothing was changed\.\n"
    )


def names(table: Path) -> list[str]:
    lines = table.read_text().splitlines()
    return [Path(line.partition(",")[0]).name for line in lines[1:]]


def test_the_second_prediction_of_a_table_is_refused(
    attnmel: "Attnmel", exported: Path, folder: Path, tmp_path: Path
) -> None:
    out, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    command = ("predict", exported, folder, "--out", out)
    with halted(lambda: part.is_file() and part.read_bytes().count(b"\n") > 5, *command, before=SLOW) as first:
        kept = part.read_bytes()
        for resume in ((), ("--resume",)):
            second = attnmel(*command, *resume)
            assert (second.code, second.out) == (1, "")
            assert re.fullmatch(refusal(out, "attnmel predict", first.pid), second.err), second.err
        assert part.read_bytes() == kept
    assert names(out) == [f"{place:06}.jpg" for place in range(IMAGES)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.notice.txt"]


def test_two_resumed_predictions_at_one_moment_leave_one_table(exported: Path, folder: Path, tmp_path: Path) -> None:
    out, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    command = ("predict", exported, folder, "--out", out)
    with start_command(*command, before=SLOW) as killed:
        wait_until(lambda: part.is_file() and part.read_bytes().count(b"\n") > 5, killed)
        killed.kill()
        killed.communicate()
    assert part.exists(), "killed in the middle"
    both = [start_command(*command, "--resume", before=SLOW) for _ in range(2)]
    told = [process.communicate(timeout=300)[1] for process in both]
    codes = [process.returncode for process in both]
    assert 0 in codes, told
    assert set(codes) <= {0, 1}
    assert all("is being written by another command" in one for one, code in zip(told, codes, strict=True) if code)
    assert names(out) == [f"{place:06}.jpg" for place in range(IMAGES)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.notice.txt"]


def test_results_that_are_not_one_for_each_image_become_no_table(
    attnmel: "Attnmel", exported: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a command without locks (an older version) writes to the same file."""
    from attnmel.pipeline.predict.partial_results import PartialResults

    out, read = tmp_path / "out.csv", PartialResults.read
    three = sorted(folder.iterdir())[:3]

    def doubled(partial: PartialResults) -> Iterator[object]:
        if partial.path.read_bytes().count(b"\n") == 1 + len(three):
            lines = partial.path.read_bytes().splitlines(keepends=True)
            partial.path.write_bytes(b"".join([*lines, lines[-1]]))
        return read(partial)

    monkeypatch.setattr(PartialResults, "read", doubled)
    ran = attnmel("predict", exported, *three, "--out", out)
    assert ran.code == 1
    assert ran.err == (
        f"error: result 4 in {out}.part is of {three[2]}, expected none (3 images): another program wrote to that "
        "file; no table was written. Delete the file and predict again\n"
    )
    assert not out.exists()


@pytest.mark.slow
def test_the_second_training_in_a_folder_is_refused_and_a_killed_one_holds_nothing_up(
    attnmel: "Attnmel", phantoms: "Phantoms", settings: Settings, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "demo" / "seed-0")
    command = ["train", "demo", "--home", phantoms.home, "--out", tmp_path, *settings("training.epochs=3")]
    with halted(run.history.exists, *command) as first:
        for second in (command, [*command, "--resume"], ["evaluate", run.path, "--home", phantoms.home]):
            refused = attnmel(*second)
            assert refused.code == 1
            error = refused.err.splitlines(keepends=True)[-1]  # a training's number of threads comes before
            assert re.fullmatch(refusal(run.path, "attnmel train demo", first.pid), error), refused.err
    assert len(run.history.read_text().splitlines()) == 4
    assert not list(tmp_path.rglob(".*"))
    shutil.rmtree(run.path)
    with start_command(*command) as killed:
        wait_until(run.history.exists, killed)
        killed.kill()
        killed.communicate()
    assert attnmel(*command, "--resume").code == 0
    assert len(run.history.read_text().splitlines()) == 4


def test_a_run_is_read_while_another_command_writes_it(
    attnmel: "Attnmel", calibrated: RunFolder, phantoms: "Phantoms", tmp_path: Path, lock_holder: Holder
) -> None:
    image = next((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))
    with lock_holder.holds("folder", calibrated.path):
        page = tmp_path / "report.html"
        assert attnmel("report", calibrated.path, "--out", page, "--home", phantoms.home).code == 0
        assert page.is_file()
        assert attnmel("predict", calibrated.path, image).code == 0
        ran = attnmel("evaluate", calibrated.path, "--home", phantoms.home)
        assert ran.code == 1
        assert f"error: {calibrated.path} is being written by another command" in ran.err


COMMANDS = {
    "report": ("report", "{run}", "--out", "{file}", "--home", "{home}"),
    "export": ("export", "{run}", "--onnx", "--out", "{onnx}", "--home", "{home}"),
    "predict": ("predict", "{run}", "{images}", "--out", "{file}"),
    "maps": ("predict", "{run}", "{images}", "--maps", "{folder}"),
    "explain": ("explain", "{run}", "{images}", "--out", "{folder}"),
    "explain --split": ("explain", "{run}", "--split", "test", "--out", "{folder}", "--home", "{home}"),
    "verify": ("verify", "phantoms", "--out", "{file}", "--home", "{home}"),
    "audit": ("audit", "phantoms", "--out", "{file}", "--home", "{home}"),
    "exclusions": ("audit", "phantoms", "--exclusions", "{file}", "--home", "{home}"),
    "segment train": ("segment", "train", "--out", "{folder}", "--home", "{home}"),
    "demo": ("demo", "--out", "{folder}"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_keeps_to_itself_what_it_writes(
    command: tuple[str, ...],
    attnmel: "Attnmel",
    calibrated: RunFolder,
    phantoms: "Phantoms",
    tmp_path: Path,
    lock_holder: Holder,
) -> None:
    images = next((phantoms.home / "data").rglob("*Test_v2_Data"))
    places = {"run": calibrated.path, "home": phantoms.home, "images": images}
    places |= {"file": tmp_path / "answers.csv", "onnx": tmp_path / "model.onnx", "folder": tmp_path / "folder"}
    wanted = next(name for name in ("file", "onnx", "folder") if f"{{{name}}}" in command)
    with lock_holder.holds("folder" if wanted == "folder" else "file", places[wanted]):
        ran = attnmel(*(word.format(**places) for word in command))
    assert ran.code == 1
    (sentence,) = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert sentence.startswith(f"error: {places[wanted]} is being written by another command: `")
    assert not places["file"].exists()
    assert not places["onnx"].exists()
