"""Types and shapes are checked in every test, though not at every call."""

import jaxtyping
import numpy as np
import pytest

from attnmel.data.preprocess.images import normalised

HALF = (0.5, 0.5, 0.5)


@pytest.mark.parametrize("test", ["first", "second"])
def test_a_wrong_shape_is_refused_whatever_was_called_in_tests_before(test: str) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        normalised(np.zeros((4, 4, 1), np.uint8), HALF, HALF)
    for _ in range(100):
        assert normalised(np.zeros((4, 4, 3), np.uint8), HALF, HALF).shape == (3, 4, 4)
