import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnmel.data.phantoms import OFFICIAL_FEATURES, draw_phantom, write_mirror
from attnmel.errors import ConfigError

COUNTS = {"train": 20, "validation": 6, "test": 8}
NAMES = {"train": "Training", "validation": "Validation", "test": "Test_v2"}
SEED = 4


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    write_mirror(folder, seed=SEED, counts=COUNTS, melanoma_share=0.4, keratosis_share=0.2, workers=1)
    return folder / "2017"


def members(path: Path) -> dict[str, bytes]:
    """What a zip of one folder holds, by name."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name.split("/")[0] for name in archive.namelist()} == {path.stem}
        return {name.split("/")[1]: archive.read(name) for name in archive.namelist()}


def labels(mirror: Path, split: str) -> dict[str, str]:
    """The diagnosis of each image, from the official table."""
    with (mirror / f"ISIC-2017_{NAMES[split]}_Part3_GroundTruth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image_id", "melanoma", "seborrheic_keratosis"]
    assert {row[name] for row in rows for name in ("melanoma", "seborrheic_keratosis")} <= {"0.0", "1.0"}
    named = {("1.0", "0.0"): "melanoma", ("0.0", "1.0"): "seborrheic_keratosis", ("0.0", "0.0"): "nevus"}
    return {row["image_id"]: named[row["melanoma"], row["seborrheic_keratosis"]] for row in rows}


def picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_the_files_have_the_official_names(mirror: Path) -> None:
    endings = ("Data.zip", "Part1_GroundTruth.zip", "Part2_GroundTruth.zip", "Part3_GroundTruth.csv")
    expected = {f"ISIC-2017_{name}_{ending}" for name in NAMES.values() for ending in endings}
    assert {path.name for path in mirror.iterdir()} == expected


@pytest.mark.parametrize("split", COUNTS)
def test_every_zip_holds_the_official_members_of_every_labelled_image(mirror: Path, split: str) -> None:
    start, ids = f"ISIC-2017_{NAMES[split]}", list(labels(mirror, split))
    assert len(set(ids)) == COUNTS[split]
    notices = {"ATTRIBUTION.txt", "LICENSE.txt"}
    pictures = {f"{i}.jpg" for i in ids} | {f"{i}_superpixels.png" for i in ids}
    assert set(members(mirror / f"{start}_Data.zip")) == pictures | notices | {f"{start}_Data_metadata.csv"}
    masks = members(mirror / f"{start}_Part1_GroundTruth.zip")
    assert set(masks) == notices | {f"{i}_segmentation.png" for i in ids}
    features = members(mirror / f"{start}_Part2_GroundTruth.zip")
    assert set(features) == notices | {f"{i}_features.json" for i in ids}


def test_no_image_is_on_two_sides(mirror: Path) -> None:
    ids = [image_id for split in COUNTS for image_id in labels(mirror, split)]
    assert len(ids) == len(set(ids)) == sum(COUNTS.values())


@pytest.mark.parametrize("split", COUNTS)
def test_each_split_holds_the_shares_that_were_asked_for(mirror: Path, split: str) -> None:
    found, count = Counter(labels(mirror, split).values()), COUNTS[split]
    assert found["melanoma"] == round(0.4 * count)
    assert found["seborrheic_keratosis"] == round(0.2 * count)


def test_images_and_masks_are_of_one_size_and_the_masks_are_black_and_white(mirror: Path) -> None:
    images = members(mirror / "ISIC-2017_Test_v2_Data.zip")
    for name, content in members(mirror / "ISIC-2017_Test_v2_Part1_GroundTruth.zip").items():
        if name.endswith(".txt"):
            continue
        mask, image = picture(content), picture(images[name.replace("_segmentation.png", ".jpg")])
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (200, 150))
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (200, 150))
        assert np.unique(np.asarray(mask)).tolist() == [0, 255]


def test_the_files_say_what_was_drawn(mirror: Path) -> None:
    """Image, mask and, decoded as the archive's readers do, every feature agree with the phantom of that number."""
    start, first = mirror / "ISIC-2017_Validation", COUNTS["train"]
    images = members(start.with_name(start.name + "_Data.zip"))
    masks = members(start.with_name(start.name + "_Part1_GroundTruth.zip"))
    features = members(start.with_name(start.name + "_Part2_GroundTruth.zip"))
    marked = 0
    for index, (image_id, diagnosis) in enumerate(labels(mirror, "validation").items(), start=first):
        drawn = draw_phantom(SEED, index, height=150, width=200, diagnosis=diagnosis)  # pyright: ignore[reportArgumentType] - a name from the table
        stored = np.asarray(picture(images[f"{image_id}.jpg"]), np.float32)
        assert np.abs(stored - drawn.image).mean() < 4
        assert np.array_equal(np.asarray(picture(masks[f"{image_id}_segmentation.png"])) > 127, drawn.mask)
        red, green, blue = np.asarray(picture(images[f"{image_id}_superpixels.png"])).astype(int).transpose(2, 0, 1)
        numbers = red + (green << 8) + (blue << 16)
        marks = json.loads(features[f"{image_id}_features.json"])
        assert set(marks) == set(OFFICIAL_FEATURES)
        for name, values in marks.items():
            assert len(values) == numbers.max() + 1
            area = drawn.features[name]
            for number, value in enumerate(values):
                assert value == (area[numbers == number].mean() > 0.5)
            decoded = np.array(values)[numbers] == 1
            if area.mean() > 0.02:  # more than a few superpixels
                assert (decoded & area).sum() / (decoded | area).sum() > 0.6
                marked += 1
    assert marked >= 3


