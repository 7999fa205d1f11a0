"""The tree of diagnoses of the ISIC Archive -> the diagnoses of ISIC 2019. No torch.

The tree is that of the package isic-metadata (`diagnosis_1` to `diagnosis_5`, from "Benign", "Indeterminate" or
"Malignant" to the kind); docs/training/data.md has this table in words.
"""

from collections.abc import Mapping, Sequence

OTHER_BENIGN, OTHER_MALIGNANT = "other benign", "other malignant"
BENIGN, MALIGNANT, INDETERMINATE = "benign", "malignant", "indeterminate"
FIRST_LEVEL = (BENIGN, INDETERMINATE, MALIGNANT)

_EPIDERMAL = (BENIGN, "benign epidermal proliferations")
_CARCINOMAS = (MALIGNANT, "malignant epidermal proliferations")

BRANCHES: Mapping[tuple[str, ...], str] = {
    (MALIGNANT, "malignant melanocytic proliferations (melanoma)"): "MEL",
    (BENIGN, "benign melanocytic proliferations", "nevus"): "NV",
    (MALIGNANT, "malignant adnexal epithelial proliferations - follicular", "basal cell carcinoma"): "BCC",
    (INDETERMINATE, "indeterminate epidermal proliferations", "solar or actinic keratosis"): "AK",
    (*_CARCINOMAS, "squamous cell carcinoma in situ"): "SCC",
    (*_CARCINOMAS, "squamous cell carcinoma, invasive"): "SCC",
    (*_CARCINOMAS, "squamous cell carcinoma, nos"): "SCC",
    (*_CARCINOMAS, "keratoacanthoma"): "SCC",
    (*_EPIDERMAL, "seborrheic keratosis"): "BKL",
    (*_EPIDERMAL, "solar lentigo"): "BKL",
    (*_EPIDERMAL, "lichen planus like keratosis"): "BKL",
    (*_EPIDERMAL, "pigmented benign keratosis"): "BKL",
    (BENIGN, "benign soft tissue proliferations - fibro-histiocytic", "dermatofibroma"): "DF",
    (BENIGN, "benign soft tissue proliferations - vascular"): "VASC",
    (BENIGN, "hemorrhagic lesions"): "VASC",
    (BENIGN,): OTHER_BENIGN,
    (MALIGNANT, "collision - at least one malignant proliferation"): "",
    (MALIGNANT,): OTHER_MALIGNANT,
}
"""By the first levels of a branch, in small letters, of which the longest that fits counts; "" for one that may or may
not be a melanoma."""


def diagnosis_of(levels: Sequence[str]) -> tuple[str, str]:
    """Return the diagnosis of the levels of a row, "" where it is not known, and then why."""
    path = tuple(level.casefold() for level in levels)
    path = path[: path.index("")] if "" in path else path
    if not path:
        return "", "no diagnosis"
    if path[0] not in FIRST_LEVEL:
        return "", f"'{levels[0]}', which is none of {', '.join(name.capitalize() for name in FIRST_LEVEL)}"
    if path == (MALIGNANT,):
        return "", "Malignant of no stated kind"
    fitting = [length for length in range(1, len(path) + 1) if path[:length] in BRANCHES]
    diagnosis = BRANCHES[path[: fitting[-1]]] if fitting else ""
    return diagnosis, "" if diagnosis else " - ".join(levels[: min(2, len(path))])
