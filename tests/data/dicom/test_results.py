"""A result as DICOM takes the place of an earlier one, and of nothing else."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
pytest.importorskip("highdicom")

from pydicom import uid
from tests.strangers.images.make_dicom import PICTURE, dermoscopy, write

from attnmel.data.dicom import results as written_results
from attnmel.data.dicom.results import Results, write_capture, write_maps, write_mask
from attnmel.errors import ConfigError


def test_results_of_several_threads_have_numbers_of_their_own_in_one_series(monkeypatch: pytest.MonkeyPatch) -> None:
    results, made = Results("lesion classification"), written_results.UID

    def slow() -> written_results.UID:
        time.sleep(0.02)
        return made()

    monkeypatch.setattr(written_results, "UID", slow)
    with ThreadPoolExecutor(4) as threads:
        placed = list(threads.map(lambda _: results.placed("1.2.3"), range(8)))
    assert sorted(one["instance_number"] for one in placed) == list(range(1, 9))
    assert len({one["series_instance_uid"] for one in placed}) == 1


def test_a_photograph_of_a_result_s_name_is_not_replaced_and_an_earlier_result_is(tmp_path: Path) -> None:
    source, other = tmp_path / "scan.dcm", tmp_path / "scan-result.dcm"
    for path in (source, other):
        write(path, dermoscopy(), PICTURE.tobytes(), uid.ExplicitVRLittleEndian)
    before, results, plane = other.read_bytes(), Results("lesion classification"), np.zeros(PICTURE.shape[:2])
    for written in (
        lambda path: write_capture(path, source, PICTURE, results, "image"),
        lambda path: write_mask(path, source, plane > 0, results),
        lambda path: write_maps(path, source, {"pool3": plane.astype(np.float32)}, results, "attention"),
    ):
        with pytest.raises(ConfigError, match=r"scan-result\.dcm was not written by attnmel, so it is not replaced"):
            written(other)
        assert other.read_bytes() == before
        for _ in range(2):
            written(tmp_path / "own.dcm")
