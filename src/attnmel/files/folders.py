"""The home folder of data and cache, run folders, and the name of every file in them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import platformdirs

from attnmel.errors import ConfigError
from attnmel.files.leftovers import remove_leftovers, temporary

NOTICES = "NOTICE.txt"
"""File next to the tables of a folder: what they may be used for, and the licence of the training data."""

HOME_VARIABLE = "ATTNMEL_HOME"


def home_folder(chosen: Path | None = None) -> Path:
    """Return the folder of data, cache and weights: `chosen`, else $ATTNMEL_HOME, else the user's cache folder.

    Raises:
        ConfigError: none of the three is known, as in a container for a user without an entry in /etc/passwd.
    """
    if chosen is not None:
        return expanded(chosen).absolute()
    if named := os.environ.get(HOME_VARIABLE):
        return expanded(named).absolute()
    try:
        found = Path(platformdirs.user_cache_dir("attnmel", appauthor=False))
    except RuntimeError:  # of a newer platformdirs; an older one leaves "~" as it is
        found = Path()
    if not found.is_absolute():
        raise ConfigError(
            "this user has no home folder for data sets and cache (no HOME in the environment); name a folder by "
            f"--home, or by the variable {HOME_VARIABLE}"
        )
    return found


def expanded(path: str | Path) -> Path:
    """Return a path with "~" replaced by the user's home; as it is where no such home is known."""
    with suppress(RuntimeError):
        return Path(path).expanduser()
    return Path(path)


def dataset_folder(home: Path, dataset: str) -> Path:
    """Return the folder of the unpacked official files of a data set."""
    return home / "data" / dataset


def cache_folder(home: Path) -> Path:
    """Return the folder of prepared images, with one folder for each key."""
    return home / "cache"


def weights_folder(home: Path) -> Path:
    """Return the folder of published ImageNet weights."""
    return home / "weights"


def audit_folder(home: Path) -> Path:
    """Return the folder of stored audits, with one folder for each."""
    return home / "audit"


def predicted_masks(home: Path, dataset: str) -> "MasksFolder":
    """Return the folder of the masks that a segmenter predicted for a data set."""
    return MasksFolder(home / "masks" / dataset)


