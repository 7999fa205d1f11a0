import dataclasses
import json
import math

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss
from tests.evaluation.calibration.test_temperature import drawn, predicted

from attnmel.errors import PredictionsError
from attnmel.evaluation.calibration.calibration import BARS, MEASURES, Calibration, calibration_of
from attnmel.evaluation.calibration.temperature import at_temperature, fit_temperature
from attnmel.evaluation.statistics.sampling import Sampling
from attnmel.records import Predictions

MAIN = "melanoma"


def example(*, classes: int = 2, temperature: float = 2.5) -> tuple[Predictions, Predictions]:
    """Return test and validation predictions that are too extreme."""
    test, _ = drawn(300, classes=classes, temperature=temperature, seed=1)
    validation, _ = drawn(150, classes=classes, temperature=temperature, seed=2)
    return test, dataclasses.replace(validation, image_ids=tuple(f"v{number}" for number in range(150)))


@pytest.mark.parametrize("classes", [2, 4])
def test_the_measures_are_those_of_scikit_learn_before_and_after(classes: int) -> None:
    test, validation = example(classes=classes)
    found = calibration_of(test, validation, MAIN, resamples=20)
    temperature = fit_temperature(validation).value
    assert found.temperature.value == temperature
    assert found.after is not None
    for judged, predictions in ((found.before, test), (found.after, at_temperature(test, temperature))):
        truth, probability = predictions.is_class(MAIN), predictions.probability(MAIN)
        value = {name: one.value for name, one in judged.measures.items()}
        assert value["brier"] == pytest.approx(brier_score_loss(truth, probability), abs=1e-12)
        assert value["log_loss"] == pytest.approx(log_loss(predictions.labels, predictions.probabilities), abs=1e-12)
        assert value["reliability"] - value["resolution"] + value["uncertainty"] == pytest.approx(
            value["brier"], abs=1e-14
        )
        assert value["skill"] == pytest.approx(1 - value["brier"] / value["uncertainty"], abs=1e-12)
        if classes > 2:
            squares = ((predictions.probabilities - np.eye(classes)[predictions.labels]) ** 2).sum(axis=1)
            assert value["brier_all_classes"] == pytest.approx(squares.mean(), abs=1e-12)
        assert tuple(value) == MEASURES[: len(value)]
        assert len(value) == len(MEASURES) - (classes == 2)
        assert judged.histogram == tuple(np.bincount((probability * BARS).astype(int), minlength=BARS))


def test_the_change_is_after_less_before_on_the_same_resamples() -> None:
    test, validation = example()
    found = calibration_of(test, validation, MAIN, resamples=300)
    assert found.after is not None
    for name, change in found.change.items():
        assert change.value == found.after.measures[name].value - found.before.measures[name].value
    assert found.change["log_loss"].high < 0
    # Of two classes the temperature divides the log odds: the slope is that many times as large in each resample.
    slope = found.before.measures["slope"]
    expected = [end * found.temperature.value for end in slope]
    assert list(found.after.measures["slope"]) == pytest.approx(expected, rel=1e-3)


def test_an_interval_of_the_temperature_that_ends_at_a_limit_is_said() -> None:
    test, validation = example()
    assert not any("cut at" in note for note in calibration_of(test, validation, MAIN, resamples=20).notes)
    extreme = validation.take(list(range(12)))
    extreme = dataclasses.replace(extreme, probabilities=np.tile([[1e-14, 1 - 1e-14], [1 - 1e-14, 1e-14]], (6, 1)))
    extreme = dataclasses.replace(extreme, labels=np.array([1, 0] * 5 + [0, 0]))
    found = calibration_of(test, extreme, MAIN, resamples=200)
    assert found.temperature.value < 20
    assert "the interval of the temperature is cut at 0.05 and 20: none beyond is looked at" in found.notes


def test_probabilities_that_are_true_look_so() -> None:
    test, _ = drawn(2000, seed=3)
    found = calibration_of(test, None, MAIN, resamples=200).before
    assert found.by_chance.low <= found.measures["calibration_error"].value <= found.by_chance.high
    assert found.measures["intercept"].low < 0 < found.measures["intercept"].high
    assert found.measures["slope"].low < 1 < found.measures["slope"].high


