"""Damaged files that a campaign of 150,000 inputs found to end in a traceback, one of each kind: each is one sentence.

The campaign: `benchmarks/fuzz/fuzz.py`, with docs/reliability.md.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.conftest import TINY

from attnmel.config.load import load_recipe, load_run_recipe
from attnmel.data.archives import fetch
from attnmel.data.image_files.reading import read_image
from attnmel.data.preprocess.hashes import content_hashes
from attnmel.errors import ArchiveError, AttnmelError, ConfigError, ImageError, PredictionsError
from attnmel.evaluation.maps.attention_overlap import Overlap
from attnmel.files.folders import RunFolder
from attnmel.files.locks import Owner
from attnmel.pipeline.run.images.dataset import prepare
from attnmel.pipeline.run.images.normalisation import training_statistics
from attnmel.pipeline.run.results.results import read_measures
from attnmel.pipeline.run.training.history import read_history
from attnmel.pipeline.study.analysis.read_study import read_study
from attnmel.pipeline.study.machines import machine_output
from attnmel.progress import SILENT
from attnmel.records import Lesion, Predictions
from attnmel.saliency.map_files import read_levels

if TYPE_CHECKING:
    from tests.conftest import Phantoms

FUSION = """
name = "a/b"
title = "t"
[data]
dataset = "isic2018"
classes = ["MEL", "NV"]
positives = ["MEL"]
[fusion]
by = "mean"
[[fusion.parts]]
recipe = "isic2018/zhuang"
strange = 1
[[fusion.parts]]
recipe = "isic2018/zhuang"
"""


def test_an_unknown_key_in_a_list_of_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(FUSION)
    with pytest.raises(ConfigError, match=r"unknown key 'fusion\.parts\.0\.strange'; known: .*recipe, set"):
        load_run_recipe(str(tmp_path / "r.toml"))


ADDRESS = "http://127.0.0.1:9/a.zip"


@pytest.mark.parametrize(
    "note", [b"{", b"\xff", b"[]", b"null", b"{}", b"[" * 100_000, b"9" * 6000, b'{"address": "%s", "size": "x"}']
)
def test_a_damaged_note_of_a_download_means_that_the_file_comes_again(
    note: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = tmp_path / "a.zip"
    came.write_bytes(b"abc")
    came.with_name("a.zip.json").write_bytes(note.replace(b"%s", ADDRESS.encode()))
    monkeypatch.setattr(fetch, "download", lambda *given, **named: fetch.Downloaded(3, "0" * 64))
    assert fetch._brought(ADDRESS, came, SILENT) == fetch.Downloaded(3, "0" * 64)


def test_a_record_of_archives_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "phantoms"
    folder.mkdir(parents=True)
    state = dict.fromkeys(("address", "size", "sha256", "found", "expected", "status"), 0)
    (folder / "archives.json").write_text(json.dumps({"archives": [{"name": {}, **state}]}))
    with pytest.raises(ArchiveError, match=r"archives\.json is damaged; delete the folder .* and fetch again"):
        fetch.archive_states("phantoms", tmp_path)


def test_a_row_of_a_machine_with_fewer_cells(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("image,probability\na\n")
    lesions = [Lesion(image_id="a", image=Path("a.png"), diagnosis=None, split=None)]
    with pytest.raises(ConfigError, match=r"m\.csv, line 2: found fewer cells than columns"):
        machine_output(str(tmp_path / "m.csv"), lesions, {"melanoma": True})


def test_a_table_of_overlaps_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(b"image,group,jaccard_pool3\n\xff\n")
    with pytest.raises(PredictionsError, match=r"o\.csv is no table of text; run `attnmel evaluate RUN` again"):
        Overlap.read(tmp_path / "o.csv")


def test_a_number_that_no_float_holds(trained: RunFolder, tmp_path: Path) -> None:
    text = trained.measures.read_text()
    number = next(word for word in text.replace(",", " ").split() if word.startswith("0."))
    (tmp_path / "measures.json").write_text(text.replace(number, "1" + "0" * 400, 1))
    with pytest.raises(PredictionsError, match=r"measures\.json is damaged or of another version"):
        read_measures(RunFolder(tmp_path))


def _changed(archive: bytes, kind: str) -> bytes:
    central, changed = archive.index(b"PK\x01\x02"), bytearray(archive)
    if kind == "encrypted":
        changed[central + 8] |= 0x40  # "strong encryption" in the flags
    elif kind == "version":
        changed[central + 6] = 255  # needed to extract
    else:
        changed[central + 10] = 99  # compression
        changed[8] = 99
    return bytes(changed)


@pytest.mark.parametrize("kind", ["encrypted", "version", "compression"])
def test_maps_in_a_zip_of_a_kind_that_is_not_read(kind: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("image.npy", "w") as member:
        np.lib.format.write_array(member, np.array(["a"]), allow_pickle=False)
    (tmp_path / "maps.npz").write_bytes(_changed(file.getvalue(), kind))
    with pytest.raises(PredictionsError, match="missing or damaged; run `attnmel explain RUN --split` again"):
        list(read_levels(tmp_path / "maps.npz", ["a"]))


@pytest.mark.parametrize("began", ["yesterday", "2026-11-29", {"a": 1}, 5, None])
def test_the_owner_of_a_lock_whose_text_is_damaged_is_not_known(began: object) -> None:
    text = json.dumps({**Owner.this().__dict__, "began": began}).encode()
    assert Owner.read(text) is None
    assert Owner.read(b"[" * 100_000) is None


@pytest.mark.parametrize("row", [{}, [], [1], "x", None])
def test_a_damaged_memory_of_hashes_is_made_anew(row: object, tmp_path: Path) -> None:
    image, memory = tmp_path / "a.png", tmp_path / "hashes.json"
    image.write_bytes(b"x")
    memory.write_text(json.dumps({str(image): row}))
    (found,) = content_hashes([image], memory=memory, workers=1).values()
    assert len(found) == 64


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"mean": [1]}', "[" * 100_000, '{"mean": "x", "std": {}}'])
def test_damaged_statistics_of_the_cache_are_computed_anew(text: str, phantoms: "Phantoms") -> None:
    data = load_recipe("demo", TINY).data
    prepared = prepare(data, home=phantoms.home)
    expected = training_statistics(data, prepared)
    (stored,) = prepared.cache.path.glob("statistics-*.json")
    whole = stored.read_bytes()
    stored.write_text(text)
    assert training_statistics(data, prepared) == expected
    assert stored.read_bytes() == whole


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("bits", [17, 64, 255])
def test_a_png_that_says_to_use_more_bits_than_it_has_is_read_as_one_that_says_nothing(
    bits: int, tmp_path: Path
) -> None:
    deep = Image.fromarray(np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16))
    file = io.BytesIO()
    deep.save(file, "PNG")
    plain = file.getvalue()
    (tmp_path / "plain.png").write_bytes(plain)
    (tmp_path / "odd.png").write_bytes(plain[:33] + _chunk(b"sBIT", bytes([bits])) + plain[33:])
    plain_pixels, odd_pixels = (np.asarray(read_image(tmp_path / name).pixels) for name in ("plain.png", "odd.png"))
    np.testing.assert_array_equal(plain_pixels, odd_pixels)


def test_a_webp_with_an_enormous_canvas(tmp_path: Path) -> None:
    canvas = (2**24 - 1).to_bytes(3, "little") * 2
    content = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas + b"VP8 " + bytes(40)
    (tmp_path / "w.webp").write_bytes(b"RIFF" + struct.pack("<I", len(content)) + content)
    with pytest.raises(ImageError, match=r"w\.webp (has more than the 100,000,000 pixels|is truncated or damaged)"):
        read_image(tmp_path / "w.webp")


Read = Callable[[Path], object]
READERS: dict[str, tuple[str, Read]] = {
    "predictions": ("image,label,group,probability_rest,probability_melanoma\na,rest,a,0.5,0.5\n", Predictions.read),
    "history": ("epoch,learning_rate,loss\n1,0.1,0.5\n", read_history),
    "readings": ("reader,case,modality,score,truth\nr,a,alone,1,1\nr,b,alone,0,0\n", read_study),
    "recipe": ("name = 'a'\n[data]\nsize = 32\n", lambda path: load_run_recipe(str(path))),
}


@pytest.mark.parametrize("name", READERS)
def test_any_text_in_the_place_of_a_part_of_a_file(name: str, tmp_path: Path) -> None:
    whole, read = READERS[name]
    path = tmp_path / f"f.{'toml' if name == 'recipe' else 'csv'}"

    @settings(max_examples=25, deadline=None, database=None)
    @given(st.binary(max_size=12), st.integers(0, len(whole)), st.integers(0, 6))
    def check(middle: bytes, at: int, length: int) -> None:
        content = whole.encode()
        path.write_bytes(content[:at] + middle + content[at + length :])
        with suppress(AttnmelError):  # anything else is a traceback
            read(path)

    check()
