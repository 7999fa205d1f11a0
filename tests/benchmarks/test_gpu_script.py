"""The script for a lent GPU: what it refuses, what its table computes, and that a rehearsal leaves whole lines."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SCRIPT = PROJECT / "benchmarks" / "gpu" / "gpu.sh"


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))


def script(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    return subprocess.run(["bash", str(SCRIPT), *words], env=environment, capture_output=True, text=True, check=False)


def test_without_a_stage_it_says_how_it_is_used_and_does_nothing() -> None:
    done = script()
    assert done.returncode == 2
    assert "gpu.sh rows  [--budget S]" in done.stdout


def test_nothing_is_packed_from_a_folder_that_is_no_mirror(tmp_path: Path) -> None:
    done = script("pack", str(tmp_path), str(SCRIPT))
    assert done.returncode == 2
    assert done.stderr == f"gpu.sh: {tmp_path} holds no folder 2017 with the files of ISIC 2017\n"


def test_the_table_divides_by_the_peak_of_its_device_and_by_the_plain_script_of_its_batch() -> None:
    row = {"way": "as it is", "precision": "bf16", "range": [1, 1], "once": 1.5, "operations": 1e11, "memory": 2e9}
    lines = [
        {"device": "X", "torch": "2", "product": 8, "peak": 8e14, "sheet": 1e15, "bandwidth": 3e12},
        {**row, "side": "program", "batch": 32, "images_a_second": 4000},
        {**row, "side": "plain", "way": "JPEG files", "batch": 32, "images_a_second": 800},
        {"group": "graphed", "error": "a trace\nRuntimeError: no"},
    ]
    table = import_module("gpu_summary").rate_table(lines, toy=False)
    cells = [line.strip("| ").split(" | ") for line in table if line.startswith("| program")]
    assert [one[5:] for one in cells] == [["400", "50%", "40%", "5.00", "1.5", "2.0"]]
    assert "* Failed: graphed: RuntimeError: no" in table


def test_the_h200_and_the_pcie_card_have_their_own_data_sheets() -> None:
    sheet_peak = import_module("gpu_cases").sheet_peak
    assert sheet_peak("NVIDIA H200") == sheet_peak("NVIDIA H100 80GB HBM3") == pytest.approx(989.4e12)
    assert sheet_peak("NVIDIA H100 PCIe") == pytest.approx(756.5e12)
    assert sheet_peak("another") is None


def test_files_are_taken_until_the_next_would_be_too_much(tmp_path: Path) -> None:
    within = import_module("gpu_rows").within
    paths = [tmp_path / name for name in "abc"]
    for path, size in zip(paths, (3, 4, 9), strict=True):
        path.write_bytes(b"x" * size)
    assert list(within(7, [tmp_path / "absent", *paths])) == paths[:2]


def test_a_row_of_a_rehearsal_lies_under_the_name_of_its_data_set(tmp_path: Path) -> None:
    run_of = import_module("gpu_rows").run_of
    assert run_of("vgg16", tmp_path).path == tmp_path / "runs" / "isic2017" / "vgg16" / "seed-0"
    (tmp_path / "runs" / "phantoms" / "vgg16" / "seed-0").mkdir(parents=True)
    assert run_of("vgg16", tmp_path).path == tmp_path / "runs" / "phantoms" / "vgg16" / "seed-0"


def test_a_missing_package_is_named_and_one_inside_another_is_not() -> None:
    is_missing = import_module("gpu_check").is_missing
    assert is_missing("no-such-package")
    assert not is_missing("lightning-fabric")


@pytest.mark.slow
def test_a_rehearsal_on_the_cpu_measures_program_and_plain_script(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT.parent / "gpu_rate.py"), "--out", str(tmp_path), "--toy"]
    for group in ("program", "plain"):
        subprocess.run([*command, "--group", group], check=True, timeout=500)
    lines = [json.loads(line) for line in (tmp_path / "rate.jsonl").read_text("utf-8").splitlines()]
    assert [(one["side"], one["way"]) for one in lines] == [
        ("program", "as it is"),
        ("program", "as it is"),
        ("plain", "JPEG files"),
        ("plain", "images there already"),
    ]
    assert all(one["images_a_second"] > 0 for one in lines)
