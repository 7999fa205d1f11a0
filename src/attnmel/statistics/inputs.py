"""Arrays, lists, and columns of pandas frames -> checked numpy arrays of one length.

A text names a column of the frame (or mapping of columns) `data`; anything else is the column itself.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from attnmel.errors import PredictionsError, listed, require_known
from attnmel.files.data_frames import is_missing

Column = Any
"""A sequence of N values (list, array, pandas Series), or the name of a column of `data`."""

Data = Mapping[str, Any] | Any
"""A pandas DataFrame, or a mapping of names to columns."""

YES_NO = (0, 1)

DATES_AND_COMPLEX = "mMc"
"""Kinds of numpy that can be made numbers, but are no scores."""


class Columns:
    """The columns of one call, all of the length, and of pandas all of the index, of the first one.

    Raises:
        PredictionsError: `data` has no columns.
    """

    def __init__(self, data: Data | None = None) -> None:
        if data is not None and not (isinstance(data, Mapping) or hasattr(data, "columns")):
            raise PredictionsError(
                f"data is a value of the type {type(data).__name__}; expected a frame of pandas, or a mapping of names "
                "to columns"
            )
        self._data = data
        self._first: tuple[str, int] | None = None
        self._index: tuple[str, Any] | None = None

    def values(self, what: str, column: Column) -> np.ndarray:
        """Return a column as an array of one dimension.

        Raises:
            PredictionsError: no such column, another length or another index than the first one, or no value.
        """
        found = self._found(what, column)
        self._check_index(what, found)
        try:
            values = np.asarray(found)
        except ValueError:  # rows of unequal length
            raise PredictionsError(f"{what} holds lists; expected one value for each image") from None
        if values.ndim != 1:
            raise PredictionsError(f"{what} has the shape {values.shape}; expected one value for each image")
        if values.dtype == object and any(isinstance(one, list | tuple | set | dict | np.ndarray) for one in values):
            raise PredictionsError(f"{what} holds lists; expected one value for each image")
        self._check_length(what, len(values))
        return values

    def scores(self, what: str, column: Column) -> Float[np.ndarray, " N"]:
        """Return a column of finite numbers.

        Raises:
            PredictionsError: as `values`, or a value that is no finite number; names the first places.
        """
        values = self.values(what, column)
        if values.dtype == object:  # as pandas gives its nullable columns
            values = np.array([np.nan if is_missing(one) else one for one in values.tolist()], dtype=object)
        try:
            if values.dtype.kind in DATES_AND_COMPLEX:
                raise TypeError
            numbers = values.astype(np.float64)
        except (TypeError, ValueError):
            raise PredictionsError(
                f"{what} holds what is no number ({listed(map(repr, values.tolist()), 2)}); expected numbers"
            ) from None
        if bad := np.flatnonzero(~np.isfinite(numbers)).tolist():
            raise PredictionsError(
                f"{len(bad)} of {len(numbers)} values of {what} are missing or infinite (rows "
                f"{listed(map(str, bad))}); leave these images out, or predict them"
            )
        return numbers

    def truth(self, what: str, column: Column, positive: object = None) -> Bool[np.ndarray, " N"]:
        """Return which images are positive: those equal to `positive`; without it those that are 1 or True.

        Raises:
            PredictionsError: as `values`, a missing value, others than 0 and 1 without `positive`, or a positive one
                that does not occur.
        """
        values = self.values(what, column)
        if empty := [row for row, one in enumerate(values.tolist()) if is_missing(one)]:
            raise PredictionsError(
                f"{len(empty)} of {len(values)} values of {what} are missing (rows {listed(map(str, empty))}); leave "
                "these images out, or label them"
            )
        known = sorted({str(one) for one in values.tolist()})
        if positive is not None:
            found = np.asarray([one == positive for one in values.tolist()])
            if found.ndim != 1 or not found.any():
                raise PredictionsError(f"no value of {what} is {positive!r}; there are: {listed(known)}")
            return found
        if not set(values.tolist()) <= set(YES_NO):  # True and 1.0 are 1, too
            raise PredictionsError(
                f"{what} holds {listed(known)}; expected 0 and 1, or name the positive one, as positive='melanoma'"
            )
        return values.astype(bool)

    def names(self, what: str, column: Column) -> list[str]:
        """Return a column as text.

        Raises:
            PredictionsError: as `values`, or a missing value; names the first places.
        """
        values = self.values(what, column).tolist()
        if empty := [row for row, one in enumerate(values) if is_missing(one)]:
            raise PredictionsError(
                f"{len(empty)} of {len(values)} values of {what} are missing (rows {listed(map(str, empty))}); name "
                f"the {what} of each, or leave these rows out"
            )
        return list(map(str, values))

    def groups(self, column: Column | None) -> tuple[str, ...] | None:
        """Return the lesion or patient of each image as text; an image without one is a group of its own.

        Raises:
            PredictionsError: as `values`.
        """
        if column is None:
            return None
        values = self.values("groups", column).tolist()
        return tuple(f"\0{row}" if is_missing(one) else str(one) for row, one in enumerate(values))

    def _found(self, what: str, column: Column) -> Any:  # noqa: ANN401 - whatever numpy takes
        if not isinstance(column, str):
            return column
        if self._data is None:
            raise PredictionsError(f"{what} is the name '{column}', but no data is given; add data=FRAME")
        require_known("column", column, [str(name) for name in self._data])
        return self._data[column]

    def _check_length(self, what: str, length: int) -> None:
        self._first = self._first or (what, length)
        first, expected = self._first
        if length != expected:
            raise PredictionsError(f"{what} has {length} values and {first} {expected}; expected one for each image")
        if not length:
            raise PredictionsError(f"{what} is empty; expected one value for each image")

    def _check_index(self, what: str, found: Any) -> None:  # noqa: ANN401
        """Refuse Series of another order: taken row by row, other images would be joined."""
        index = getattr(found, "index", None)
        if index is None or callable(index):  # a list has a method of that name
            return
        self._index = self._index or (what, index)
        first, expected = self._index
        if not index.equals(expected):
            raise PredictionsError(
                f"the index of {what} is not that of {first}, so rows would belong to different images; align them "
                f"first, as by {what}.reindex({first}.index)"
            )
