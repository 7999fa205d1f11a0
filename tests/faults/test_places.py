"""Two processes in one place, a home that cannot be written, folders that were moved, and a clock set back."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import TINY
from tests.faults.conftest import full_disk, temporary_files, unprivileged
from tests.faults.test_kills import content

from attnmel.cli.app import _system_problem
from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.preprocess import array_file
from attnmel.errors import AttnmelError, BusyError
from attnmel.files.folders import RunFolder
from attnmel.files.locks import IN_FOLDER, Owner, hold_folder
from attnmel.pipeline.evaluate.evaluate import evaluate_run
from attnmel.pipeline.fuse.fuse import fuse
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.run import Run
from attnmel.pipeline.segment.predict import predict_masks

if TYPE_CHECKING:
    from tests.conftest import Phantoms
    from tests.faults.conftest import Ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")

Forked = Callable[..., "Ended"]
DATA = load_recipe("demo", TINY).data


def at_once(function: Callable[[], object], count: int = 2) -> list[int]:
    """Run a function in several forked processes that begin at one moment; return their exit codes."""
    there, go = os.pipe()
    processes = []
    for _ in range(count):
        process = os.fork()
        if not process:
            code = 1
            try:
                os.close(go)
                os.read(there, 1)  # until every process is there
                function()
                code = 0
            finally:
                os._exit(code)
        processes.append(process)
    os.close(there)
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]


def test_two_processes_that_build_one_cache_leave_one(phantoms: "Phantoms", tmp_path: Path) -> None:
    home, built = tmp_path / "home", tmp_path / "built"
    shutil.copytree(phantoms.home / "data", home / "data")
    build = array_file._build

    def counted(*given: object) -> None:
        with built.open("a") as file:
            file.write("once ")
        build(*given)  # pyright: ignore[reportArgumentType] - as it is called

    def prepared() -> None:
        array_file._build = counted
        prepare(DATA, home=home)

    assert at_once(prepared) == [0, 0]
    assert built.read_text() == "once "
    assert temporary_files(home) == []
    expected = prepare(DATA, home=phantoms.home).cache
    assert prepare(DATA, home=home).cache.file.read_bytes() == expected.file.read_bytes()


def test_two_processes_that_fetch_into_one_home_leave_one_data_set(phantoms: "Phantoms", tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert at_once(lambda: fetch("phantoms", home, mirror=phantoms.mirror)) == [0, 0]
    assert temporary_files(home) == []
    found, expected = content(home / "data"), content(phantoms.home / "data")
    del found["phantoms/archives.json"], expected["phantoms/archives.json"]  # of another mirror's address
    assert found == expected


def opened_to_others(folder: Path) -> None:
    """Let every user come as far as a temporary folder."""
    for one in (folder, *folder.parents):
        if one == Path(tempfile.gettempdir()):
            break
        if one.stat().st_mode & 0o005 != 0o005:
            one.chmod(0o755)


def test_a_home_that_cannot_be_written_is_one_sentence(forked: Forked, phantoms: "Phantoms", tmp_path: Path) -> None:
    home = Path(shutil.copytree(phantoms.home / "data", tmp_path / "home" / "data")).parent
    opened_to_others(home)

    def build() -> None:
        with pytest.raises(AttnmelError) as refused:
            prepare(DATA, home=home)
        assert str(refused.value) == (
            f"cannot write prepared images to {home / 'cache'} (Permission denied: {home} belongs to the user root); "
            "get the right to write there, or name another place with --home, whose folder 'data' may be a link to the "
            "one of this home"
        )
        linked = Path(tempfile.mkdtemp())
        (linked / "data").symlink_to(home / "data")
        prepare(DATA, home=linked)

    assert forked(build, unprivileged) == (0, "")
    assert [path.name for path in home.iterdir()] == ["data"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs two users")
def test_a_lock_of_another_user_is_one_sentence_with_that_user(forked: Forked, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    opened_to_others(run)
    run.chmod(0o777)
    lock = run / IN_FOLDER
    lock.write_text(json.dumps(asdict(Owner.this())))
    lock.chmod(0o644)

    def write() -> None:
        with pytest.raises(BusyError, match=r"run is locked by another user, root, for `") as refused, hold_folder(run):
            pass
        assert str(refused.value).endswith(
            f"; if it has ended, ask root to remove its lock, {lock}. Nothing was changed."
        )

    assert forked(write, unprivileged) == (0, "")
    run.chmod(0o755)

    def begin() -> None:
        with pytest.raises(PermissionError) as refused, hold_folder(run / "new"):
            pass
        assert f"(Permission denied: {run} belongs to the user root). To read" in _system_problem(refused.value)

    assert forked(begin, unprivileged) == (0, "")


def test_a_run_that_cannot_be_written_predicts(
    forked: Forked, exported: Path, phantoms: "Phantoms", tmp_path: Path
) -> None:
    model = Path(shutil.copy(exported, tmp_path / "model.onnx"))
    image = Path(shutil.copy(next((phantoms.home / "data").rglob("*Test*Data/*.jpg")), tmp_path / "a.jpg"))
    opened_to_others(tmp_path)
    for path in (model, image):
        path.chmod(0o444)
    before = content(tmp_path)

    def predict() -> None:
        (result,) = predict_images(model, [image])
        assert result.probabilities is not None

    assert forked(predict, unprivileged) == (0, "")
    assert content(tmp_path) == before


def test_a_home_that_was_moved_is_not_prepared_again(
    phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(phantoms.home / "data", home / "data")
    made = prepare(DATA, home=home).cache
    moved = home.rename(tmp_path / "other name")
    monkeypatch.setattr(array_file, "_build", lambda *given: pytest.fail("built again"))
    found = prepare(DATA, home=moved).cache
    assert (found.key, found.path.parent) == (made.key, moved / "cache")


def test_a_moved_run_is_evaluated_where_it_is(trained: RunFolder, phantoms: "Phantoms", tmp_path: Path) -> None:
    moved = Path(shutil.copytree(trained.path, tmp_path / "first" / "run")).rename(tmp_path / "other name")
    before = Run(trained, phantoms.home).predictions("test").probabilities
    evaluate_run(Run(moved, phantoms.home), split="test", resamples=20)
    assert (Run(moved, phantoms.home).predictions("test").probabilities == before).all()


def test_a_lock_that_a_clock_set_back_leaves_in_the_future_is_said_to_be_new() -> None:
    later = datetime.now(UTC) + timedelta(days=3650)
    owner = Owner("attnmel train", 1, "machine", later.isoformat(timespec="seconds"), "0")
    assert owner.sentence().endswith(f"begun {later:%Y-%m-%d %H:%M:%S} UTC (0 s ago)")


@pytest.mark.parametrize("jump", [-86400 * 3650, 86400 * 3650])
def test_a_clock_that_jumps_changes_nothing_of_what_is_prepared(
    jump: float, phantoms: "Phantoms", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(phantoms.home / "data", home / "data")
    made = prepare(DATA, home=home).cache
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    for path in [*home.rglob("*.jpg")][:5]:
        os.utime(path, (now() + jump, now() + jump))
    monkeypatch.setattr(array_file, "_build", lambda *given: pytest.fail("built again"))
    assert prepare(DATA, home=home).cache.key == made.key


@pytest.mark.parametrize("size", [0, 700, 5_000])
def test_masks_that_do_not_fit_are_drawn_when_there_is_room(
    size: int, forked: Forked, phantoms: "Phantoms", segmenter: RunFolder, tmp_path: Path
) -> None:
    images = [str(path) for path in sorted((phantoms.home / "data").rglob("*Test_v2_Data/*.jpg"))[:4]]

    def draw(out: str) -> None:
        predict_masks(segmenter.path, images, home=phantoms.home, out=tmp_path / out)

    code, said = forked(lambda: draw("masks"), full_disk(size))
    assert (code, "File too large" in said) == ((1, True) if size < 5_000 else (0, False))
    draw("masks")
    draw("undisturbed")
    assert temporary_files(tmp_path) == []
    assert content(tmp_path / "masks") == content(tmp_path / "undisturbed")


@pytest.mark.parametrize("size", [0, pytest.param(2_000, marks=pytest.mark.slow)])
def test_a_fusion_that_does_not_fit_leaves_nothing_that_reads_as_one(
    size: int, forked: Forked, fused: RunFolder, phantoms: "Phantoms", tmp_path: Path
) -> None:
    members = [str(fused.path.parent / name) for name in ("network", "system")]

    def join() -> None:
        fuse(members, tmp_path / "fused", by="mean", home=phantoms.home, command="attnmel fuse", resamples=20)

    code, said = forked(join, full_disk(size))
    assert code == 1
    assert "attnmel.errors" in said or "File too large" in said
    assert not RunFolder(tmp_path / "fused").measures.exists()
    join()
    assert temporary_files(tmp_path) == []
    assert Run(tmp_path / "fused", phantoms.home).results.keys() == {"validation", "test"}
