import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, jaccard_score

from attnmel.errors import PredictionsError
from attnmel.evaluation.maps.attention_overlap import attention_overlap, upsampled_maps
from attnmel.evaluation.maps.localisation import (
    CUTS,
    MEASURES,
    Target,
    cam_jaccard_of_authors,
    map_overlap,
)
from attnmel.evaluation.maps.table import MapColumn

SIDE = 32


def random_maps(count: int, side: int = 8, levels: int = 0) -> np.ndarray:
    maps = np.random.default_rng(0).random((count, side, side)).astype(np.float32)
    return np.floor(maps * levels) / levels if levels else maps


def target_of(masks: np.ndarray, name: str = "lesion", known: np.ndarray | None = None) -> Target:
    return Target(name, masks.astype(np.uint8) * 255, np.ones(len(masks), dtype=bool) if known is None else known)


def random_target(count: int, side: int = SIDE) -> Target:
    return target_of(upsampled_maps(np.random.default_rng(1).random((count, 4, 4)), side) > 0.55)


def square(side: int = SIDE) -> np.ndarray:
    marked = np.zeros((1, side, side), dtype=bool)
    marked[:, 8:16, 8:20] = True
    return marked


def stretched(maps: np.ndarray, side: int = SIDE) -> np.ndarray:
    large = upsampled_maps(maps, side)
    low, high = large.min(axis=(1, 2), keepdims=True), large.max(axis=(1, 2), keepdims=True)
    return (large - low) / (high - low)


@pytest.mark.parametrize("levels", [0, 5])
def test_jaccard_at_every_cut_is_scikit_learns(levels: int) -> None:
    maps, target = random_maps(12, SIDE, levels), random_target(12)
    sweep = map_overlap(maps, [target]).sweeps["lesion"]
    for row, large in enumerate(stretched(maps)):
        # A cut that is a level of the map itself is left to the test of ties with the protocol.
        for place, cut in enumerate(CUTS):
            if not np.isclose(large, cut).any():
                marked = (large > cut).ravel()
                assert sweep[row, place] == pytest.approx(jaccard_score(target.masks[row].ravel() > 127, marked))


@pytest.mark.parametrize(("side", "levels"), [(7, 0), (SIDE, 0), (SIDE, 4), (SIDE, 11)])
def test_jaccard_is_the_protocols_to_the_last_bit(side: int, levels: int) -> None:
    maps, target = random_maps(30, side, levels), random_target(30)
    found = map_overlap(maps, [target])
    expected = attention_overlap(maps, target.masks, target.known)
    np.testing.assert_array_equal(found.measures["jaccard", "lesion"], expected)
    np.testing.assert_array_equal(found.sweeps["lesion"][:, CUTS.index(0.5)], expected)


@pytest.mark.parametrize("levels", [0, 2, 7])
def test_ap_of_pixels_is_scikit_learns_ties_included(levels: int) -> None:
    maps, target = random_maps(10, SIDE, levels), random_target(10)
    found = map_overlap(maps, [target]).measures["ap", "lesion"]
    expected = [
        average_precision_score(mask.ravel() > 127, one.ravel()) for mask, one in zip(target.masks, maps, strict=True)
    ]
    assert found == pytest.approx(expected, abs=1e-12)


def test_energy_pointing_and_dice_are_their_sums() -> None:
    maps, target = random_maps(10), random_target(10)
    found = map_overlap(maps, [target]).measures
    for row, large in enumerate(stretched(maps)):
        marked = target.masks[row] > 127
        assert found["energy", "lesion"][row] == pytest.approx(large[marked].sum() / large.sum())
        assert found["dice", "lesion"][row] == pytest.approx(2 * large[marked].sum() / (large.sum() + marked.sum()))
        assert found["pointing", "lesion"][row] == marked.flat[large.argmax()]


def test_measures_by_hand() -> None:
    maps = np.array([[[0.2, 0.2], [0.6, 1.0]]])  # stretched: 0, 0, 0.5, 1
    target = target_of(np.array([[[True, False], [False, True]]]))
    found = {measure: float(value[0]) for (measure, _), value in map_overlap(maps, [target]).measures.items()}
    assert found == pytest.approx(
        {"jaccard": 1 / 2, "ap": (1 + 2 / 4) / 2, "energy": 1 / 1.5, "pointing": 1, "dice": 2 / 3.5}
    )


def test_of_several_highest_pixels_the_share_that_is_marked_counts() -> None:
    maps = np.array([[[1.0, 1.0], [1.0, 0.0]]])
    target = target_of(np.array([[[True, False], [False, True]]]))
    assert map_overlap(maps, [target]).measures["pointing", "lesion"] == pytest.approx([1 / 3])


