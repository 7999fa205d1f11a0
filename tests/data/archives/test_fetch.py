"""Fetching from mirrors that are whole, short, damaged, or something else."""

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from tests.factories import Recorder

from attnmel.data.archives import fetch as fetch_module
from attnmel.data.archives.catalog import ARCHIVES
from attnmel.data.archives.fetch import ArchiveState, archive_states, fetch
from attnmel.errors import ArchiveError, ConfigError
from attnmel.files import download
from attnmel.files.folders import dataset_folder

TRAINING = "ISIC-2017_Training_Data.zip"
MASKS = "ISIC-2017_Test_v2_Part1_GroundTruth.zip"
TABLE = "ISIC-2017_Training_Part3_GroundTruth.csv"


def write_part(folder: Path, part: str, ids: list[str]) -> None:
    with zipfile.ZipFile(folder / f"ISIC-2017_{part}_Data.zip", "w") as images:
        for image_id in ids:
            images.writestr(f"ISIC-2017_{part}_Data/{image_id}.jpg", f"image {image_id}")
            images.writestr(f"ISIC-2017_{part}_Data/{image_id}_superpixels.png", "?")
    with zipfile.ZipFile(folder / f"ISIC-2017_{part}_Part1_GroundTruth.zip", "w") as masks:
        for image_id in ids:
            masks.writestr(f"{image_id}_segmentation.png", f"mask {image_id}")
    with zipfile.ZipFile(folder / f"ISIC-2017_{part}_Part2_GroundTruth.zip", "w") as features:
        for image_id in ids:
            features.writestr(f"{image_id}_features.json", "{}")
    rows = [f"{image_id},0.0,1.0" for image_id in ids]
    table = "\n".join(["image_id,melanoma,seborrheic_keratosis", *rows, ""])
    (folder / f"ISIC-2017_{part}_Part3_GroundTruth.csv").write_text(table)