class _Named:
    """A file of a folder that always has the same name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: "MasksFolder | MapsFolder | RunFolder", kind: type) -> Path:
        return folder.path / self._name


@dataclass(frozen=True)
class MasksFolder:
    """The masks that a segmenter predicted for some images."""

    path: Path

    table: ClassVar[_Named] = _Named("masks.csv")
    """One row for each mask: its confidence, area and warning flags."""
    images: ClassVar[_Named] = _Named("images.csv")
    """Every training image of the segmenter, as `RunFolder.images`."""

    def mask(self, image_id: str) -> Path:
        """The lesion mask of an image, in the size of the image."""
        return self.path / f"{image_id}_segmentation.png"


@dataclass(frozen=True)
class MapsFolder:
    """The saliency maps of `attnmel explain` for one split, and their evaluation."""

    path: Path

    table: ClassVar[_Named] = _Named("measures.csv")
    """One row for each image, one column for each map, measure and target."""
    summary: ClassVar[_Named] = _Named("summary.json")
    """Means with intervals, and differences between maps."""
    text: ClassVar[_Named] = _Named("summary.md")
    """The summary as text."""
    grid: ClassVar[_Named] = _Named("grid.png")
    """Some correct and wrong predictions with every map, as one picture."""
    gallery: ClassVar[_Named] = _Named("gallery.html")
    """Every image with its maps, as one page."""

    def maps(self, method: str) -> Path:
        """The maps of one method, by image."""
        return self.path / f"{method.replace(':', '-')}.npz"

    def channels(self, layer: str) -> Path:
        """The page of the channels of a layer."""
        return self.path / f"channels-{layer}.html"

    def channel_table(self, layer: str) -> Path:
        """The channels of a layer, each with its relation to the class and to the lesion."""
        return self.path / f"channels-{layer}.csv"


@dataclass(frozen=True)
class RunFolder:
    """One training run: every file it writes, by name."""

    path: Path

    recipe: ClassVar[_Named] = _Named("recipe.toml")
    """The resolved recipe, which can be used as a recipe."""
    provenance: ClassVar[_Named] = _Named("provenance.json")
    """Seed, versions, device, command, data fingerprint."""
    history: ClassVar[_Named] = _Named("history.csv")
    """One row for each epoch."""
    events: ClassVar[_Named] = _Named("events")
    """TensorBoard event files."""
    loggers: ClassVar[_Named] = _Named("loggers.json")
    """The name of the run at each logger of `training.log`, by which a resumed run goes on with it."""
    best: ClassVar[_Named] = _Named("best.safetensors")
    """Checkpoint of the best epoch on the validation split."""
    system: ClassVar[_Named] = _Named("system.json")
    """What a fitted system is made of and which images it was fitted on, for people; also in its checkpoint."""
    fusion: ClassVar[_Named] = _Named("fusion.json")
    """What a fusion is made of, for people; also in its checkpoint."""
    last: ClassVar[_Named] = _Named("last.safetensors")
    """Checkpoint of the last finished epoch."""
    resume: ClassVar[_Named] = _Named("resume.safetensors")
    """Everything that `--resume` needs: weights, momentum and history of the last finished epoch."""
    measures: ClassVar[_Named] = _Named("measures.json")
    """Measures of every evaluated split, with intervals."""
    images: ClassVar[_Named] = _Named("images.csv")
    """Every image of training and validation, by which later evaluations find leaks."""
    fingerprints: ClassVar[_Named] = _Named("fingerprints.npy")
    """Of a model that comes along, the fingerprint of each of `images`, by which copies of them are found."""
    leakage: ClassVar[_Named] = _Named("leakage.csv")
    """Evaluated images that are known from training, one row for each pair."""
    report: ClassVar[_Named] = _Named("report.html")
    """The report, a self-contained page."""
    onnx: ClassVar[_Named] = _Named("model.onnx")
    """The network as one file that runs without torch, by `attnmel export`."""
    maps: ClassVar[_Named] = _Named("maps")
    """Attention maps as overlays and NPZ, by `attnmel explain`."""

    def ablation(self, name: str) -> "RunFolder":
        """The ablation of the same recipe and seed, next to this run: `<recipe>/<ablation>/seed-0`."""
        return RunFolder(self.path.parent / name / self.path.name)

    @property
    def names(self) -> set[str]:
        """The names of what is in the folder before its recipe."""
        return {NOTICES, *(path.name for path in (self.provenance, self.images, self.prior.path, self.start.path))}

    def details(self, split: str) -> Path:
        """More results of an evaluated split: operating points, calibration, subgroups."""
        return self.path / "predictions" / f"{split}-details.json"

    @property
    def prior(self) -> MasksFolder:
        """The training images of the segmenter that predicted the masks of the prior; no masks."""
        return MasksFolder(self.path / "prior")

    @property
    def start(self) -> MasksFolder:
        """The images that the runs learnt from whose weights the run began with, or are its features; no masks."""
        return MasksFolder(self.path / "start")

    @property
    def recalibration(self) -> MasksFolder:
        """The images that `attnmel recalibrate` chose temperature and thresholds on; no masks."""
        return MasksFolder(self.path / "recalibration")

    def split_maps(self, split: str) -> MapsFolder:
        """Maps of a whole split, by `attnmel explain --split`."""
        return MapsFolder(self.maps / split)

    def predictions(self, split: str) -> Path:
        """Class probabilities of a split, or of an external data set by its name."""
        return self.path / "predictions" / f"{split}.csv"

    def attention(self, split: str) -> Path:
        """Attention maps of `predictions(split)`."""
        return self.path / "predictions" / f"{split}-attention.npz"

    def submission(self, split: str) -> Path:
        """The same probabilities in the official submission format."""
        return self.path / "predictions" / f"{split}-submission.csv"

    def seen(self, split: str) -> Path:
        """How much of each image and its lesion the network saw, with warnings; one row for each image."""
        return self.path / "predictions" / f"{split}-seen.csv"

    def overlap(self, split: str) -> Path:
        """Overlap of each attention map with the lesion mask, one row for each image."""
        return self.path / "predictions" / f"{split}-overlap.csv"


def require_replaceable(path: Path) -> None:
    """Refuse to put a file in the place of what is neither file nor folder, such as /dev/null.

    Raises:
        ConfigError: names the path.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ConfigError(f"{path} is a device, a pipe or a socket, which is not replaced; name a file or a folder")


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary path next to `path`; it is renamed to `path` if the block succeeds, and removed otherwise.

    So a reader finds the old file, the new file or none, never a part of one. With `durable`, for a file, that is so
    after a power cut too, and the new one is on the disk at the end. An error of the disk names `path`.
    """
    require_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    with temporary(path) as part:
        yield part
        if durable:
            _to_disk(part)
        part.replace(path)
        if durable and os.name == "posix":  # elsewhere a folder cannot be opened
            _to_disk(path.parent)


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a whole file of text in UTF-8, by `replacing`."""
    with replacing(path, durable=durable) as part:
        part.write_text(text, encoding="utf-8")


def _to_disk(path: Path) -> None:
    file = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)