def test_a_map_that_is_its_mask_is_perfect_and_its_contrary_marks_the_background() -> None:
    target = target_of(square())
    right, wrong = square().astype(np.float64), 1 - square().astype(np.float64)
    for (measure, name), value in map_overlap(right, [target, target.background()]).measures.items():
        if name == "lesion":
            assert value == 1, measure
        elif measure != "ap":  # the rest, all lowest, is found last: its AP is its share
            assert value == 0, measure
    assert all(
        value == 1
        for (_, name), value in map_overlap(wrong, [target.background()]).measures.items()
        if name != "lesion"
    )


def test_an_empty_target_has_a_jaccard_by_the_protocol_and_nothing_else() -> None:
    maps = np.concatenate([random_maps(1), np.full((1, 8, 8), 0.3, np.float32)])
    found = map_overlap(maps, [target_of(np.zeros((2, SIDE, SIDE), dtype=bool))]).measures
    assert found["jaccard", "lesion"].tolist() == [0, 1]
    assert all(np.isnan(found[measure, "lesion"]).all() for measure in MEASURES if measure != "jaccard")


def test_a_full_target_is_found_by_every_map() -> None:
    maps = random_maps(3)
    found = map_overlap(maps, [target_of(np.ones((3, SIDE, SIDE), dtype=bool))]).measures
    assert all((found[measure, "lesion"] == 1).all() for measure in ("ap", "energy", "pointing"))
    assert found["jaccard", "lesion"] == pytest.approx((stretched(maps) > 0.5).mean(axis=(1, 2)))


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_map_says_no_more_than_the_size_of_the_target(value: float) -> None:
    target = target_of(square())
    found = map_overlap(np.full((1, 7, 7), value), [target])
    share = square().mean()
    assert found.measures["ap", "lesion"] == pytest.approx(share)
    assert found.measures["pointing", "lesion"] == pytest.approx(share)
    assert found.measures["jaccard", "lesion"] == found.measures["dice", "lesion"] == 0
    assert np.isnan(found.measures["energy", "lesion"]).all()
    assert (found.sweeps["lesion"] == 0).all()


def test_images_without_a_mask_have_no_figure_and_no_image_gives_none() -> None:
    known = np.array([True, False, True])
    found = map_overlap(random_maps(3), [target_of(np.repeat(square(), 3, axis=0), known=known)])
    for values in (*found.measures.values(), found.sweeps["lesion"][:, 0]):
        assert (~np.isnan(values)).tolist() == known.tolist()
    none = map_overlap(random_maps(0), [target_of(np.zeros((0, SIDE, SIDE), dtype=bool))])
    assert none.measures["ap", "lesion"].shape == (0,)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.floats(0.01, 1), st.floats(0, 1))
def test_scale_and_offset_of_a_map_do_not_matter(scale: float, offset: float) -> None:
    maps, target = random_maps(1).astype(np.float64), random_target(1)
    plain, moved = (map_overlap(one, [target]).measures for one in (maps, maps * scale + offset))
    for name, value in plain.items():
        assert moved[name] == pytest.approx(value, abs=5e-3)


def test_each_image_is_judged_alone_and_each_target_too() -> None:
    maps, target = random_maps(6), random_target(6)
    together = map_overlap(maps, [target, target.background()]).measures
    for row in range(6):
        part = slice(row, row + 1)
        alone = map_overlap(maps[part], [Target("lesion", target.masks[part], target.known[part])]).measures
        assert all(together[name][row] == value[0] for name, value in alone.items())


def test_measures_become_columns_of_a_table() -> None:
    found = map_overlap(random_maps(2), [random_target(2)])
    columns = found.columns("cam")
    assert [column.header for column in columns] == [f"cam|{measure}|lesion" for measure in MEASURES]
    assert all(columns[MapColumn("cam", *name)] is values for name, values in found.measures.items())


def test_the_authors_way_marks_whole_cells_of_the_cam() -> None:
    maps = np.zeros((1, 2, 2))
    maps[0, 0, 0], maps[0, 0, 1] = 1.0, 0.6
    mask = np.zeros((1, 8, 8), dtype=bool)
    mask[0, :4] = True
    assert cam_jaccard_of_authors(maps, target_of(mask)) == pytest.approx([1.0])
    assert map_overlap(maps, [target_of(mask)]).measures["jaccard", "lesion"][0] < 1
    assert np.isnan(cam_jaccard_of_authors(maps, target_of(mask, known=np.zeros(1, dtype=bool)))).all()


def test_the_authors_way_is_the_protocols_where_map_and_mask_are_of_one_size() -> None:
    maps, target = random_maps(8, SIDE), random_target(8)
    found = cam_jaccard_of_authors(maps, target)
    assert found == pytest.approx(attention_overlap(maps, target.masks, target.known), abs=2e-3)


def test_maps_that_cannot_be_measured_are_refused() -> None:
    maps = random_maps(2)
    with pytest.raises(PredictionsError, match=r"2 maps, but 3 masks of 'lesion'; expected one a map"):
        map_overlap(maps, [random_target(3)])
    maps[1, 0, 0] = np.inf
    with pytest.raises(PredictionsError, match=r"1 of 2 maps hold values that are not finite \(places 1\)"):
        map_overlap(maps, [random_target(2)])
