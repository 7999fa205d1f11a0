"""Official tables of labels -> the diagnosis of every image, one schema a year. No torch.

ISIC 2016 part 3    image,benign|malignant or image,0.0|1.0     no header
ISIC 2017 part 3    image_id,melanoma,seborrheic_keratosis      0 or 1, not both 1
ISIC 2018 task 3    image,MEL,NV,BCC,AKIEC,BKL,DF,VASC          one of them 1
ISIC 2019           image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK     one of them 1; UNK in test images alone
ISIC 2020           image_name,...,diagnosis,benign_malignant   in `isic2020`

The tables of test images may also have the weights of the images, as ISIC 2018 published them.
"""

from pathlib import Path

from attnmel.data.tables.schema import MALIGNANCY, TEXT, TRUTH, WEIGHT, TableSchema, read_official_table

AGAIN = "Correct the table, or delete it and run `attnmel fetch` again."

BENIGN, MALIGNANT = "benign", "malignant"
MELANOMA = "melanoma"
SEBORRHEIC_KERATOSIS = "seborrheic_keratosis"
NEVUS = "nevus"
DIAGNOSES_2017 = (MELANOMA, SEBORRHEIC_KERATOSIS)
DIAGNOSES_2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
DIAGNOSES_2019 = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")

SCORE_WEIGHT = "score_weight"
WEIGHTS = {SCORE_WEIGHT: WEIGHT, "validation_weight": WEIGHT}
"""Columns of image weights; only the first counts for the score."""

LABEL_SCHEMAS: dict[int, TableSchema] = {
    2016: TableSchema("image", {"diagnosis": MALIGNANCY}, header=False),
    2017: TableSchema("image_id", dict.fromkeys(DIAGNOSES_2017, TRUTH), optional=WEIGHTS, ones=(0, 1)),
    2018: TableSchema("image", dict.fromkeys(DIAGNOSES_2018, TRUTH), optional=WEIGHTS, ones=(1, 1)),
    2019: TableSchema("image", dict.fromkeys(DIAGNOSES_2019, TRUTH), optional=WEIGHTS, ones=(1, 1)),
    2020: TableSchema(
        "image_name",
        {"patient_id": TEXT, "diagnosis": TEXT, "benign_malignant": MALIGNANCY},
        optional=dict.fromkeys(("lesion_id", "sex", "age_approx", "anatom_site_general_challenge"), TEXT)
        | {"target": TRUTH},
    ),
}
"""By the year of the challenge."""


_OTHERWISE = {2016: BENIGN, 2017: NEVUS}
"""Diagnosis of a row without a 1."""


def read_labels(table: Path, year: int) -> dict[str, str]:
    """Return the diagnosis of every image by its id, of a table of ISIC 2016, 2017, 2018 or 2019."""
    schema = LABEL_SCHEMAS[year]
    labels = read_official_table(table, schema, AGAIN)
    columns = tuple(schema.columns)
    names = (MALIGNANT,) if year == 2016 else columns
    marked = labels.values(columns) == 1
    found = (names[row.argmax()] if row.any() else _OTHERWISE[year] for row in marked)
    return dict(zip(labels.ids, found, strict=True))
