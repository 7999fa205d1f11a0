"""Shards of a prediction: every image in one of them, in order, and joined to the bytes of a whole table."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnmel.errors import ConfigError
from attnmel.pipeline.predict.shards import Shard, ShardRecord, join_shards, write_record

MADE_WITH = {"model": "model.onnx (0123)", "temperature": "1.5"}
NAMES = ("a.jpg", "b.jpg", "Ärm.jpg", "d.jpg")
HEAD = b"image,probability_rest,error\n"


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(1, 40), st.integers(1, 500), st.sampled_from([1, 16]))
def test_shards_are_all_images_once_in_order_in_whole_passes_and_of_equal_size(
    count: int, images: int, together: int
) -> None:
    passes = -(-images // together)
    if count > passes:
        with pytest.raises(ConfigError, match=f"too few for {count} shards; make at most {passes}"):
            Shard(1, count).place(images, together=together)
        return
    places = [Shard(number, count).place(images, together=together) for number in range(1, count + 1)]
    assert [image for place in places for image in range(images)[place]] == list(range(images))
    assert all(place.start % together == 0 for place in places)
    sizes = [-(-(place.stop - place.start) // together) for place in places]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "a/b", "-1/4", "1/4/2", "1 /4", "", "1/99999999999", "٣/٤"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Shard.parse(text)
    assert str(raised.value) == f"the shard is '{text}', expected K/N with K from 1 to N, as 3/16"


def shard(folder: Path, number: int, count: int = 2, **made_with: str) -> Path:
    """Write a shard of the four names."""
    table, own = folder / f"part-{number}-of-{count}.csv", NAMES[Shard(number, count).place(len(NAMES))]
    rows = "".join(f"{name},0.25,\n" for name in own).encode()
    table.write_bytes((b"" if rows.isascii() else b"\xef\xbb\xbf") + HEAD + rows)
    table.with_name(f"{table.name}.notice.txt").write_text("For research.\n")
    write_record(table, Shard(number, count), len(own), NAMES, MADE_WITH | made_with)
    return table


@pytest.fixture
def both(tmp_path: Path) -> list[Path]:
    return [shard(tmp_path, 2), shard(tmp_path, 1)]


def test_joined_shards_are_the_table_of_one_command(both: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    assert join_shards(both, out) == 4
    rows = "".join(f"{name},0.25,\n" for name in NAMES).encode()
    assert out.read_bytes() == b"\xef\xbb\xbf" + HEAD + rows, "a letter beyond ASCII is in the second shard"
    assert (tmp_path / "all.csv.notice.txt").read_text() == "For research.\n"


def refusal(tables: list[Path], out: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        join_shards(tables, out)
    assert not out.exists(), "nothing half-written"
    return str(raised.value)


def test_shards_that_are_missing_or_there_twice_are_named(both: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    assert refusal(both[:1], out) == "of 2 shards 1 is missing; predict and name every one"
    assert refusal([shard(tmp_path, 2, 4)], out) == "of 4 shards 1, 3, 4 are missing; predict and name every one"
    other = tmp_path / "other"
    other.mkdir()
    assert refusal([*both, shard(other, 2)], out) == (
        f"{both[0]} and {other / 'part-2-of-2.csv'} are both shard 2 of 2; name one"
    )


def test_shards_of_different_tables_are_not_joined(both: list[Path], tmp_path: Path) -> None:
    out, other = tmp_path / "all.csv", tmp_path / "other"
    other.mkdir()
    start = f"{both[0]} and {other / 'part-1-of-2.csv'} are not shards of one table: "
    colder = shard(other, 1, temperature="2.0")
    assert refusal([both[0], colder], out) == f"{start}temperature was 1.5, and 2.0"
    assert refusal([both[0], third := shard(other, 3, 4)], out) == (
        f"{both[0]} and {third} are not shards of one table: one of 2, and one of 4"
    )
    record = ShardRecord.path(shard(other, 1))
    record.write_text(json.dumps({**json.loads(record.read_text()), "images": "of others"}))
    assert refusal([both[0], colder], out) == f"{start}their images differ; name the same folder for each"


def test_each_shard_may_have_a_folder_of_maps_of_its_own(tmp_path: Path) -> None:
    tables = [shard(tmp_path, number, maps=f"maps-{number}") for number in (1, 2)]
    assert join_shards(tables, tmp_path / "all.csv") == 4


def test_a_table_that_is_no_shard_or_was_changed_is_refused(both: list[Path], tmp_path: Path) -> None:
    out, record = tmp_path / "all.csv", ShardRecord.path(both[0])
    assert refusal([*both, tmp_path / "none.csv"], out) == (
        f"{tmp_path / 'none.csv'} does not exist; a shard is a table of `predict --shard` and its .shard.json"
    )
    both[0].write_bytes(both[0].read_bytes()[:-5])
    assert refusal(both, out) == f"{both[0]} has changed since it was predicted; predict that shard again"
    for damaged in ("{}", "[1]", "{", '{"made_with": 1}'):
        record.write_text(damaged)
        assert refusal(both, out).endswith("; predict that shard again")
    record.unlink()
    assert refusal(both, out).startswith(f"{record} does not exist")


def test_a_shard_is_not_replaced_by_the_whole(both: list[Path]) -> None:
    with pytest.raises(ConfigError, match="is one of the shards; choose another --out"):
        join_shards(both, both[0])
