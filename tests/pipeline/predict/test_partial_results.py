"""Results are kept to the last whole one, whatever a stop, a full disk or another program did to their file."""

import errno
import io
import resource
import signal
from pathlib import Path

import pytest
from PIL import Image

from attnmel.errors import ConfigError, PredictionsError
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import notice_path
from attnmel.pipeline.predict.partial_results import PartialResults
from attnmel.pipeline.predict.predict import predict_images
from attnmel.pipeline.predict.table import ImageResult

WITH = {"model": "a", "precision": "float32"}
RESULTS = (
    ImageResult("a\nb.jpg", (0.1, 0.9)),
    ImageResult("\udcff.jpg", (), "no image"),
    ImageResult("c.jpg", (1 / 3, 2 / 3)),
)
NAMES = [one.image for one in RESULTS]


@pytest.fixture
def partial(tmp_path: Path) -> PartialResults:
    partial = PartialResults(tmp_path / "new" / "out.csv")
    partial.start(WITH)
    with partial.adding() as add:
        for one in RESULTS:
            add(one)
    return partial


def test_results_are_read_back_exactly(partial: PartialResults) -> None:
    assert tuple(partial.read()) == RESULTS
    partial.remove()
    assert not partial.path.exists()


@pytest.mark.parametrize("together", [1, 2, 3, 4])
def test_a_cut_at_any_byte_leaves_whole_groups_of_results(partial: PartialResults, together: int) -> None:
    whole = partial.path.read_bytes()
    head = whole.index(b"\n") + 1
    for length in range(head, len(whole) + 1):
        partial.path.write_bytes(whole[:length])
        number = partial.resume(WITH, NAMES, together=together)
        assert number == whole[head:length].count(b"\n") // together * together
        assert tuple(partial.read()) == RESULTS[:number]


def test_resuming_without_a_file_starts(tmp_path: Path) -> None:
    partial = PartialResults(tmp_path / "out.csv")
    assert partial.resume(WITH, NAMES) == 0
    assert list(partial.read()) == []


def test_a_file_of_another_kind_is_refused(partial: PartialResults) -> None:
    whole = partial.path.read_bytes()
    for damaged in (b"image,melanoma\n", whole + b"a.jpg,0.5\n", whole + b"3\n"):
        partial.path.write_bytes(damaged)
        with pytest.raises(
            ConfigError, match="contains no results of a stopped prediction, or damaged ones; delete it"
        ):
            partial.resume(WITH, [*NAMES, "d.jpg"])


@pytest.mark.parametrize("name", ["table.csv", "table.json"])
def test_a_finished_table_of_other_settings_is_not_replaced(calibrated: RunFolder, tmp_path: Path, name: str) -> None:
    out, image = tmp_path / name, tmp_path / "a.png"
    Image.new("RGB", (80, 60), (200, 150, 140)).save(image)

    def write(*, resume: bool = True, **settings: object) -> bytes:
        results = predict_images(calibrated.path, [image], **settings)  # pyright: ignore[reportArgumentType]
        results.write(out, as_json=name.endswith("json"), resume=resume)
        return out.read_bytes()

    first = write()
    assert write() == write(maps=tmp_path / "maps") == first
    told = rf"{name} is a finished table, which was made with other settings: transforms was none, and is dihedral\. "
    with pytest.raises(
        ConfigError, match=rf"{told}Use the same to predict it again, choose another --out, or leave out"
    ):
        write(transforms="dihedral")
    with pytest.raises(ConfigError, match=r"other settings: columns was image,.*, and is image,.*threshold_0\.3"):
        write(thresholds=[0.3])
    assert out.read_bytes() == first
    assert not out.with_name(f"{name}.part").exists()
    assert write(resume=False, transforms="dihedral") != first
    out.write_text("image\n")
    notice_path(out).unlink(missing_ok=True)
    with pytest.raises(
        ConfigError, match=rf"{name} is there already, and nothing says how it was made; choose another"
    ):
        write()
    assert out.read_text() == "image\n"


def test_every_difference_is_named(partial: PartialResults) -> None:
    with pytest.raises(
        ConfigError, match="made with other settings: precision was float32, and is bf16; engine was none, and"
    ):
        partial.resume({"model": "a", "precision": "bf16", "engine": "x"}, NAMES)


def test_a_file_that_may_no_longer_be_written_asks_for_no_space(
    partial: PartialResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ReadOnly(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", lambda *_, **__: ReadOnly())
    told = r"\(Read-only file system\).*: get the right to write it, and continue by --resume"
    with pytest.raises(PredictionsError, match=told), partial.adding() as add:
        add(RESULTS[0])


def test_a_full_disk_keeps_the_results_before(partial: PartialResults) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (partial.path.stat().st_size + 10, limits[1]))
    try:
        with (
            pytest.raises(
                PredictionsError, match=r"results so far are kept there: free some space, and continue by --resume"
            ),
            partial.adding() as add,
        ):
            add(ImageResult("d.jpg", (0.5, 0.5)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert partial.resume(WITH, [*NAMES, "d.jpg"]) == 3