def test_the_metadata_has_a_row_for_every_image(mirror: Path) -> None:
    table = members(mirror / "ISIC-2017_Training_Data.zip")["ISIC-2017_Training_Data_metadata.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["image_id"] for row in rows] == list(labels(mirror, "train"))
    assert {row["sex"] for row in rows} <= {"female", "male", "unknown"}
    assert all(row["age_approximate"] == "unknown" or int(row["age_approximate"]) % 5 == 0 for row in rows)


def test_the_bytes_depend_neither_on_the_number_of_workers_nor_on_the_order_of_the_splits(tmp_path: Path) -> None:
    write_mirror(tmp_path / "one", seed=1, counts={"train": 30, "test": 5}, height=48, width=64, workers=1)
    write_mirror(tmp_path / "two", seed=1, counts={"test": 5, "train": 30}, height=48, width=64, workers=2)
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / name / "2017").iterdir()} for name in ("one", "two")
    ]
    assert len(contents[0]) == 8
    assert contents[0] == contents[1]


class Impatient:
    """A person who presses Ctrl-C after some steps."""

    def __init__(self, patience: int) -> None:
        self.steps, self.patience, self.total = 0, patience, 0

    @contextmanager
    def bar(
        self, label: str, total: int | None, unit: str = "", *, further: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """Count the steps, up to the last that is borne."""
        self.total = total

        def advance(steps: int) -> None:
            self.steps += steps
            if self.steps > self.patience:
                raise KeyboardInterrupt

        yield advance

    def note(self, message: str) -> None:
        """Fail: drawing has nothing to say."""
        raise AssertionError(message)


def test_the_bar_ends_at_its_total(tmp_path: Path) -> None:
    watching = Impatient(100)
    write_mirror(tmp_path, seed=0, counts={"test": 3}, height=48, width=48, progress=watching)
    assert watching.steps == watching.total == 3


def test_ctrl_c_leaves_no_half_written_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_mirror(tmp_path, seed=0, counts={"train": 4}, height=48, width=48, progress=Impatient(2))
    assert list((tmp_path / "2017").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"counts": {}}, "no phantoms requested; expected a count for one or more of train, validation, test"),
        ({"counts": {"holdout": 3}}, "unknown split 'holdout'; known: test, train, validation"),
        ({"counts": {"test": 0}}, "0 phantoms requested for the test split; expected 1 or more"),
        ({"melanoma_share": 0.9, "keratosis_share": 0.2}, "0.9 melanoma and 0.2 seborrheic keratosis; expected two"),
        ({"keratosis_share": -0.1}, "sum is at most 1"),
        ({"seed": -1}, "seed and index start at 0"),
        ({"width": 10}, "at least 48 pixels"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        write_mirror(tmp_path, **{"seed": 0, "counts": {"train": 2}, **arguments})  # pyright: ignore[reportArgumentType] - wrong on purpose
    assert list(tmp_path.iterdir()) == []
