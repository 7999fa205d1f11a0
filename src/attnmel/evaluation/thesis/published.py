"""Figures that were published, as data: the rows of the slides' three tables, to be shown next to our measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN, RECALL

SLIDES = "Yan, master's thesis defence, Simon Fraser University, 7 April 2020, table 'Results on {title}'"
SITE = "the authors' public project page of Yan, Kawahara and Hamarneh (IPMI 2019)"

BOARD = "the leaderboard of ISIC 2017 part 3"

CLASSES_2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """One row of a published table; None where the table has no such column or leaves it empty."""

    dataset: str
    name: str
    """As the slides call the system."""
    own: bool = True
    """Whether it is the thesis's own experiment, not another group's."""
    network: str | None = None
    """In the words of a recipe's `model.network`; None for another group's."""
    prior: str | None = None
    """In the words of a recipe's `loss.prior`; None for another group's."""
    masks: str | None = None
    """In the words of a recipe's `loss.masks`; None for another group's."""
    ap: float | None = None
    auc: float | None = None
    keratosis_auc: float | None = None
    """Of ISIC 2017's second task, seborrheic keratosis."""
    mean_auc: float | None = None
    """Of both tasks of ISIC 2017, which ranked the challenge."""
    recalls: Mapping[str, float] | None = None
    """Recall of each class, ISIC 2018 only."""
    average_recall: float | None = None
    """Mean of the recalls: balanced accuracy."""
    lesion: bool | None = None
    """Whether lesion masks were used."""
    dermo: bool | None = None
    """Whether masks of dermoscopic features were used."""
    interpretability: bool | None = None
    """Whether the system shows where it looks."""
    ensemble: bool | None = None
    external: bool | None = None
    """Whether images from outside the challenge were trained on."""
    overlap: Mapping[str, float] | None = None
    """Mean Jaccard index with the lesion masks of ISIC 2017's 600 test images, by map ("pool3", "pool4", "cam")."""
    reference: str = ""
    """Number in the thesis's bibliography, for other groups' rows."""
    source: str = ""

    def value(self, task: str, measure: str, *, main: str) -> float | None:
        """Return a measure of a task, None where none was published; `main` is the class that the row is of."""
        if measure.startswith(RECALL):
            return (self.recalls or {}).get(measure.removeprefix(RECALL))
        known = {
            (main, "auc"): self.auc,
            (main, "ap"): self.ap,
            ("seborrheic_keratosis", "auc"): self.keratosis_auc,
            (MEAN, "auc"): self.mean_auc,
            (ALL_CLASSES, "balanced_accuracy"): self.average_recall,
        }
        return known.get((task, measure))


_OWN: Mapping[str, tuple[str, str, str]] = {
    "VGG-16": ("vgg16", "none", ""),
    "VGG-16-GAP": ("vgg16-gap", "none", ""),
    "Mel-CNN": ("mel-cnn", "none", ""),
    "AttnMel-CNN": ("attnmel-cnn", "none", ""),
    "AttnMel-CNN-Dermo": ("attnmel-cnn", "dermoscopic", ""),
    "AttnMel-CNN-Lesion": ("attnmel-cnn", "lesion", ""),
    "AttnMel-CNN-Lesion*": ("attnmel-cnn", "lesion", "predicted"),
    "AttnMel-CNN-Bkg": ("attnmel-cnn", "background", ""),
}
"""Network, prior and masks of the thesis's own systems; the slides' star represents masks that a U-Net predicted."""


def _2016(name: str, ap: float, auc: float, ticks: str, reference: str = "") -> PublishedRow:
    """Ticks: lesion, interpretability, ensemble."""
    marks = _ticks("lesion interpretability ensemble", ticks)
    return _row("isic2016", name, reference, "", ap=ap, auc=auc, **marks)


def _2017(
    name: str,
    ap: float | None,
    auc: float,
    ticks: str,
    reference: str = "",
    both: tuple[float | None, float | None] = (None, None),
    **overlap: float,
) -> PublishedRow:
    """Ticks: lesion, dermoscopic features, interpretability, ensemble, external data.

    `both` are the AUC of seborrheic keratosis and the mean AUC.
    """
    source = (f"; overlap: {SITE}" if overlap else "") + (f"; keratosis and mean AUC: {BOARD}" if any(both) else "")
    return _row(
        "isic2017",
        name,
        reference,
        source,
        ap=ap,
        auc=auc,
        keratosis_auc=both[0],
        mean_auc=both[1],
        overlap=MappingProxyType(overlap) if overlap else None,
        **_ticks("lesion dermo interpretability ensemble external", ticks),
    )


def _2018(name: str, *recalls: float, average: float) -> PublishedRow:
    by_class = MappingProxyType(dict(zip(CLASSES_2018, recalls, strict=True)))
    return _row("isic2018", name, recalls=by_class, average_recall=average)


def _ticks(columns: str, marks: str) -> dict[str, bool]:
    """Read one mark a column: "+" for a tick, "-" for a cross."""
    return {name: mark == "+" for name, mark in zip(columns.split(), marks, strict=True)}


