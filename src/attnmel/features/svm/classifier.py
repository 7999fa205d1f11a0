"""Feature vectors of training images -> SVMs, one a class against the rest, with calibrated probabilities. No torch.

scikit-learn fits them on our own kernels; the fitted arrays are all that is kept, and `FittedSvm` computes scores and
probabilities from them by numpy alone. Costs and gamma are chosen by the mean AUC of held-out folds, and the scores of
these folds fit the logistic functions. Scalings are fitted anew without each held-out fold.

Shapes: N images, D numbers of a vector, K SVMs: one for two classes, else one a class.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int

from attnmel.config.system import WITH_GAMMA, Kernel, SvmSettings
from attnmel.evaluation.classification.ranking import Ranking, roc_auc
from attnmel.features.packages import needed
from attnmel.features.svm.kernels import compared, kernel, unit_of
from attnmel.features.svm.logistic import Logistic, fit_logistic
from attnmel.features.svm.scaling import FittedScaling, fit_scaling

LOWEST_POWER, HIGHEST_POWER = -16, 16
"""Of 2, of the costs that are drawn."""


@dataclass(frozen=True)
class FittedSvm:
    """Fitted SVMs on one feature: everything that scores need."""

    kernel: Kernel
    scaling: FittedScaling
    unit: float
    gamma: float
    cost: float
    vectors: Float32[np.ndarray, "n D"]
    """The support vectors before the scaling, of all SVMs together."""
    coefficients: Float64[np.ndarray, "n K"]
    """Label times multiplier; 0 where a vector supports another SVM only."""
    intercepts: Float64[np.ndarray, " K"]
    logistics: tuple[Logistic, ...]

    def scores(self, vectors: Float[np.ndarray, "N D"]) -> Float64[np.ndarray, "N K"]:
        """Return the signed distances from the borders, positive for the class."""
        return self.kernel_with_support(vectors) @ self.coefficients + self.intercepts

    def kernel_with_support(self, vectors: Float[np.ndarray, "N D"]) -> Float64[np.ndarray, "N n"]:
        """Return the kernel of vectors with the support vectors."""
        both = compared(self.kernel, self.scaling(vectors), self.scaling(self.vectors))
        return kernel(self.kernel, both, unit=self.unit, gamma=self.gamma)

    def probabilities(self, vectors: Float[np.ndarray, "N D"]) -> Float64[np.ndarray, "N K"]:
        """Return each SVM's calibrated probability of its class."""
        scores = self.scores(vectors)
        return np.stack([one(scores[:, at]) for at, one in enumerate(self.logistics)], axis=1)


class Fit(NamedTuple):
    """A fitted SVM, and how it was found."""

    svm: FittedSvm
    held_out: Float64[np.ndarray, "N K"]
    """Score of each training image by the SVM that was fitted without its fold."""
    auc: float
    """Mean over the held-out folds and the K SVMs."""


class Fold(NamedTuple):
    """What one held-out fold is scored by: distances or similarities, with the scaling of the other folds."""

    fitted: Int[np.ndarray, " m"]
    held: Int[np.ndarray, " h"]
    own: Float64[np.ndarray, "m m"]
    to_held: Float64[np.ndarray, "h m"]
    unit: float


def fit_svm(
    vectors: Float32[np.ndarray, "N D"],
    positive: Bool[np.ndarray, "N K"],
    fold_of: Int[np.ndarray, " N"],
    settings: SvmSettings,
    *,
    seed: int = 0,
) -> Fit:
    """Choose cost and gamma, calibrate, and fit on all images; `fold_of` keeps the images of a lesion together.

    Several rows may be of one image, as its random replicas: give them one fold.
    """
    folds = list(_folds(vectors, fold_of, settings))
    tried = {
        (gamma, cost): _held_out(folds, positive, settings, gamma, cost)
        for gamma in (settings.gammas if settings.kernel in WITH_GAMMA else (1.0,))
        for cost in costs_to_try(settings, seed)
    }
    aucs = {key: _mean_auc(scores, positive, fold_of) for key, scores in tried.items()}
    gamma, cost = max(aucs, key=lambda key: aucs[key])
    logistics = tuple(
        Logistic(1.0, 0.0) if settings.calibration == "sigmoid" else fit_logistic(scores, positive[:, at])
        for at, scores in enumerate(tried[gamma, cost].T)
    )
    svm = _fit_all(vectors, positive, settings, gamma, cost, logistics)
    return Fit(svm, tried[gamma, cost], aucs[gamma, cost])


