"""Age and sex of the images that are predicted, for models whose scores they change: of a table, or of DICOM files."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from attnmel.data.dicom.frames import file_of, image_id, is_dicom, is_dicom_file
from attnmel.data.image_files.formats import START
from attnmel.data.image_files.picture import NamedBytes
from attnmel.data.tables.age_and_sex import KINDS, looked_up_name, read_age_and_sex
from attnmel.files.checksums import file_sha256
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.table import ImageResult

Known = Mapping[str, str]
"""Age in years and sex, as far as they are known."""


class AgeAndSex:
    """Changes results by the prior of a model's card where age and sex are known; without a prior, none.

    A table is not read for a model that makes no use of it.

    Raises:
        LabelError: no such table, or a cell that is no age or no sex.
    """

    def __init__(self, card: Card, temperature: float | None, table: Path | None) -> None:
        self._prior, self._classes, self._temperature = card.age_sex_prior, card.classes, temperature
        read = table if self.is_used else None
        self._known = {} if read is None else read_age_and_sex(read)
        self.made_with = "" if read is None else file_sha256(read)[:12]
        """Identifies the table; empty without one."""
        self._changed = 0

    @property
    def is_used(self) -> bool:
        """Whether the model has such a prior."""
        return self._prior is not None

    def sentence(self, images: int) -> str:
        """Return how many of the results so far age and sex have changed; empty for a model without such a prior."""
        if self._prior is None:
            return ""
        return f"age and sex were known of {self._changed} of {images} images, and changed their probabilities"

    def of_results(self, source: Path | NamedBytes, result: ImageResult) -> ImageResult:
        """Return the result of an image with its age and sex; as it is where they are not known."""
        if self._prior is None or result.error:
            return result
        known = _of_upload(source) if isinstance(source, NamedBytes) else self._of(source)
        before = np.array([result.probabilities])
        ages, sexes = ([known.get(name, "")] for name in ("age", "sex"))
        after = self._prior.adjusted(before, self._classes, ages, sexes, self._temperature)
        if np.array_equal(before, after):
            return result
        self._changed += 1
        return dataclasses.replace(result, probabilities=tuple(after[0].tolist()))

    def _of(self, path: Path) -> Known:
        """Return what the table says of an image, and what it leaves open of its DICOM file."""
        found = self._known.get(looked_up_name(path.name)) or self._known.get(looked_up_name(image_id(path))) or {}
        if len(found) == len(KINDS) or not is_dicom_file(path):
            return found
        from attnmel.data.dicom.attributes import dicom_facts

        file = file_of(path)
        return {**dicom_facts(file, file.name).attributes, **found}


def _of_upload(source: NamedBytes) -> Known:
    """Return what a file in memory says, if it is DICOM."""
    if not is_dicom(source[:START]):
        return {}
    from attnmel.data.dicom.attributes import dicom_facts

    return dicom_facts(source, source.name).attributes
