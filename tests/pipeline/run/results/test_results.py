"""A run's judgements survive the disk, with notice and licence, and a damaged file is told."""

import json
import math
from pathlib import Path

import pytest

from attnmel import NOTICE
from attnmel.errors import PredictionsError
from attnmel.evaluation.classification.metric_intervals import MetricRow
from attnmel.evaluation.classification.report import ClassificationReport
from attnmel.evaluation.statistics.bootstrap import Interval
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.results.results import SplitResults, add_measures, read_measures


def judged(name: str, value: float = 0.1 + 0.2) -> SplitResults:
    row = MetricRow("melanoma", "auc", value, math.nan, 1.0, 3, 9)
    judgement = ClassificationReport((row,), {"rest": 6, "melanoma": 3}, 9, 9, 2000, 0, ("few images",))
    overlap = {"pool3": Interval(0.5, 0.4, 0.6)}
    return SplitResults(name, "isic2017", None, "test", 4, "CC-0", judgement, overlap, 8, "ISIC 2017 format.")


def test_judgements_read_back_are_equal_and_stand_beside_each_other(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for one in (judged("validation", 0.5), judged("test"), judged("validation", 0.75)):
        add_measures(run, one)
    found = read_measures(run)
    assert list(found) == ["validation", "test"]
    assert found["validation"].judgement.row("melanoma", "auc").value == 0.75
    assert str(found["test"]) == str(judged("test"))


def test_the_file_says_what_it_may_be_used_for(tmp_path: Path) -> None:
    add_measures(RunFolder(tmp_path), judged("test"))
    plain = json.loads(RunFolder(tmp_path).measures.read_text())
    assert (plain["test"]["notice"], plain["test"]["licence"]) == (NOTICE, "CC-0")


def test_the_table_and_the_sentence_hold_figures_counts_and_notes() -> None:
    assert judged("test").table() == [
        ["melanoma", "auc", "0.300", ""],
        ["attention pool3", "jaccard (8 masks)", "0.500", "0.400 - 0.600"],
    ]
    assert judged("test").sentence == (
        "isic2017, test: 9 images (6 rest, 3 melanoma), epoch 4; uncalibrated probabilities\nnote: few images"
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"test": {}}', '{"test": {"judgement": 3, "overlap": {}}}'])
def test_a_damaged_file_is_told(text: str, tmp_path: Path) -> None:
    RunFolder(tmp_path).measures.write_text(text)
    with pytest.raises(
        PredictionsError,
        match=r"measures\.json is damaged or of another version; delete it and run `attnmel evaluate` again",
    ):
        read_measures(RunFolder(tmp_path))