def costs_to_try(settings: SvmSettings, seed: int) -> Sequence[float]:
    """Return the costs to try: those of the settings, or drawn ones."""
    if settings.draws is None:
        return settings.costs
    powers = np.random.default_rng(seed).uniform(LOWEST_POWER, HIGHEST_POWER, settings.draws)
    return (2**powers).tolist()


def _folds(
    vectors: Float32[np.ndarray, "N D"], fold_of: Int[np.ndarray, " N"], settings: SvmSettings
) -> Iterator[Fold]:
    whole = None
    for fold in range(int(fold_of.max()) + 1):
        fitted, held = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        scaling = fit_scaling(vectors[fitted], settings.scaling, components=settings.components)
        if scaling.arrays:
            scaled = scaling(vectors[fitted])
            own = compared(settings.kernel, scaled, scaled)
            to_held = compared(settings.kernel, scaling(vectors[held]), scaled)
        else:
            # Nothing is fitted that differs between folds, so that all comparisons are made once.
            if whole is None:
                scaled = scaling(vectors)
                whole = compared(settings.kernel, scaled, scaled)
            own, to_held = whole[np.ix_(fitted, fitted)], whole[np.ix_(held, fitted)]
        yield Fold(fitted, held, own, to_held, unit_of(settings.kernel, own))


def _held_out(
    folds: Sequence[Fold], positive: Bool[np.ndarray, "N K"], settings: SvmSettings, gamma: float, cost: float
) -> Float64[np.ndarray, "N K"]:
    scores = np.empty(positive.shape)
    for one in folds:
        own = kernel(settings.kernel, one.own, unit=one.unit, gamma=gamma)
        to_held = kernel(settings.kernel, one.to_held, unit=one.unit, gamma=gamma)
        for at in range(positive.shape[1]):
            svc = _svc(settings, cost).fit(own, positive[one.fitted, at])
            scores[one.held, at] = svc.decision_function(to_held)
    return scores


def _fit_all(
    vectors: Float32[np.ndarray, "N D"],
    positive: Bool[np.ndarray, "N K"],
    settings: SvmSettings,
    gamma: float,
    cost: float,
    logistics: tuple[Logistic, ...],
) -> FittedSvm:
    scaling = fit_scaling(vectors, settings.scaling, components=settings.components)
    scaled = scaling(vectors)
    own = compared(settings.kernel, scaled, scaled)
    unit = unit_of(settings.kernel, own)
    whole = kernel(settings.kernel, own, unit=unit, gamma=gamma)
    coefficients, intercepts = np.zeros(positive.shape), np.zeros(positive.shape[1])
    for at in range(positive.shape[1]):
        svc = _svc(settings, cost).fit(whole, positive[:, at])
        coefficients[svc.support_, at] = svc.dual_coef_[0]
        intercepts[at] = svc.intercept_[0]
    support = np.flatnonzero(coefficients.any(axis=1))
    return FittedSvm(
        settings.kernel, scaling, unit, gamma, cost, vectors[support], coefficients[support], intercepts, logistics
    )


def _svc(settings: SvmSettings, cost: float) -> Any:  # noqa: ANN401 - a class of an extra
    weight = "balanced" if settings.balanced else None
    return needed("sklearn.svm").SVC(C=cost, kernel="precomputed", class_weight=weight, cache_size=500)


def _mean_auc(
    scores: Float64[np.ndarray, "N K"], positive: Bool[np.ndarray, "N K"], fold_of: Int[np.ndarray, " N"]
) -> float:
    aucs = [
        float(roc_auc(Ranking.of(positive[fold_of == fold, at], scores[fold_of == fold, at]).counts())[0])
        for fold in range(int(fold_of.max()) + 1)
        for at in range(positive.shape[1])
    ]
    return float(np.mean(aucs))
