"""Arrays are checked in every test, though not at every call."""

import jaxtyping
import numpy as np
import pytest

from attnmel.data.preprocess.images import normalised
from attnmel.evaluation.statistics.left_out import sums_without
from attnmel.evaluation.statistics.sampling import Sampling

HALF = (0.5, 0.5, 0.5)


@pytest.mark.parametrize("test", ["first", "second"])
def test_a_wrong_shape_is_refused_whatever_was_called_in_tests_before(test: str) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        normalised(np.zeros((4, 4, 1), np.uint8), HALF, HALF)
    for _ in range(100):
        assert normalised(np.zeros((4, 4, 3), np.uint8), HALF, HALF).shape == (3, 4, 4)


@pytest.mark.parametrize("test", ["first", "second"])
def test_so_is_one_by_a_function_that_is_defined_within_another(test: str) -> None:
    for _ in range(2):
        sums = sums_without(np.zeros((3, 2)), Sampling.of(["a", "b", "c"]))
        assert sums(np.array([0, 2])).shape == (2, 2)
        with pytest.raises(jaxtyping.TypeCheckError, match=r"sums_without.*sums"):
            sums(np.zeros((2, 2), dtype=np.int64))
