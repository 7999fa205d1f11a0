"""Tables of metadata -> attributes of each image, by the names of `ATTRIBUTES`. No torch."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.tables.labels import AGAIN, LABEL_SCHEMAS
from attnmel.data.tables.schema import TEXT, CellKind, TableSchema, read_official_table
from attnmel.data.tables.words import OLDEST, age_in_words, sex_in_words, word

METADATA_ENDING = "_metadata.csv"
"""Of the table that lies among the images of ISIC 2017."""

COLLECTION = "dataset"
"""A column that the edition of Harvard Dataverse has and others lack: the clinic an image is from."""

CONFIRMATIONS = {
    "histo": "histopathology",
    "histopathology": "histopathology",
    "follow_up": "follow-up",
    "serial imaging showing no change": "follow-up",
    "consensus": "consensus",
    "single image expert consensus": "consensus",
    "confocal": "confocal",
    "confocal microscopy with consensus dermoscopy": "confocal",
}
"""The two tables of HAM10000 name the same four ways differently."""

Known = dict[str, dict[str, str]]
"""By image id and name of the attribute; what is not known is left out."""


def _sex(value: str) -> str | None:
    return sex if (sex := sex_in_words(value)) in ("", "female", "male") else None


def _confirmation(value: str) -> str | None:
    return CONFIRMATIONS.get(word(value)) if word(value) else ""


AGE = CellKind(f"an age of 0 to {OLDEST} years, or unknown", age_in_words)
SEX = CellKind("female, male or unknown", _sex)
CONFIRMATION = CellKind("a known way of confirmation, or unknown", _confirmation)
WORD = CellKind("text", word)
LESION = CellKind("a lesion_id", lambda cell: cell or None)


@dataclass(frozen=True)
class MetadataTable:
    """A table of metadata and what is read of it."""

    schema: TableSchema
    attributes: Mapping[str, str]
    """Column of each attribute; one that the table lacks is not known of any image."""
    group: str = ""
    """Column of the lesion or patient."""

    def read(self, table: Path) -> Known:
        """Return the attributes of each image, as far as its cells are known."""
        return self.read_groups(table)[1]

    def read_groups(self, table: Path) -> tuple[dict[str, str], Known]:
        """Return the lesion or patient of each image, where it is known, and the attributes."""
        checked = read_official_table(table, self.schema, AGAIN)
        rows = [dict(zip(checked.columns, cells, strict=True)) for cells in zip(*checked.columns.values(), strict=True)]
        known: Known = {
            image_id: {name: str(row[column]) for name, column in self.attributes.items() if row.get(column)}
            for image_id, row in zip(checked.ids, rows, strict=True)
        }
        groups = zip(checked.ids, rows, strict=True) if self.group else ()
        return {image_id: str(row[self.group]) for image_id, row in groups if row[self.group]}, known


METADATA_2017 = MetadataTable(
    TableSchema("image_id", {"age_approximate": AGE, "sex": SEX}), {"age": "age_approximate", "sex": "sex"}
)
HAM10000 = MetadataTable(
    TableSchema(
        "image_id",
        {"lesion_id": TEXT, "dx": TEXT, "dx_type": CONFIRMATION, "age": AGE, "sex": SEX, "localization": WORD},
        optional={COLLECTION: WORD},
    ),
    {"age": "age", "sex": "sex", "site": "localization", "confirmation": "dx_type", "source": COLLECTION},
)
LESION_GROUPS = MetadataTable(
    TableSchema("image", {"lesion_id": LESION, "diagnosis_confirm_type": CONFIRMATION}),
    {"confirmation": "diagnosis_confirm_type"},
    group="lesion_id",
)
_TEST_2019 = TableSchema("image", {"age_approx": AGE, "anatom_site_general": WORD, "sex": SEX})
_OF_2019 = {"age": "age_approx", "sex": "sex", "site": "anatom_site_general"}
TEST_2019 = MetadataTable(_TEST_2019, _OF_2019)
TRAINING_2019 = MetadataTable(TableSchema("image", {**_TEST_2019.columns, "lesion_id": TEXT}), _OF_2019, "lesion_id")
"""The lesion of 2,084 of its images is not known."""
_SITE_2020 = "anatom_site_general_challenge"
TRAINING_2020 = MetadataTable(
    dataclasses.replace(
        LABEL_SCHEMAS[2020], optional={**LABEL_SCHEMAS[2020].optional, "sex": SEX, "age_approx": AGE, _SITE_2020: WORD}
    ),
    {"age": "age_approx", "sex": "sex", "site": _SITE_2020},
    group="patient_id",
)
"""The same file as the labels."""
