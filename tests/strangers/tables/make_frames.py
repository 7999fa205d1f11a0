"""Tables as pandas users have them: each kind of column for the same six images, whose AUC is 6/9."""

from collections.abc import Callable

import numpy as np
import pandas as pd

TRUTH = [0, 0, 1, 0, 1, 1]
SCORES = [0.1, 0.4, 0.35, 0.3, 0.25, 0.9]
RIGHT = 6 / 9
"""Of nine pairs of a positive and a negative, 0.35 is below one of the negatives, and 0.25 below two."""

WORDS = ["melanoma" if one else "nevus" for one in TRUTH]


def frame(truth: object, scores: object = SCORES) -> pd.DataFrame:
    return pd.DataFrame({"truth": truth, "score": scores})


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "plain": lambda: frame(TRUTH),
    "truth values": lambda: frame([bool(one) for one in TRUTH]),
    "floats": lambda: frame(np.array(TRUTH, dtype=np.float32), np.array(SCORES, dtype=np.float32)),
    "nullable": lambda: frame(pd.array(TRUTH, dtype="Int64"), pd.array(SCORES, dtype="Float64")),
    "nullable truth values": lambda: frame(pd.array([bool(one) for one in TRUTH], dtype="boolean")),
    "objects": lambda: frame(pd.Series(TRUTH, dtype=object), pd.Series(SCORES, dtype=object)),
    "texts of numbers": lambda: frame(TRUTH, [str(one) for one in SCORES]),
    "an index of texts": lambda: frame(TRUTH).set_axis(list("abcdef")),
    "filtered": lambda: pd.concat([frame([1, 0], [0.5, 0.5]), frame(TRUTH)]).reset_index(drop=True).iloc[2:],
}
NAMED: dict[str, Callable[[], pd.DataFrame]] = {
    "words": lambda: frame(WORDS),
    "categories": lambda: frame(pd.Categorical(WORDS)),
    "categories of integers": lambda: frame(pd.Categorical([2 if one else 7 for one in TRUTH])),
}
"""Where the positive one is named: melanoma, or 2."""

HOLES: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "no score": (
        lambda: frame(TRUTH, [None, *SCORES[1:]]),
        "1 of 6 values of score are missing or infinite (rows 0); leave these images out, or predict them",
    ),
    "no nullable score": (
        lambda: frame(TRUTH, pd.array([pd.NA, *SCORES[1:]], dtype="Float64")),
        "1 of 6 values of score are missing or infinite (rows 0); leave these images out, or predict them",
    ),
    "no truth": (
        lambda: frame([None, *TRUTH[1:]]),
        "1 of 6 values of truth are missing (rows 0); leave these images out, or label them",
    ),
    "no nullable truth": (
        lambda: frame(pd.array([pd.NA, *TRUTH[1:]], dtype="Int64")),
        "1 of 6 values of truth are missing (rows 0); leave these images out, or label them",
    ),
    "decimal commas": (
        lambda: frame(TRUTH, ["0,1", "0,4", "0,3", "0,3", "0,2", "0,9"]),
        "score holds what is no number ('0,1', '0,4' and 4 more); expected numbers",
    ),
    "grades as truth": (
        lambda: frame([0, 1, 2, 0, 1, 2]),
        "truth holds 0, 1, 2; expected 0 and 1, or name the positive one, as positive='melanoma'",
    ),
}
