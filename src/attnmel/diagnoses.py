"""What a diagnosis of one data set is called in others, so that a network of one is evaluated on another.

docs/data.md has this table in words, with what is left out on purpose.
"""

import re
from collections.abc import Mapping, Sequence

_NEVI = (
    "common_nevus",
    "atypical_nevus",
    "blue_nevus",
    "clark_nevus",
    "combined_nevus",
    "congenital_nevus",
    "dermal_nevus",
    "recurrent_nevus",
    "reed_or_spitz_nevus",
)
_KERATOSES = ("seborrheic_keratosis", "solar_lentigo", "lichenoid_keratosis")
_OTHER_BENIGN = (
    "ben_oth",
    "inf",
    "lentigo",
    "lentigo_nos",
    "cafe_au_lait_macule",
    "melanosis",
    "atypical_melanocytic_proliferation",
    "other_benign",
)

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("nv", "nevus"), ("benign",)),
    **dict.fromkeys(_NEVI, ("nevus", "nv", "benign")),
    **dict.fromkeys(_KERATOSES, ("bkl", "benign")),
    "bkl": ("benign",),
    **dict.fromkeys(("df", "dermatofibroma"), ("df", "dermatofibroma", "benign")),
    **dict.fromkeys(("vasc", "vascular_lesion"), ("vasc", "vascular_lesion", "benign")),
    **dict.fromkeys(("bcc", "basal_cell_carcinoma"), ("bcc", "basal_cell_carcinoma", "malignant")),
    "ak": ("akiec",),
    **dict.fromkeys(("scc", "sccka"), ("scc", "sccka", "akiec", "malignant")),
    **dict.fromkeys(_OTHER_BENIGN, ("benign",)),
    **dict.fromkeys(("mal_oth", "other_malignant"), ("malignant",)),
}
"""By diagnosis, as `plain` gives it: the classes that it counts as, the narrowest first. What is missing has no name
but its own: AKIEC, which is either AK or SCC, and "miscellaneous"."""


def plain(name: str) -> str:
    """Return a name in small letters, with underscores for spaces and hyphens."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def other_name(diagnosis: str, classes: Sequence[str]) -> str | None:
    """Return the class that a diagnosis counts as by another of its names, None where it counts as none."""
    known = {plain(name): name for name in reversed(classes)}
    names = (plain(diagnosis), *OTHER_NAMES.get(plain(diagnosis), ()))
    return next((known[name] for name in names if name in known), None)
