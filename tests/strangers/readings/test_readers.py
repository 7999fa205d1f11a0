"""Files of readings as others write them give the readings that they hold."""

from pathlib import Path

import numpy as np
import pytest
from tests.strangers.readings.make_readers import write_imrmc_variants, write_sequential

from attnmel.evaluation.readers.readings import reader_aucs
from attnmel.pipeline.study.analysis.read_study import read_study


def test_each_way_to_write_an_imrmc_file_holds_the_same_readings(tmp_path: Path) -> None:
    for name, file in write_imrmc_variants(tmp_path).items():
        data = read_study(file)
        assert data.readings.readers == ("1", "2"), name
        assert sorted(data.readings.cases) == list("abcd"), name
        assert reader_aucs(data.readings)[0].tolist() == pytest.approx([0.75, 1]), name
        assert np.isnan(data.readings.scores[0, 1]).sum() == 2, name
        assert data.notes == (), name


@pytest.mark.parametrize(("separator", "comma"), [(";", False), (";", True), ("\t", False), ("\t", True)])
def test_separators_and_decimal_commas_make_no_difference(tmp_path: Path, separator: str, comma: bool) -> None:
    plain = read_study(write_sequential(tmp_path / "plain.csv", cases=10))
    other = read_study(write_sequential(tmp_path / "other.csv", cases=10, separator=separator, comma=comma))
    np.testing.assert_array_equal(plain.readings.scores, other.readings.scores)
    assert plain.seconds is not None
    np.testing.assert_array_equal(plain.seconds, other.seconds)
    assert plain.readings.readers == other.readings.readers
    assert plain.experience == other.experience == {**other.experience, "łukasz": "expert"}
    assert plain.threshold == other.threshold == 50
