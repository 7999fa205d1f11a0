"""A folder of seeds is taken where a run is; where one run is needed, the message names them."""

from pathlib import Path

import pytest

from attnmel.errors import ConfigError
from attnmel.files.seeds import runs_below, runs_in, runs_to_average, single_run


def run_at(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "recipe.toml").touch()
    return path


def test_the_seeds_of_a_recipe_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for seed in (10, 2, 0):
        run_at(tmp_path / f"seed-{seed}")
    (tmp_path / "seed-7").mkdir()
    assert [run.path.name for run in runs_in(tmp_path)] == ["seed-0", "seed-2", "seed-10"]
    assert [run.path for run in runs_in(tmp_path / "seed-2")] == [tmp_path / "seed-2"]
    assert runs_in(tmp_path / "seed-7") == ()


def test_a_folder_of_seeds_or_of_folds_means_their_runs(tmp_path: Path) -> None:
    seeds = [run_at(tmp_path / "seeds" / f"seed-{seed}") for seed in (0, 1)]
    assert [run.path for run in runs_to_average(tmp_path / "seeds")] == seeds
    assert runs_to_average(seeds[0]) == runs_to_average(tmp_path) == runs_to_average(tmp_path / "a.onnx") == ()
    folds = [run_at(tmp_path / "folds" / f"fold-{fold}-of-2" / "seed-0") for fold in (1, 2)]
    assert [run.path for run in runs_to_average(tmp_path / "folds")] == folds


def test_one_seed_is_taken_and_of_several_one_is_to_be_named(tmp_path: Path) -> None:
    first = run_at(tmp_path / "seed-0")
    assert single_run(tmp_path) == first
    assert single_run(tmp_path / "none.onnx") == tmp_path / "none.onnx"
    run_at(tmp_path / "seed-1")
    with pytest.raises(ConfigError, match=r"holds 2 seeds \(seed-0, seed-1\); name one of them, such as .*seed-0$"):
        single_run(tmp_path)


def test_runs_further_down_are_named(tmp_path: Path) -> None:
    run = run_at(tmp_path / "clinic" / "attnmel" / "seed-0")
    assert runs_below(tmp_path) == f"; runs below it: {run}"
    assert runs_below(tmp_path / "other") == ""
