"""Branches of the archive's tree become the diagnoses of ISIC 2019; what may be a melanoma or not is left out."""

from pathlib import Path

import pytest
from tests.strangers.datasets.make_sets import TREE

from attnmel.data.datasets.published.archive_diagnoses import BRANCHES, diagnosis_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "training" / "data.md"
MELANOMAS = "Malignant melanocytic proliferations (Melanoma)"


@pytest.mark.parametrize(("diagnosis", "levels"), TREE.items())
def test_every_diagnosis_has_its_branch(diagnosis: str, levels: tuple[str, ...]) -> None:
    assert diagnosis_of([*levels, "", ""]) == (diagnosis, "")
    assert diagnosis_of([level.upper() for level in levels]) == (diagnosis, "")


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (("Malignant", MELANOMAS), ("MEL", "")),
        (("Malignant", MELANOMAS, "Melanoma metastasis"), ("MEL", "")),
        (("Malignant", "Malignant epidermal proliferations", "Verrucous carcinoma"), ("other malignant", "")),
        (("Malignant", "Malignant epidermal proliferations", "Keratoacanthoma"), ("SCC", "")),
        (("Benign", "Benign epidermal proliferations", "Clear cell acanthoma"), ("other benign", "")),
        (("Benign", "Benign melanocytic proliferations", "Lentigo simplex"), ("other benign", "")),
        (("Benign", "Hemorrhagic lesions", "Hemorrhage"), ("VASC", "")),
        (("Benign",), ("other benign", "")),
        ((), ("", "no diagnosis")),
        (("", MELANOMAS), ("", "no diagnosis")),
        (("Malignant",), ("", "Malignant of no stated kind")),
        (
            ("Malignant", "Collision - At least one malignant proliferation"),
            ("", "Malignant - Collision - At least one malignant proliferation"),
        ),
        (("Indeterminate",), ("", "Indeterminate")),
        (
            ("Indeterminate", "Indeterminate epidermal proliferations", "Solar or actinic cheilitis"),
            ("", "Indeterminate - Indeterminate epidermal proliferations"),
        ),
        (("nevus",), ("", "'nevus', which is none of Benign, Indeterminate, Malignant")),
    ],
)
def test_the_longest_branch_counts(levels: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert diagnosis_of(levels) == expected


def test_the_document_has_every_branch() -> None:
    document = DOCUMENT.read_text(encoding="utf-8").casefold()
    assert [path for path in BRANCHES if path[-1] not in document] == []