def _row(dataset: str, name: str, reference: str = "", source: str = "", **figures: Any) -> PublishedRow:  # noqa: ANN401
    network, prior, masks = (None, None, None) if reference else _OWN[name]
    return PublishedRow(
        dataset=dataset,
        name=name,
        own=not reference,
        network=network,
        prior=prior,
        masks=masks,
        reference=reference,
        source=SLIDES.format(title=dataset.upper()) + source,
        **figures,
    )


_ROWS = (
    _2016("Lequan et al.", 0.637, 0.804, "+--", "[52]"),
    _2016("Codella et al.", 0.596, 0.808, "--+", "[8]"),
    _2016("Yu et al.", 0.685, 0.852, "--+", "[53, 54]"),
    _2016("VGG-16", 0.602, 0.806, "---"),
    _2016("VGG-16-GAP", 0.635, 0.815, "-+-"),
    _2016("Mel-CNN", 0.664, 0.844, "---"),
    _2016("AttnMel-CNN", 0.693, 0.852, "-+-"),
    _2017("Winner 1", None, 0.868, "---++", "[29]", both=(0.953, 0.911)),
    _2017("Winner 2", None, 0.856, "++--+", "[9]", both=(0.965, 0.910)),
    _2017("Winner 3", None, 0.874, "---++", "[31]", both=(0.943, 0.908)),
    _2017("Harangi et al.", None, 0.836, "---+-", "[14]"),
    _2017("Mahbod et al.", None, 0.873, "---++", "[28]"),
    _2017("VGG-16", 0.600, 0.824, "-----"),
    _2017("VGG-16-GAP", 0.627, 0.834, "--+--", cam=0.2825),
    _2017("Mel-CNN", 0.653, 0.854, "-----"),
    _2017("AttnMel-CNN", 0.655, 0.872, "--+--", pool3=0.3105, pool4=0.3186),
    _2017("AttnMel-CNN-Dermo", 0.665, 0.864, "-++--", pool3=0.3621, pool4=0.4767),
    _2017("AttnMel-CNN-Lesion", 0.672, 0.883, "+-+--", pool3=0.5533, pool4=0.6560),
    _2017("AttnMel-CNN-Bkg", 0.647, 0.849, "+-+--"),
    _2018("VGG-16", 0.829, 0.848, 0.902, 0.750, 0.782, 0.545, 1.0, average=0.808),
    _2018("VGG-16-GAP", 0.811, 0.870, 0.863, 0.813, 0.845, 0.545, 1.0, average=0.821),
    _2018("Mel-CNN", 0.811, 0.861, 0.902, 0.906, 0.827, 0.545, 0.929, average=0.826),
    _2018("AttnMel-CNN", 0.784, 0.896, 0.941, 0.813, 0.818, 0.636, 1.0, average=0.841),
    _2018("AttnMel-CNN-Lesion*", 0.801, 0.896, 0.922, 0.750, 0.873, 0.727, 1.0, average=0.853),
)

PUBLISHED: Mapping[str, PublishedRow] = MappingProxyType({f"{row.dataset}/{row.name}": row for row in _ROWS})
"""Every row of the slides' tables in their order, by "data set/name"; a recipe's `published` names one."""

SINGLE_RUNS = (
    "Published figures are single runs without a fixed seed. Differences between them are smaller than their sampling "
    "error: the 95 % interval of an AUC near .87 on 600 images with 117 melanomas is about ±.04."
)
CAM_MEASURED = (
    "The published overlap of the class activation map was binarised at 7x7 before it was resized, the attention maps' "
    "after; ours are all measured the second way."
)

FOOTNOTES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "isic2016": (
            SINGLE_RUNS,
            "Codella et al.: the slides' figures are not the final ones of their paper, AP .649 and AUC .843 (arXiv "
            "1610.04662).",
            "Best since, without external data: AP .718 (Tang 2020).",
        ),
        "isic2017": (
            SINGLE_RUNS,
            "The slides' '200 training' images are 2000 (374 melanoma, 254 seborrheic keratosis, 1372 nevus); "
            "validation 150, test 600 (117, 90, 393).",
            CAM_MEASURED,
            "Best since, mean AUC of the two tasks: .926 without external data (Tang 2020), .938 with (Xie 2020). The "
            "plain mean of two public submissions of 2017 (RECOD, DermaKNet) has melanoma AUC .8936 and AP .742.",
        ),
        "isic2018": (
            SINGLE_RUNS,
            "The published recalls cannot come from the official 1,512 test images: they fit class sizes MEL 111, BCC "
            "51, AKIEC 32, BKL 110, DF 11, VASC 14, about a tenth of the training images, in a split that put images "
            "of one lesion on both sides.",
            "Best since, balanced accuracy on the official test set: .885 with external data, .856 with public data.",
        ),
    }
)
"""What a reader of each table must know, a sentence or two each."""
