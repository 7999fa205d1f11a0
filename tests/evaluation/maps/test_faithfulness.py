import numpy as np
import pytest

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.faithfulness import Probabilities, curve_area, faithfulness


def test_areas_are_of_trapezoids_over_zero_to_one() -> None:
    curves = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.2, 0.4, 0.6]])
    assert curve_area(curves) == pytest.approx([1, 0.25, 0.4])
    with pytest.raises(PredictionsError, match="a curve of 1 stages has no area"):
        curve_area(curves[:, :1])


def test_an_area_of_nothing_is_neither_sufficient_nor_comprehensive() -> None:
    areas = np.zeros((2, 4, 4), dtype=bool)
    areas[0, :2] = True
    of_image = np.array([0.9, 0.9])
    found = faithfulness(
        Probabilities(np.ones((2, 3)), np.zeros((2, 3)), of_image, of_image - 0.1, of_image - 0.6), areas
    )
    assert found["sufficiency"] == pytest.approx([0.1, np.nan], nan_ok=True)
    assert found["comprehensiveness"] == pytest.approx([0.6, np.nan], nan_ok=True)
    assert found["area"].tolist() == [0.5, 0]
    assert (found["deletion"].tolist(), found["insertion"].tolist()) == ([1, 1], [0, 0])
