"""Figures of studies of readers say in words what they draw."""

import numpy as np

from attnmel.evaluation.classification.curves import RocCurve
from attnmel.figures.readers import ForestRow, flows_figure, forest_figure, reader_roc_figure, times_figure

NO = float("nan")


def test_a_forest_plot_has_a_row_for_each_value_and_leaves_out_what_is_not_defined() -> None:
    rows = [ForestRow("ana & <b>", 0.8, 0.7, 0.9), ForestRow("mean", 0.81, NO, NO, mean=True)]
    svg = forest_figure(rows, label="AUC", name="one")
    assert "AUC: ana &amp; &lt;b&gt; 0.800 (0.700 to 0.900); mean 0.810" in svg
    assert svg.count("<svg") == 1
    assert "var(--series-2)" in svg


def test_readers_are_points_on_the_curves() -> None:
    curve = RocCurve(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.9, 1.0]), 0.7)
    points = {"readers, alone": [(0.2, 0.6), (0.3, 0.8)], "readers, none": []}
    svg = reader_roc_figure([("machine", curve)], points, name="roc", machines=[(0.5, 0.9)])
    assert "ROC curves with their areas: machine 0.700; 2 points of readers" in svg


def test_flows_name_each_number_of_answers() -> None:
    counts = {(True, True): 5, (True, False): 2, (False, True): 0, (False, False): 1}
    svg = flows_figure(counts, name="f", title="Answers")
    assert "Answers: 5 right then right, 2 right then wrong, 0 wrong then right, 1 wrong then wrong" in svg
    assert "right 7" in svg
    assert "wrong 3" in svg


def test_times_leave_out_who_was_not_timed() -> None:
    svg = times_figure({"alone": [10.0, NO, 20.0], "machine": [NO]}, name="t")
    assert "Median seconds of the readers: alone 15.0<" in svg
