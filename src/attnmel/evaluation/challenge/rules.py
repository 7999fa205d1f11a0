"""What each ISIC challenge measured, and the quirks of its scoring program as switches with names.

Sources: ISIC 2016 and 2017 part 3, the challenge's own scripts of 2016-2017 (ImageMarkup/isic-challenge-scoring,
`Python/scoreP3.py` and `scoreCommon.py`, Apache-2.0); ISIC 2018, the package `isic-challenge-scoring` 5.6.0.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from attnmel.errors import ConfigError, require_known
from attnmel.evaluation.classification.metric_set import ALL_CLASSES, MEAN

Ties = Literal["wrong", "first"]
Threshold = Literal["above", "at_or_above"]
Undefined = Literal["one", "nan", "zero"]
AveragePrecision = Literal["step", "trapezoid"]

UNCOUNTED = "ISIC_0035068"
"""Image of the test set of ISIC 2018 task 3 that the official program gives the weight 0, without a stated reason."""

MASKS = "lesion masks"
"""Task of the measures of ISIC 2018 task 1."""


@dataclass(frozen=True)
class Rules:
    """Every choice on which toolkits differ, each by name."""

    excluded: tuple[str, ...] = ()
    """Images that do not count."""
    ties: Ties = "wrong"
    """A highest probability shared by several classes: never right, or taken for the first of them."""
    threshold: Threshold = "above"
    """Whether a probability of exactly one half is called positive."""
    undefined: Undefined = "one"
    """Value of a ratio whose denominator is 0, such as the sensitivity without a positive."""
    ap: AveragePrecision = "step"
    """Average precision as the step sum (scikit-learn since 0.19) or by trapezoids (before)."""


CHOICES: dict[str, tuple[str, ...]] = {
    "ties": ("wrong", "first"),
    "threshold": ("above", "at_or_above"),
    "undefined": ("one", "nan", "zero"),
    "ap": ("step", "trapezoid"),
}


@dataclass(frozen=True)
class Challenge:
    """What one challenge scored."""

    title: str
    categories: tuple[str, ...]
    """Classes that are evaluated against the rest; none where masks are scored."""
    measures: tuple[str, ...]
    """Of each category, or of each mask, in the order of the tables."""
    ranked_by: tuple[str, str]
    """Task and measure that ranked the challenge."""
    rules: Rules = dataclasses.field(default_factory=Rules)
    """Those of the official program."""
    balanced_accuracy: bool = False
    """Whether the mean recall by the highest probability is measured too."""

    @property
    def switches(self) -> tuple[str, ...]:
        """The rules that change any of its measures."""
        if not self.categories:
            return ("excluded", "undefined")
        return ("excluded", *(name for name in CHOICES if name != "ties" or self.balanced_accuracy))


_RATES = ("accuracy", "sensitivity", "specificity")


def _specificities(*percent: int) -> tuple[str, ...]:
    return tuple(f"specificity_at_sensitivity_{one}" for one in percent)


_ISIC2017 = Challenge(
    title="ISIC 2017 part 3",
    categories=("melanoma", "seborrheic_keratosis"),
    measures=(*_RATES, "ap", *_specificities(82, 89, 95), "auc"),
    ranked_by=(MEAN, "auc"),
    rules=Rules(undefined="nan"),
)

CHALLENGES: dict[str, Challenge] = {
    "isic2016": Challenge(
        title="ISIC 2016 part 3",
        categories=("malignant",),
        measures=(*_RATES, "ap", "auc", *_specificities(95, 98, 99)),
        ranked_by=("malignant", "ap"),
        rules=Rules(undefined="nan"),
    ),
    "isic2017": _ISIC2017,
    "isic2018": Challenge(
        title="ISIC 2018 task 3",
        categories=("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"),
        measures=(*_RATES, "f1", "ppv", "npv", "auc", "auc_above_sensitivity_80", "ap"),
        ranked_by=(ALL_CLASSES, "balanced_accuracy"),
        rules=Rules(excluded=(UNCOUNTED,)),
        balanced_accuracy=True,
    ),
    "isic2018-task1": Challenge(
        title="ISIC 2018 task 1",
        categories=(),
        measures=("threshold_jaccard", "jaccard", "dice", *_RATES),
        ranked_by=(MASKS, "threshold_jaccard"),
    ),
    "phantoms": dataclasses.replace(_ISIC2017, title="phantoms, scored as ISIC 2017 part 3"),
}
"""Every data set with official measures; phantoms are laid out like ISIC 2017."""

OFFICIAL: dict[str, Rules] = {name: challenge.rules for name, challenge in CHALLENGES.items()}
"""The rules of each official program."""


def changed_rules(dataset: str, changes: Sequence[str]) -> Rules:
    """Return a data set's official rules with some of them changed, each as `name=value`; `excluded` takes many ids.

    Raises:
        ConfigError: no such rule, one that has no part in the challenge, or no such value; names those there are.
    """
    rules = OFFICIAL[dataset]
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign:
            raise ConfigError(f"'{change}' changes no rule; expected name=value, such as undefined=nan")
        require_known(f"rule of {CHALLENGES[dataset].title}", name, CHALLENGES[dataset].switches)
        if name == "excluded":
            ids = tuple(one.strip() for one in value.split(",") if one.strip())
            rules = dataclasses.replace(rules, excluded=ids)
        else:
            require_known(f"value of the rule {name}", value, CHOICES[name])
            rules = dataclasses.replace(rules, **{name: value})
    return rules
