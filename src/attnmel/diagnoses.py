"""What a diagnosis of one data set is called in others, so that a network of one is evaluated on another.

docs/training/data.md has this table in words, with what is left out on purpose.
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
    *("acral_nevus", "compound_nevus", "dysplastic_nevus", "halo_nevus", "intradermal_nevus", "junctional_nevus"),
    *("reed_nevus", "spitz_nevus"),
)
_MELANOMAS = (
    *("acral_lentiginous_melanoma", "amelanotic_melanoma", "lentigo_maligna", "lentigo_maligna_melanoma"),
    *("invasive_melanoma", "melanoma_in_situ", "melanoma_metastasis", "metastatic_melanoma", "nodular_melanoma"),
    "superficial_spreading_melanoma",
)
_KERATOSES = ("seborrheic_keratosis", "solar_lentigo", "lichenoid_keratosis", "lichen_planus_like_keratosis")
_VASCULAR = ("angiokeratoma", "angioma", "cherry_angioma", "pyogenic_granuloma")
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
    **dict.fromkeys(_MELANOMAS, ("melanoma", "mel", "malignant")),
    **dict.fromkeys(_KERATOSES, ("bkl", "benign")),
    **dict.fromkeys(_VASCULAR, ("vasc", "vascular_lesion", "benign")),
    "bkl": ("benign",),
    **dict.fromkeys(("df", "dermatofibroma"), ("df", "dermatofibroma", "benign")),
    **dict.fromkeys(("vasc", "vascular_lesion"), ("vasc", "vascular_lesion", "benign")),
    **dict.fromkeys(("bcc", "basal_cell_carcinoma"), ("bcc", "basal_cell_carcinoma", "malignant")),
    "ak": ("akiec",),
    **dict.fromkeys(("scc", "sccka"), ("scc", "sccka", "akiec", "malignant")),
    **dict.fromkeys(_OTHER_BENIGN, ("benign",)),
    **dict.fromkeys(("mal_oth", "other_malignant"), ("malignant",)),
}
"""By diagnosis, as `plain_diagnosis` gives it: the classes that it counts as, the narrowest first. What is missing has
no name but its own: AKIEC, which is either AK or SCC, and "miscellaneous"."""


_ENGLISH = {
    "melanoma": "melanom malignes_melanom malignant_melanoma mélanome melanome",
    "nevus": """nävus naevus nævus nävi naevi nevi nävuszellnävus naevuszellnaevus melanocytic_nevus melanocytic_nevi
        melanocytic_naevus melanozytärer_nävus nevo""",
    "dysplastic_nevus": "dysplastischer_nävus dysplastischer_naevus",
    "superficial_spreading_melanoma": "superfiziell_spreitendes_melanom",
    "nodular_melanoma": "noduläres_melanom nodulaeres_melanom",
    "lentigo_maligna_melanoma": "lentigo_maligna_melanom",
    "acral_lentiginous_melanoma": "akrolentiginöses_melanom akral_lentiginöses_melanom",
    "seborrheic_keratosis": """seborrhoische_keratose seborrhoeic_keratosis seborrheic_keratoses kératose_séborrhéique
        cheratosi_seborroica queratosis_seborreica""",
    "bkl": "benign_keratosis benign_keratosis_like_lesion benign_keratosis_like_lesions benigne_keratose",
    "basal_cell_carcinoma": """basalzellkarzinom basaliom carcinome_basocellulaire carcinoma_basocelular
        carcinoma_basocellulare""",
    "scc": "squamous_cell_carcinoma plattenepithelkarzinom spinaliom",
    "ak": "actinic_keratosis solar_keratosis aktinische_keratose",
    "dermatofibroma": "dermatofibrom histiozytom",
    "vascular_lesion": "vascular_lesions vaskuläre_läsion gefäßläsion hämangiom haemangiom haemangioma hemangioma",
    "benign": "gutartig benigne",
    "malignant": "bösartig maligne",
}
ENGLISH: Mapping[str, str] = {name: english for english, names in _ENGLISH.items() for name in names.split()} | {
    name.replace("nevus", "naevus"): name for name in _NEVI
}
"""German, British and other forms of diagnoses, as `plain_diagnosis` gives them, in those of the challenges."""

REST = "rest"
"""The class that takes every diagnosis which has no class of its own."""

SAME_DIAGNOSES = (frozenset({"melanoma", "MEL", "malignant"}), frozenset({"nevus", "NV"}))
"""Diagnoses that the challenges call by several names, so that a network of one is evaluated on another; the malignant
lesions of ISIC 2016 are its melanomas."""

AKIEC = "akiec"
"""Either AK or SCC, so none of a network that tells them apart."""


def plain_diagnosis(name: str) -> str:
    """Return a name in small letters, with underscores for spaces and hyphens."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def usual(name: str) -> str:
    """Return a name as `plain_diagnosis`, and in English."""
    return ENGLISH.get(plain_diagnosis(name), plain_diagnosis(name))


def is_same_diagnosis(one: str, other: str) -> bool:
    """Return whether two names mean the same diagnosis: in another case or language, or of `SAME_DIAGNOSES`."""
    names = usual(one), usual(other)
    return names[0] == names[1] or any({*names} <= {*map(plain_diagnosis, same)} for same in SAME_DIAGNOSES)


def class_among(diagnosis: str, classes: Sequence[str]) -> str | None:
    """Return the class that a diagnosis is, None where it is none; a class "rest" is not looked at.

    Its own name in any case comes first, then another language's, then those of `SAME_DIAGNOSES` in the order of the
    classes, then those of `OTHER_NAMES`.
    """
    if diagnosis in classes:
        return diagnosis
    written = {plain_diagnosis(name): name for name in reversed(classes)}
    known = {usual(name): name for name in reversed(classes)} | written
    name = usual(diagnosis)
    same = next((names for names in SAME_DIAGNOSES if name in map(plain_diagnosis, names)), frozenset[str]())
    others = [usual(one) for one in classes if usual(one) in map(plain_diagnosis, same)]
    names = (plain_diagnosis(diagnosis), name, *others, *OTHER_NAMES.get(name, ()))
    return next((known[one] for one in names if one in known), None)


def is_rest(diagnosis: str, classes: Sequence[str]) -> bool:
    """Return whether a name is that of a known diagnosis, which none of the classes is but "rest"."""
    name, known = usual(diagnosis), {usual(one) for one in classes}
    if REST not in classes or class_among(diagnosis, classes) is not None:
        return False
    if name == AKIEC:
        return not known & {"ak", "scc"}
    return name in OTHER_NAMES or name in ("benign", "melanoma", "mel")
