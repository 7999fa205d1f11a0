"""Readings in every usual form are read as the same ones; what cannot be read is said with its line."""

from pathlib import Path

import pytest
from tests.strangers.readings.make_study import BROKEN, READABLE, SCORES, TRUTH, BrokenReadings, StrangeReadings, write

from attnmel.errors import ReadingsError
from attnmel.evaluation.readers.readings import reader_aucs
from attnmel.pipeline.study.analysis.read_study import read_study


@pytest.mark.parametrize("strange", READABLE, ids=lambda one: one.name)
def test_each_form_holds_the_same_readings(strange: StrangeReadings, tmp_path: Path) -> None:
    if strange.beside is not None:
        (tmp_path / strange.beside[0]).write_bytes(strange.beside[1])
    data = read_study(write(tmp_path, strange.name, strange.content))
    readings = data.readings
    assert (readings.readers, dict(zip(readings.cases, readings.diseased.tolist(), strict=True))) == (
        ("ana", "ben"),
        {case: bool(value) for case, value in TRUTH.items()},
    )
    alone, aided = (readings.modality(name) for name in strange.modalities)
    for (reader, modality), scores in SCORES.items():
        place = (alone if modality == "alone" else aided), readings.readers.index(reader)
        assert [readings.scores[place][readings.cases.index(case)] for case in TRUTH] == list(scores)
    aucs = reader_aucs(readings)
    assert (aucs[alone, 0], aucs[alone, 1], aucs[aided, 0]) == (0.75, 0.875, 1)
    assert not readings.present[aided, 1]
    assert data.notes == strange.notes


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_what_cannot_be_read_is_said_with_its_line(broken: BrokenReadings, tmp_path: Path) -> None:
    with pytest.raises(ReadingsError) as caught:
        read_study(write(tmp_path, broken.name, broken.content))
    assert str(caught.value) == f"readings.csv, {broken.sentence}"


def test_names_that_differ_in_capital_letters_only_are_noted(tmp_path: Path) -> None:
    rows = "Ana,a,alone,1,0\nAna,b,Alone,2,1\nana,a,alone,3,0\n"
    data = read_study(write(tmp_path, "names", f"reader,case,modality,score,truth\n{rows}".encode()))
    assert data.notes == (
        "the readers 'Ana' and 'ana' differ in capital letters only, and count as two",
        "the modalities 'Alone' and 'alone' differ in capital letters only, and count as two",
    )