@pytest.fixture
def year(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror" / "2017"
    folder.mkdir(parents=True)
    write_part(folder, "Training", ["ISIC_1", "ISIC_2", "ISIC_3"])
    write_part(folder, "Validation", ["ISIC_4"])
    write_part(folder, "Test_v2", ["ISIC_5", "ISIC_6"])
    return folder


@pytest.fixture
def mirror(year: Path) -> str:
    return year.parent.as_uri()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def fetched_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are downloaded from now on."""
    names: list[str] = []

    def told(address: str, target: Path, **options: object) -> download.Downloaded:
        names.append(address.rpartition("/")[2])
        return download.download(address, target)

    monkeypatch.setattr(fetch_module, "download", told)
    return names


def by_name(states: tuple[ArchiveState, ...]) -> dict[str, ArchiveState]:
    return {state.name: state for state in states}


def test_a_whole_mirror_is_unpacked_recorded_and_leaves_nothing_else(year: Path, mirror: str, home: Path) -> None:
    states = by_name(fetch("phantoms", home, mirror=mirror))
    folder = dataset_folder(home, "phantoms")
    assert {state.status for state in states.values()} == {"complete"}
    assert states[TRAINING] == ArchiveState(
        name=TRAINING,
        address=f"{mirror}/2017/{TRAINING}",
        size=(year / TRAINING).stat().st_size,
        sha256=hashlib.sha256((year / TRAINING).read_bytes()).hexdigest(),
        found=3,
        expected=None,
        status="complete",
    )
    assert states[TABLE].found == 3
    assert (folder / "ISIC-2017_Training_Data" / "ISIC_2.jpg").read_text() == "image ISIC_2"
    assert {path.name.removesuffix(".csv") for path in folder.iterdir()} == {"archives.json"} | {
        name.removesuffix(".zip").removesuffix(".csv") for name in states
    }


def test_the_record_gives_back_what_fetch_gave(mirror: str, home: Path) -> None:
    states = fetch("phantoms", home, mirror=mirror + "/")
    assert archive_states("phantoms", home) == states
    json.dumps([dataclasses.asdict(state) for state in states])


def test_what_is_short_or_absent_is_said_and_recorded(year: Path, mirror: str, home: Path) -> None:
    (year / MASKS).unlink()
    notes = Recorder()
    states = by_name(fetch("isic2017", home, mirror=mirror, progress=notes))
    assert (states[TRAINING].status, states[TRAINING].found, states[TRAINING].expected) == ("short", 3, 2000)
    assert (states[MASKS].status, states[MASKS].found, states[MASKS].size) == ("absent", 0, 0)
    assert f"{TRAINING}: 3 of 2000 images at {mirror}/2017/{TRAINING}" in notes.notes
    assert f"{MASKS}: not at {mirror}/2017/{MASKS}" in notes.notes
    assert by_name(archive_states("isic2017", home)) == states


def test_a_record_of_before_the_superpixel_features_reads_as_without_them(mirror: str, home: Path) -> None:
    before = by_name(fetch("phantoms", home, mirror=mirror))
    record = dataset_folder(home, "phantoms") / "archives.json"
    content = json.loads(record.read_text())
    content["archives"] = [one for one in content["archives"] if "Part2" not in one["name"]]
    record.write_text(json.dumps(content))
    states = by_name(archive_states("phantoms", home))
    features = [name for name in states if "Part2" in name]
    assert [states[name].status for name in features] == ["absent"] * 3
    assert {name: states[name] for name in states if name not in features} == {
        name: state for name, state in before.items() if name not in features
    }
    assert by_name(fetch("phantoms", home, mirror=mirror)) == before


def test_finished_files_are_not_fetched_again(mirror: str, home: Path, fetched_names: list[str]) -> None:
    first = fetch("phantoms", home, mirror=mirror)
    fetched_names.clear()
    assert fetch("phantoms", home, mirror=mirror) == first
    assert fetched_names == []


def test_an_interrupted_fetch_goes_on_where_it_stopped(
    year: Path, mirror: str, home: Path, fetched_names: list[str]
) -> None:
    whole = (year / TRAINING).read_bytes()
    (year / TRAINING).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArchiveError, match=f"{TRAINING} is damaged"):
        fetch("phantoms", home, mirror=mirror)
    with pytest.raises(ArchiveError, match=f"the fetch of phantoms stopped before {TRAINING}; run"):
        archive_states("phantoms", home)
    (year / TRAINING).write_bytes(whole)
    fetched_names.clear()
    states = fetch("phantoms", home, mirror=mirror)
    assert len(fetched_names) == len(ARCHIVES["phantoms"]) - 2
    assert fetched_names[0] == TRAINING
    assert archive_states("phantoms", home) == states


def test_a_file_that_was_absent_or_is_gone_is_fetched_again(
    year: Path, mirror: str, home: Path, fetched_names: list[str]
) -> None:
    masks = (year / MASKS).read_bytes()
    (year / MASKS).unlink()
    fetch("phantoms", home, mirror=mirror)
    (dataset_folder(home, "phantoms") / TABLE).unlink()
    with pytest.raises(ArchiveError, match=f"{TABLE} is no longer there; run"):
        archive_states("phantoms", home)
    (year / MASKS).write_bytes(masks)
    fetched_names.clear()
    assert {state.status for state in fetch("phantoms", home, mirror=mirror)} == {"complete"}
    assert fetched_names == [TABLE, MASKS]


def test_a_local_mirror_that_was_written_anew_is_fetched_anew(year: Path, mirror: str, home: Path) -> None:
    fetch("phantoms", home, mirror=mirror)
    write_part(year, "Training", ["ISIC_7", "ISIC_8"])
    assert by_name(fetch("phantoms", home, mirror=mirror))[TRAINING].found == 2
    names = {path.stem for path in (dataset_folder(home, "phantoms") / "ISIC-2017_Training_Data").glob("*.jpg")}
    assert names == {"ISIC_7", "ISIC_8"}


def test_another_mirror_replaces_what_it_has_and_keeps_what_it_lacks(
    year: Path, mirror: str, home: Path, tmp_path: Path
) -> None:
    first = by_name(fetch("phantoms", home, mirror=mirror))
    other = tmp_path / "other"
    (other / "2017").mkdir(parents=True)
    write_part(other / "2017", "Training", ["ISIC_1"])
    states = by_name(fetch("phantoms", home, mirror=other.as_uri()))
    assert states[TRAINING].found == 1
    assert states[MASKS] == first[MASKS]


def test_without_a_mirror_what_is_here_stays_and_that_is_said(
    mirror: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = {"isic2017": tuple(dataclasses.replace(a, expected=None) for a in ARCHIVES["isic2017"])}
    monkeypatch.setattr(fetch_module, "ARCHIVES", full)
    first = fetch("isic2017", home, mirror=mirror)
    notes = Recorder()
    assert fetch("isic2017", home, progress=notes) == first
    assert f"{TRAINING}: kept as fetched from {mirror}/2017/{TRAINING}; name a --mirror" in " ".join(notes.notes)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            TRAINING,
            b"<html>log in</html>",
            r"Training_Data\.zip is damaged or not a whole zip .*\. What came from file:",
        ),
        (TABLE, b"<html>log in</html>", r"Part3_GroundTruth\.csv is not the official table: .*'image_id'.*was removed"),
        (TABLE, b"\xff\xfe\x00", r"is not the official table"),
        (TABLE, b"image_id,melanoma\n", r"is not the official table"),
    ],
)
def test_a_file_that_is_something_else_is_refused_removed_and_loses_nothing(
    year: Path, mirror: str, home: Path, name: str, content: bytes, message: str
) -> None:
    before = fetch("phantoms", home, mirror=mirror)
    (year / name).write_bytes(content)
    with pytest.raises(ArchiveError, match=message):
        fetch("phantoms", home, mirror=mirror)
    assert archive_states("phantoms", home) == before
    assert not (dataset_folder(home, "phantoms") / "downloads").exists()


def test_what_could_not_be_unpacked_is_not_downloaded_twice(
    mirror: str, home: Path, monkeypatch: pytest.MonkeyPatch, fetched_names: list[str]
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise ArchiveError("the disk is full")

    # A file:// mirror is read again in any case; so the addresses are taken for remote ones.
    monkeypatch.setattr(fetch_module, "local_path", lambda address: None)
    with monkeypatch.context() as patch:
        patch.setattr(fetch_module, "unpack", full)
        with pytest.raises(ArchiveError, match="disk is full"):
            fetch("phantoms", home, mirror=mirror)
    stopped_at = fetched_names[-1]
    fetched_names.clear()
    fetch("phantoms", home, mirror=mirror)
    assert stopped_at not in fetched_names


def test_a_killed_unpacking_leaves_nothing_for_good(mirror: str, home: Path) -> None:
    folder = dataset_folder(home, "phantoms")
    (folder / ".0123abcd-ISIC-2017_Training_Data").mkdir(parents=True)
    (folder / ".0123abcd.lock").touch()  # which nobody has
    fetch("phantoms", home, mirror=mirror)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("ending", ["/2017", "/nothing"])
def test_an_address_without_any_of_the_files_is_told(year: Path, mirror: str, home: Path, ending: str) -> None:
    notes = Recorder()
    with pytest.raises(ArchiveError, match=rf"{ending} holds no file of isic2017; expected .*{ending}/2017/ISIC-2017"):
        fetch("isic2017", home, mirror=mirror + ending, progress=notes)
    assert notes.notes == []
    with pytest.raises(ArchiveError, match="run `attnmel fetch isic2017`"):
        archive_states("isic2017", home)


def test_a_damaged_record_is_told(mirror: str, home: Path) -> None:
    fetch("phantoms", home, mirror=mirror)
    (dataset_folder(home, "phantoms") / "archives.json").write_text("{")
    with pytest.raises(ArchiveError, match=r"archives\.json is damaged; delete the folder .*phantoms and fetch again"):
        archive_states("phantoms", home)


def test_phantoms_have_no_official_address(home: Path) -> None:
    with pytest.raises(ArchiveError, match="phantoms are drawn, not published: run `attnmel demo`"):
        fetch("phantoms", home)


def test_an_unknown_data_set_is_answered_with_the_known_ones(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown data set 'isic2071' .*; known: isic2016, .*, phantoms"):
        fetch("isic2071", home)
