"""The metadata tables of ISIC 2019 -> the lesion, age, sex and site of each image. No torch.

training    image,age_approx,anatom_site_general,lesion_id,sex      the lesion of 2,084 images is not known
test        image,age_approx,anatom_site_general,sex
"""

from pathlib import Path

from attnmel.data.tables.labels import AGAIN
from attnmel.data.tables.metadata import AGE, SEX, WORD, Known, known_attributes
from attnmel.data.tables.schema import TEXT, TableSchema, read_table

ATTRIBUTES_2019 = {"age": "age_approx", "sex": "sex", "site": "anatom_site_general"}
TEST_2019 = TableSchema("image", {"age_approx": AGE, "anatom_site_general": WORD, "sex": SEX})
TRAINING_2019 = TableSchema("image", {**TEST_2019.columns, "lesion_id": TEXT})


def read_isic2019_metadata(table: Path) -> Known:
    """Return age, sex and site of the test images of ISIC 2019.

    Raises:
        LabelError: problems of the table, a line each.
    """
    return known_attributes(read_table(table, TEST_2019, AGAIN), ATTRIBUTES_2019)


def read_isic2019_groups(table: Path) -> tuple[dict[str, str], Known]:
    """Return the lesion of each training image of ISIC 2019, where it is known, and its age, sex and site.

    Raises:
        LabelError: problems of the table, a line each.
    """
    checked = read_table(table, TRAINING_2019, AGAIN)
    lesions = zip(checked.ids, map(str, checked.columns["lesion_id"]), strict=True)
    return {image_id: lesion for image_id, lesion in lesions if lesion}, known_attributes(checked, ATTRIBUTES_2019)
