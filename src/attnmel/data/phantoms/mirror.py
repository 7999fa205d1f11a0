"""Phantoms as a mirror of the ISIC 2017 archive: the official file names, zip layout, tables and superpixels.

FOLDER/2017/ISIC-2017_<split>_Data.zip               ISIC_x.jpg, ISIC_x_superpixels.png, the metadata table
FOLDER/2017/ISIC-2017_<split>_Part1_GroundTruth.zip  ISIC_x_segmentation.png, 0 or 255
FOLDER/2017/ISIC-2017_<split>_Part2_GroundTruth.zip  ISIC_x_features.json, a 0 or 1 a superpixel
FOLDER/2017/ISIC-2017_<split>_Part3_GroundTruth.csv  image_id, melanoma, seborrheic_keratosis
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from attnmel import NOTICE
from attnmel.compute.threads import available_processors
from attnmel.data.phantoms.files import Contents, Order, drawn_contents
from attnmel.data.phantoms.phantom import KERATOSIS_SHARE, MELANOMA_SHARE, check_phantom
from attnmel.data.phantoms.traits import Diagnosis
from attnmel.data.preprocess.workers import in_order
from attnmel.errors import ConfigError, require_known
from attnmel.files.folders import replacing
from attnmel.progress import SILENT, Progress
from attnmel.records import SPLITS, Split

YEAR = "2017"
OFFICIAL_NAMES: dict[Split, str] = {"train": "Training", "validation": "Validation", "test": "Test_v2"}
NOTICES = {
    "ATTRIBUTION.txt": "Drawn by attnmel from a seed. No patient was photographed.\n",
    "LICENSE.txt": f"Apache-2.0. {NOTICE}\n",
}

_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the time stamp of every member: the same bytes on every day
# A third number after (seed, index) keeps these random numbers apart from the phantoms' own.
_FOR_LABELS, _FOR_METADATA = 1, 2
_MOST_WORKERS = 8
_WORTH_A_PROCESS = 16
_MEAN_AGE: dict[Diagnosis, int] = {"melanoma": 60, "seborrheic_keratosis": 62, "nevus": 42}


def write_mirror(
    folder: Path,
    *,
    seed: int,
    counts: Mapping[str, int],
    melanoma_share: float = MELANOMA_SHARE,
    keratosis_share: float = KERATOSIS_SHARE,
    height: int = 150,
    width: int = 200,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> None:
    """Draw `counts` phantoms a split and write them as the files that `attnmel fetch --mirror` takes.

    Each split has the given shares of melanoma and seborrheic keratosis, rounded to whole images; all others are
    naevi. The files' bytes follow from the arguments, whatever the number of workers (None: the machine's cores).

    Raises:
        ConfigError: no split or an unknown one, a count below 1, shares that are not shares, a negative seed, a frame
            that is too small.
    """
    check_phantom(seed, 0, height, width)
    _check(counts, melanoma_share, keratosis_share)
    orders: dict[Split, list[Order]] = {}
    for split in SPLITS:
        if split not in counts:
            continue
        diagnoses = _diagnoses(seed, split, counts[split], melanoma_share, keratosis_share)
        first = sum(map(len, orders.values()))
        orders[split] = [Order(seed, first + at, height, width, name) for at, name in enumerate(diagnoses)]
    every = [order for split in orders.values() for order in split]
    with (
        progress.bar("drawing phantoms", len(every), "image") as advance,
        closing(in_order(drawn_contents, every, _processes(len(every), workers))) as contents,
    ):
        for split, ordered in orders.items():
            _write_split(folder / YEAR / f"ISIC-2017_{OFFICIAL_NAMES[split]}", ordered, contents, advance)


def _check(counts: Mapping[str, int], melanoma_share: float, keratosis_share: float) -> None:
    if not counts:
        raise ConfigError(f"no phantoms requested; expected a count for one or more of {', '.join(SPLITS)}")
    for split, count in counts.items():
        require_known("split", split, SPLITS)
        if count < 1:
            raise ConfigError(f"{count} phantoms requested for the {split} split; expected 1 or more, or leave it out")
    if min(melanoma_share, keratosis_share) < 0 or melanoma_share + keratosis_share > 1:
        raise ConfigError(
            f"shares of {melanoma_share} melanoma and {keratosis_share} seborrheic keratosis; "
            "expected two numbers from 0 to 1 whose sum is at most 1"
        )


def _diagnoses(seed: int, split: Split, count: int, melanoma_share: float, keratosis_share: float) -> list[Diagnosis]:
    melanomas = round(melanoma_share * count)
    keratoses = min(round(keratosis_share * count), count - melanomas)
    shares: dict[Diagnosis, int] = {
        "melanoma": melanomas,
        "seborrheic_keratosis": keratoses,
        "nevus": count - melanomas - keratoses,
    }
    names = [diagnosis for diagnosis, number in shares.items() for _ in range(number)]
    order = np.random.default_rng([seed, SPLITS.index(split), _FOR_LABELS]).permutation(count)
    return [names[place] for place in order]


def _processes(orders: int, workers: int | None) -> int:
    """Return how many processes save time: starting one costs about as much as drawing `_WORTH_A_PROCESS` phantoms."""
    return max(1, min(workers or available_processors(), _MOST_WORKERS, -(-orders // _WORTH_A_PROCESS)))


def _write_split(
    start: Path, orders: Sequence[Order], contents: Iterator[Contents], advance: Callable[[int], None]
) -> None:
    with (
        _official_zip(start, "Data") as images,
        _official_zip(start, "Part1_GroundTruth") as masks,
        _official_zip(start, "Part2_GroundTruth") as features,
    ):
        for order, drawn in zip(orders, contents, strict=False):  # contents go on with the next split
            images(f"{order.image_id}.jpg", drawn.image)
            images(f"{order.image_id}_superpixels.png", drawn.superpixels)
            masks(f"{order.image_id}_segmentation.png", drawn.mask)
            features(f"{order.image_id}_features.json", drawn.features)
            advance(1)
        images(f"{start.name}_Data_metadata.csv", _metadata(orders).encode())
    with replacing(start.with_name(f"{start.name}_Part3_GroundTruth.csv")) as part:
        part.write_bytes(_labels(orders).encode())


@contextmanager
def _official_zip(start: Path, kind: str) -> Iterator[Callable[[str, bytes], None]]:
    """Give the function that adds a member; all lie in one folder of the zip's name, the notices too."""
    path = start.with_name(f"{start.name}_{kind}.zip")
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(f"{path.stem}/{name}", _NO_DATE), content)

        yield add
        for name, text in NOTICES.items():
            add(name, text.encode())


def _metadata(orders: Sequence[Order]) -> str:
    """Make up each patient's age, in steps of five as in the archive, and sex; both now and then unknown."""
    lines = ["image_id,age_approximate,sex"]
    for order in orders:
        rng = np.random.default_rng([order.seed, order.index, _FOR_METADATA])
        age = int(np.clip(5 * round(rng.normal(_MEAN_AGE[order.diagnosis], 16) / 5), 10, 85))
        sex = rng.choice(["female", "male"])
        known = rng.random() < 0.9
        lines.append(f"{order.image_id},{age if known else 'unknown'},{sex if known else 'unknown'}")
    return "\n".join([*lines, ""])


def _labels(orders: Sequence[Order]) -> str:
    names = ("melanoma", "seborrheic_keratosis")
    rows = (",".join([one.image_id, *(f"{float(one.diagnosis == name)}" for name in names)]) for one in orders)
    return "\r\n".join([",".join(("image_id", *names)), *rows, ""])
