"""How many labelled images of another place a recalibration needs, by stored predictions of a run on images from there.

    python benchmarks/evaluation/recalibration.py RUN --results isic2018-train [--images 250 --images 500] [--draws 200]

RUN is a run folder in which `attnmel evaluate RUN --on OTHER` left these results. Again and again about so many images
are drawn, whole lesions, for the recalibration; the rest evaluates it: log loss, calibration intercept and slope, and
the sensitivity at the threshold for 0.89, as the network comes, with a new temperature alone, and with offsets too.
Printed are means over the draws and the range of nine draws out of ten. No image is predicted.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from attnmel.errors import PredictionsError
from attnmel.evaluation.calibration.cox_slope import intercept, line
from attnmel.evaluation.calibration.recalibration import fit_recalibration
from attnmel.evaluation.calibration.temperature import at_temperature, fit_temperature
from attnmel.evaluation.classification.choose_threshold import chosen_threshold
from attnmel.evaluation.classification.ranking import Ranking
from attnmel.models.weights.operating_points import USUAL_SENSITIVITY, usual_threshold
from attnmel.pipeline.run.run import Run
from attnmel.records import Predictions

MEASURES = ("log loss", "intercept", "slope", "sensitivity", "specificity")
NINE_OF_TEN = (5, 95)
"""Percentiles of the draws."""

Scale = Callable[[Predictions], Predictions]


def measured(predictions: Predictions, target_class: str, threshold: float) -> list[float]:
    """Return the measures of probabilities and of the decisions at a threshold."""
    positive, shares = predictions.is_class(target_class), predictions.probability(target_class)
    true = predictions.probabilities[np.arange(len(shares)), predictions.labels]
    odds, once = np.log(shares / (1 - shares)), np.ones((1, len(shares)))
    found = shares > threshold
    return [
        float(-np.log(true).mean()),
        float(intercept(once, odds, positive)[0]),
        float(line(once, odds, positive)[0, 1]),
        float(found[positive].mean()),
        float(1 - found[~positive].mean()),
    ]


def chosen(predictions: Predictions, target_class: str) -> float:
    """Return the threshold for the usual sensitivity on some images."""
    ranking = Ranking.of(predictions.is_class(target_class), predictions.probability(target_class))
    return float(chosen_threshold(ranking.counts(), USUAL_SENSITIVITY)[0])


def drawn_places(predictions: Predictions, images: int, draws: int) -> Iterator[tuple[Predictions, Predictions]]:
    """Yield images for the recalibration, and the rest."""
    generator = np.random.default_rng(0)
    _, unit = np.unique(predictions.groups, return_inverse=True)
    units = unit.max() + 1
    for _ in range(draws):
        drawn = generator.permutation(units) < round(images / len(unit) * units)
        yield predictions.among(drawn[unit]), predictions.among(~drawn[unit])


def temperature_alone(place: Predictions) -> Scale:
    """Return a temperature that is fitted to a place."""
    fitted = fit_temperature(place)
    if fitted.reason:
        raise PredictionsError(fitted.reason)
    return lambda predictions: at_temperature(predictions, fitted.value)


def main() -> None:
    """Print a table for each number of images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--results", required=True)
    parser.add_argument("--images", type=int, action="append")
    parser.add_argument("--draws", type=int, default=200)
    given = parser.parse_args()
    run = Run(given.run)
    card, target_class = run.card, run.target_class
    usual = None if card is None else usual_threshold(card.thresholds, target_class)
    if card is None or usual is None:
        parser.error(f"{given.run} has no checkpoint with thresholds")
    plain = run.uncalibrated(given.results)
    print(f"{given.results}: {len(plain.labels):,} images, {int(plain.is_class(target_class).sum()):,} {target_class}")
    print(f"\n| images | draws | scale | {' | '.join(MEASURES)} |\n| ---: | ---: | --- {'| ---: ' * len(MEASURES)}|")
    for images in given.images or [250, 500, 1000]:
        rows: dict[str, list[list[float]]] = {"as it comes": [], "temperature": [], "offsets and temperature": []}
        for place, rest in drawn_places(plain, images, given.draws):
            try:
                scales = {"temperature": temperature_alone(place), "offsets and temperature": fit_recalibration(place)}
            except PredictionsError:
                continue  # refused, and so not counted
            as_it_comes = at_temperature(rest, card.temperature)
            rows["as it comes"].append(measured(as_it_comes, target_class, usual.threshold))
            for name, scale in scales.items():
                threshold = chosen(scale(place), target_class)
                rows[name].append(measured(scale(rest), target_class, threshold))
        for name, values in rows.items():
            cells = []
            for column in np.array(values).T:
                low, high = np.nanpercentile(column, NINE_OF_TEN)
                cells.append(f"{np.nanmean(column):.3f} ({low:.3f} to {high:.3f})")
            print(f"| {images:,} | {len(values)} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
