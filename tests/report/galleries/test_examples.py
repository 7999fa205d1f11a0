import base64
import io

import numpy as np
import pytest
from PIL import Image
from tests.factories import two_class_predictions

from attnmel.errors import PredictionsError
from attnmel.records import Predictions
from attnmel.report.galleries.examples import KINDS, SIDE, ShownMap, as_address, choose, chosen_rows, pictured


def predicted(probabilities: list[float], labels: list[int]) -> Predictions:
    return two_class_predictions(np.array(labels), np.array(probabilities))


def decoded(address: str) -> np.ndarray:
    kind, _, text = address.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)


def test_the_most_confident_of_each_kind_stand_first() -> None:
    generator = np.random.default_rng(0)
    predictions = predicted(generator.random(200).tolist(), generator.integers(0, 2, 200).tolist())
    for choice in choose(predictions, "melanoma", each=5):
        same = [
            (abs(share - 0.5), row)
            for row, (share, label) in enumerate(zip(predictions.probabilities[:, 1], predictions.labels, strict=True))
            if (label == 1) == choice.kind.truly and (share > 0.5) == choice.kind.called
        ]
        assert choice.count == len(same)
        assert list(choice.rows) == [row for _, row in sorted(same, reverse=True)[:5]]


def test_the_four_kinds_share_out_the_labelled_images() -> None:
    choices = choose(predicted([0.9, 0.5, 0.2, 0.7, 0.4], [1, 1, 0, 0, -1]), "melanoma")
    assert [choice.kind for choice in choices] == list(KINDS)
    assert [choice.rows for choice in choices] == [(1,), (0,), (3,), (2,)], "0.5 itself is not called melanoma"
    assert [(choice.count, choice.of) for choice in choices] == [(1, 2)] * 4
    assert chosen_rows(choices) == (1, 0, 3, 2)


def test_equal_probabilities_are_ordered_by_image_id() -> None:
    predictions = predicted([0.9] * 4, [1] * 4)
    turned = Predictions(
        predictions.image_ids[::-1], predictions.classes, predictions.probabilities, predictions.labels, ("a",) * 4
    )
    assert choose(predictions, "melanoma", each=2)[1].rows == (0, 1)
    assert choose(turned, "melanoma", each=2)[1].rows == (3, 2)


def test_a_class_that_is_not_predicted_is_named() -> None:
    with pytest.raises(PredictionsError, match="no class 'nevus' in the predictions; known: rest, melanoma"):
        choose(predicted([0.5], [0]), "nevus")


def test_each_example_shows_its_own_row() -> None:
    predictions = predicted([0.9, 0.8, 0.2, 0.7], [1, 0, 0, 1])
    choices = choose(predictions, "melanoma")
    rows = chosen_rows(choices)
    side = 64
    # The grey level tells which row an array is of.
    images = np.stack([np.full((side, side, 3), 60 + 40 * row, np.uint8) for row in rows])
    masks = np.zeros((4, side, side), np.uint8)
    masks[:, 20:40, 20:40] = 255
    has_mask = np.array([row != 2 for row in rows])
    maps = ShownMap(
        "pool-3",
        np.stack([np.eye(8, dtype=np.float32) * 0.5] * 4),
        np.array([0.25 if one else np.nan for one in has_mask]),
    )
    groups = pictured(
        choices,
        predictions,
        "melanoma",
        images=images,
        masks=masks,
        has_mask=has_mask,
        maps=[maps],
        diagnoses={"ISIC_0000001": "seborrheic_keratosis"},
    )
    examples = {example.image_id: example for group in groups for example in group.examples}
    assert len(examples) == 4
    for row, image_id in enumerate(predictions.image_ids):
        example = examples[image_id]
        picture, attention = example.pictures
        shown = decoded(picture.address)
        assert shown.shape == (SIDE, SIDE, 3)
        assert np.abs(shown[:40, :40] - (60 + 40 * row)).max() < 6
        assert (np.ptp(shown) > 60) == (row != 2), "only a lesion with a mask has a border"
        assert attention.note == ("0.00 to 0.50" if row == 2 else "J 0.25 · 0.00 to 0.50")
        assert image_id in picture.description
        assert example.probability == predictions.probabilities[row, 1]
    assert examples["ISIC_0000001"].truth == "seborrheic keratosis"
    assert examples["ISIC_0000002"].truth == "rest"


def test_nothing_chosen_gives_empty_groups() -> None:
    predictions = predicted([0.5], [-1])
    groups = pictured(
        choose(predictions, "melanoma"),
        predictions,
        "melanoma",
        images=np.zeros((0, 8, 8, 3), np.uint8),
        masks=np.zeros((0, 8, 8), np.uint8),
        has_mask=np.zeros(0, bool),
    )
    assert [group.examples for group in groups] == [()] * 4


def test_a_picture_survives_its_address() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 96).astype(np.uint8)[:, None, None], (96, 96, 3)).copy()
    assert np.abs(decoded(as_address(ramp)) - ramp).mean() < 3
