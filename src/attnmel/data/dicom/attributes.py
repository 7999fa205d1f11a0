"""What a DICOM file says of age, sex, site, laterality, and whose it is. No torch; needs pydicom.

Only words of fixed lists and a hash come through, never text of the file, so that nobody's name can end up in a table.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from attnmel.data.dicom.header import opened_image
from attnmel.data.tables.words import is_unknown
from attnmel.number_formats import significant

OLDEST = 90
"""Years; older patients count as this old, since a higher age may identify one (45 CFR 164.514)."""

YEARS = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}
"""How many of each unit of an age string make a year (PS3.5, 6.2: AS)."""

SEXES = {"F": "female", "M": "male", "O": "other"}
LATERALITIES = {"L": "left", "R": "right", "B": "both", "U": "unpaired"}

BODY_PARTS = {
    "ABDOMEN", "ANKLE", "ARM", "AXILLA", "BACK", "BREAST", "BUTTOCK", "CHEEK", "CHEST", "EAR", "ELBOW", "EXTREMITY",
    "EYE", "EYELID", "FACE", "FINGER", "FLANK", "FOOT", "FOREARM", "FOREHEAD", "GROIN", "HAND", "HEAD", "HEADNECK",
    "HIP", "JAW", "KNEE", "LEG", "LIP", "LOWER LEG", "LOWER LIMB", "MOUTH", "NAIL", "NECK", "NOSE", "PALM", "PELVIS",
    "PENIS", "PERINEUM", "SCALP", "SCROTUM", "SHOULDER", "SOLE", "THIGH", "THUMB", "TOE", "TONGUE", "TORSO", "TRUNK",
    "UMBILICUS", "UPPER ARM", "UPPER LIMB", "VULVA", "WRIST", "HEAD/NECK", "UPPER EXTREMITY", "LOWER EXTREMITY",
    "ANTERIOR TORSO", "POSTERIOR TORSO", "LATERAL TORSO", "PALMS/SOLES", "ORAL/GENITAL",
}  # fmt: skip
"""Values of Body Part Examined that are places on the skin (PS3.16, Annex L), and those that ISIC uses."""

SITE_LISTS = ("cid4029", "cid4031", "cid4")
"""Context groups of PS3.16 whose codes are sites: dermatology, common regions, anatomic regions."""

SCHEMES = {"99SDM": "SRT", "SNM3": "SRT"}
"""Earlier designators of SNOMED RT (PS3.16, 8.1); pydicom knows its codes and those of SNOMED CT as the same."""

PATIENT = ("PatientID", "IssuerOfPatientID")
"""Read for the hash of a patient, and for nothing else."""

SALT = "attnmel patient group"
"""What a patient's hash begins with: it is not that of other programs, and the same for all folders of a hospital."""

NO_PATIENT = re.compile(r"[0.\-_ ]*|anon.*|de-?identified|removed|redacted|test", re.IGNORECASE)
"""Patient IDs that programs for anonymising write for everybody, besides the words for "not known"."""


class DicomFacts(NamedTuple):
    """What a data set takes from a file besides its pixels."""

    frames: int
    attributes: dict[str, str]
    """By names of `records.ATTRIBUTES`; what the file does not say is left out."""
    patient: str = ""
    """16 digits of a salted hash of the Patient ID and its issuer; "" where the file names no patient."""


def dicom_facts(source: Path | bytes, name: str) -> DicomFacts:
    """Return what a file, whose name is for messages, says of its frames and its patient.

    Raises:
        ImageError: it cannot be used.
    """
    with opened_image(source, name, PATIENT) as (header, _):
        side = _code(header.dataset, "ImageLaterality") or _code(header.dataset, "Laterality")
        known = {
            "age": _age(header.dataset),
            "sex": SEXES.get(_code(header.dataset, "PatientSex"), ""),
            "site": _site(header.dataset),
            "laterality": LATERALITIES.get(side, ""),
        }
        attributes = {name: value for name, value in known.items() if value}
        return DicomFacts(header.frames, attributes, _patient(header.dataset))


def _code(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "").strip().upper()


def _patient(dataset: Dataset) -> str:
    number, issuer = (str(dataset.get(name) or "").strip() for name in PATIENT)
    if is_unknown(number) or NO_PATIENT.fullmatch(number):
        return ""
    return hashlib.sha256("\0".join((SALT, issuer, number)).encode()).hexdigest()[:16]


def _age(dataset: Dataset) -> str:
    match = re.fullmatch(r"(\d{1,3})([YMWD])", _code(dataset, "PatientAge"))
    if match is None:
        return ""
    years = int(match[1]) / YEARS[match[2]]
    return significant(min(years, OLDEST))


def _site(dataset: Dataset) -> str:
    for keyword in ("PrimaryAnatomicStructureSequence", "AnatomicRegionSequence"):
        for item in dataset.get(keyword) or ():
            if site := _site_of(_code(item, "CodeValue"), _code(item, "CodingSchemeDesignator")):
                return site
    part = _code(dataset, "BodyPartExamined")
    return part.lower() if part in BODY_PARTS else ""


@cache
def _site_of(value: str, scheme: str) -> str:
    """Return the site of a code in small letters, "back" of "Skin of back"; "" where the lists have none such."""
    from pydicom.sr.codedict import codes  # takes most of a second, and few files have codes

    wanted = Code(value, SCHEMES.get(scheme, scheme), "")
    for name in SITE_LISTS:
        for known in getattr(codes, name).concepts.values():
            if known == wanted:
                return known.meaning.lower().removeprefix("skin of ")
    return ""