@pytest.mark.parametrize("simulations", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_intervals_cover_the_truth_because_the_share_of_positives_is_drawn_too(simulations: int) -> None:
    """Stratified by class, the intercept's interval would cover about 65 %."""
    inside = np.zeros(3)
    for seed in range(simulations):
        generator = np.random.default_rng(seed)
        odds = generator.normal(-1, 1.3, 200)
        positive = generator.random(200) < expit(0.3 + 0.7 * odds)
        shares = expit(odds)
        found = calibration_of(predicted(np.stack([1 - shares, shares], axis=1), positive), None, MAIN, resamples=150)
        for place, (name, truth) in enumerate(TRUTH.items()):
            inside[place] += found.before.measures[name].low <= truth <= found.before.measures[name].high
    assert (inside / simulations >= 0.95 - 3 * (0.95 * 0.05 / simulations) ** 0.5).all(), inside


def _truth() -> dict[str, float]:
    """Integrate over the log odds of `test_intervals_cover_the_truth_because_the_share_of_positives_is_drawn_too`."""
    odds = np.linspace(-12, 10, 20001)
    mass = np.exp(-(((odds + 1) / 1.3) ** 2) / 2)
    mass /= mass.sum()
    true, said = expit(0.3 + 0.7 * odds), expit(odds)
    level = 0.0
    for _ in range(20):
        shares = expit(odds + level)
        level += mass @ (true - shares) / (mass @ (shares * (1 - shares)))
    return {"intercept": level, "slope": 0.7, "brier": float(mass @ (true * (1 - said) ** 2 + (1 - true) * said**2))}


TRUTH = _truth()


def test_images_of_one_lesion_are_drawn_together() -> None:
    test, _ = example()
    doubled = Predictions(
        image_ids=(*test.image_ids, *(f"{one}-again" for one in test.image_ids)),
        classes=test.classes,
        probabilities=np.concatenate([test.probabilities] * 2),
        labels=np.concatenate([test.labels] * 2),
        groups=test.groups * 2,
    )
    one, two = (calibration_of(which, None, MAIN, resamples=400) for which in (test, doubled))
    assert two.units == 300
    assert list(two.before.measures["brier"]) == pytest.approx(list(one.before.measures["brier"]), abs=1e-12)
    assert any("images of one lesion" in note for note in two.notes)
    assert not one.notes


def test_the_draws_are_not_stratified_by_class() -> None:
    test, _ = example()
    found = calibration_of(test, None, MAIN, resamples=100, seed=4).before.measures["uncertainty"]
    times = Sampling.of(test.groups).weights(np.random.default_rng(4), 100)
    shares = times @ test.is_class(MAIN) / 300
    assert (found.low, found.high) == pytest.approx(np.quantile(shares * (1 - shares), [0.025, 0.975]), abs=1e-12)


def test_without_a_temperature_there_is_no_after_and_the_reason_is_told() -> None:
    test, validation = example()
    few = predicted(validation.probabilities[:5], validation.labels[:5])
    found = calibration_of(test, few, MAIN, resamples=10)
    assert found.after is None
    assert not found.change
    assert math.isnan(found.temperature.value)
    assert "no temperature was fitted: 5 labelled images are too few, expected at least 10" in found.notes


def test_a_temperature_of_the_very_images_is_told() -> None:
    test, _ = example()
    assert calibration_of(test, test, MAIN, resamples=10).notes == (
        "the temperature was fitted on 300 of these very images, which flatters it",
    )


def test_a_probability_of_0_that_was_wrong_costs_what_scikit_learn_says() -> None:
    shares = np.array([0.0, 1.0, 0.3, 0.7] * 5)
    test = predicted(np.stack([1 - shares, shares], axis=1), np.array([1, 1, 0, 0] * 5))
    found = calibration_of(test, None, MAIN, resamples=10).before.measures["log_loss"].value
    assert found == pytest.approx(log_loss(test.labels, test.probabilities), rel=1e-12)


def test_unlabelled_images_are_refused() -> None:
    test, _ = example()
    with pytest.raises(PredictionsError, match="300 of 300 images have no label"):
        calibration_of(dataclasses.replace(test, labels=np.full(300, -1)), None, MAIN)


def test_of_a_single_class_what_is_defined_is_given() -> None:
    test, _ = example()
    alone = dataclasses.replace(test, labels=np.zeros(300, dtype=int))
    found = calibration_of(alone, None, MAIN, resamples=10).before.measures
    assert found["log_loss"].value == pytest.approx(-np.log(1 - test.probability(MAIN)).mean())


def test_a_calibration_survives_json() -> None:
    found = calibration_of(*example(classes=4), MAIN, resamples=10)
    adapter = TypeAdapter(Calibration)
    assert adapter.validate_json(adapter.dump_json(found)) == found
    bare = calibration_of(example()[0], None, MAIN, resamples=10)
    plain = json.loads(adapter.dump_json(bare, exclude_none=True))
    assert plain.pop("temperature") == [None] * 3, "NaN, which equals nothing"
    again = adapter.validate_python(plain | {"temperature": bare.temperature})
    assert again == bare


def test_a_temperature_that_the_predictions_have_is_taken_and_not_fitted_again() -> None:
    test, validation = example()
    own = at_temperature(test, 1.7)
    found = calibration_of(own, at_temperature(validation, 1.7), MAIN, resamples=20)
    assert (found.temperature.value, found.stored) == (1.7, True)
    uncalibrated = calibration_of(test, validation, MAIN, resamples=20)
    assert uncalibrated.temperature.low < uncalibrated.temperature.value != pytest.approx(1.7, rel=0.05)
    assert found.after is not None
    for judged, predictions in ((found.before, test), (found.after, own)):
        value = {name: one.value for name, one in judged.measures.items()}
        assert value["log_loss"] == pytest.approx(log_loss(predictions.labels, predictions.probabilities), rel=1e-6)
        assert value["brier"] == pytest.approx(
            brier_score_loss(predictions.is_class(MAIN), predictions.probability(MAIN)), rel=1e-6
        )
    # The interval is over resamples of the uncalibrated validation images, whatever scale they were given on.
    assert found.temperature[1:] == pytest.approx(uncalibrated.temperature[1:], rel=0.02)


def test_another_seed_draws_other_images() -> None:
    first, second = (calibration_of(*example(), MAIN, resamples=50, seed=seed) for seed in (0, 1))
    assert first.temperature.value == second.temperature.value
    assert first.temperature != second.temperature
    assert first.before.by_chance != second.before.by_chance
    assert all(first.before.measures[name] != second.before.measures[name] for name in first.before.measures)
