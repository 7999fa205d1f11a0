"""Statistics of studies with images: measures, differences and studies of readers, with intervals; no torch.

They take plain arrays, lists and pandas columns, and can be used without the rest of the package. Columns are given
themselves, or by their names with `data=FRAME`:

    from attnmel import statistics

    statistics.auc(frame.melanoma, frame.score, frame.patient)
    statistics.auc("melanoma", "score", "patient", data=frame)

Results have `to_dict()` and, where pandas is installed, `to_frame()`; the rows of `power` have `as_dict()`, and `holm`
returns numbers. docs/reference/evaluation.md defines every measure, interval and test; docs/how-to/python.md shows
examples.
"""

from attnmel.statistics.paired import Compared, Difference, McNemar, auc_difference, compare, holm, mcnemar
from attnmel.statistics.readers import ReaderStudy, power, readers
from attnmel.statistics.single import Measures, Value, auc, measures, proportion, stratified_interval

__all__ = [
    "Compared",
    "Difference",
    "McNemar",
    "Measures",
    "ReaderStudy",
    "Value",
    "auc",
    "auc_difference",
    "compare",
    "holm",
    "mcnemar",
    "measures",
    "power",
    "proportion",
    "readers",
    "stratified_interval",
]
