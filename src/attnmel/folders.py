"""Where things lie: the home of data and cache, one folder a run, every file name."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

HOME_VARIABLE = "ATTNMEL_HOME"


def home_folder(chosen: Path | None = None) -> Path:
    """Return where data, cache and weights lie: as chosen, else $ATTNMEL_HOME, else the user's cache folder."""
    if chosen is not None:
        return chosen.expanduser().absolute()
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named).expanduser().absolute()
    return Path(platformdirs.user_cache_dir("attnmel", appauthor=False))


def dataset_folder(home: Path, dataset: str) -> Path:
    """Return where the unpacked official files of one data set lie."""
    return home / "data" / dataset


def cache_folder(home: Path) -> Path:
    """Return where prepared images lie, a folder a key."""
    return home / "cache"


def weights_folder(home: Path) -> Path:
    """Return where published ImageNet weights lie."""
    return home / "weights"


def audit_folder(home: Path) -> Path:
    """Return where stored audits lie, a folder an audit."""
    return home / "audit"


def predicted_masks(home: Path, dataset: str) -> "MasksFolder":
    """Return where the masks that a segmenter wrote for a data set lie."""
    return MasksFolder(home / "masks" / dataset)


@dataclass(frozen=True)
class MasksFolder:
    """The masks that a segmenter wrote for some images."""

    path: Path

    def mask(self, image_id: str) -> Path:
        """The lesion mask of one image, in the image's own size."""
        return self.path / f"{image_id}_segmentation.png"

    @property
    def table(self) -> Path:
        """One row a mask: its confidence, its area and what is odd about it."""
        return self.path / "masks.csv"

    @property
    def images(self) -> Path:
        """Every image that the segmenter learnt from, as `RunFolder.images`."""
        return self.path / "images.csv"


@dataclass(frozen=True)
class MapsFolder:
    """The maps that `attnmel explain` made of one split, and what they are worth."""

    path: Path

    def maps(self, method: str) -> Path:
        """The maps of one method, by image."""
        return self.path / f"{method.replace(':', '-')}.npz"

    def channels(self, layer: str) -> Path:
        """The channels of one layer to browse, as one page."""
        return self.path / f"channels-{layer}.html"

    def channel_table(self, layer: str) -> Path:
        """The channels of one layer: what each has to do with the class and with the lesion."""
        return self.path / f"channels-{layer}.csv"

    @property
    def table(self) -> Path:
        """One row an image, a column a map, measure and target."""
        return self.path / "measures.csv"

    @property
    def summary(self) -> Path:
        """Means with intervals, and differences between maps."""
        return self.path / "summary.json"

    @property
    def text(self) -> Path:
        """The same for people."""
        return self.path / "summary.md"

    @property
    def grid(self) -> Path:
        """Some hits and misses with every map, as one picture."""
        return self.path / "grid.png"

    @property
    def gallery(self) -> Path:
        """Every image with its maps, as one page."""
        return self.path / "gallery.html"


@dataclass(frozen=True)
class RunFolder:
    """One training run: every file it writes, by name."""

    path: Path

    def control(self, name: str) -> "RunFolder":
        """The run of the same recipe and seed under a control, beside this one: `<recipe>/<control>/seed-0`."""
        return RunFolder(self.path.parent / name / self.path.name)

    @property
    def recipe(self) -> Path:
        """The resolved recipe, itself a recipe again."""
        return self.path / "recipe.toml"

    @property
    def provenance(self) -> Path:
        """Seed, versions, device, command, data fingerprint."""
        return self.path / "provenance.json"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.path / "history.csv"

    @property
    def events(self) -> Path:
        """TensorBoard event files."""
        return self.path / "events"

    @property
    def best(self) -> Path:
        """Checkpoint of the best epoch on the validation split."""
        return self.path / "best.safetensors"

    @property
    def last(self) -> Path:
        """Checkpoint of the last finished epoch."""
        return self.path / "last.safetensors"

    @property
    def resume(self) -> Path:
        """All that `--resume` needs: weights, momentum and history of the last finished epoch, in one file."""
        return self.path / "resume.safetensors"

    @property
    def measures(self) -> Path:
        """Measures of every judged split, with intervals."""
        return self.path / "measures.json"

    def details(self, split: str) -> Path:
        """All that is known beyond the measures of one judged split: operating points, calibration, subgroups."""
        return self.path / "predictions" / f"{split}-details.json"

    @property
    def images(self) -> Path:
        """Every image that trained or chose the epoch: what a later judgement is held against."""
        return self.path / "images.csv"

    @property
    def prior(self) -> MasksFolder:
        """What is known of a prior whose masks a segmenter drew: which images that one learnt from; no mask."""
        return MasksFolder(self.path / "prior")

    @property
    def leakage(self) -> Path:
        """Judged images that are known from training, one row a pair."""
        return self.path / "leakage.csv"

    @property
    def report(self) -> Path:
        """The self-contained page."""
        return self.path / "report.html"

    @property
    def onnx(self) -> Path:
        """The network as one file that runs without torch, by `attnmel export`."""
        return self.path / "model.onnx"

    @property
    def maps(self) -> Path:
        """Attention maps as overlays and NPZ, by `attnmel explain`."""
        return self.path / "maps"

    def split_maps(self, split: str) -> MapsFolder:
        """Maps of a whole split, by `attnmel explain --split`."""
        return MapsFolder(self.maps / split)

    def predictions(self, split: str) -> Path:
        """Class probabilities of one split, or of one external set by its name."""
        return self.path / "predictions" / f"{split}.csv"

    def attention(self, split: str) -> Path:
        """Attention maps that belong to `predictions(split)`."""
        return self.path / "predictions" / f"{split}-attention.npz"

    def submission(self, split: str) -> Path:
        """The same probabilities in the official submission format."""
        return self.path / "predictions" / f"{split}-submission.csv"

    def overlap(self, split: str) -> Path:
        """Overlap of each attention map with the lesion mask, one row an image."""
        return self.path / "predictions" / f"{split}-overlap.csv"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`, renamed to it once the block ends well, removed otherwise.

    So a reader finds the old file, the new file or none, never half of one. An error of the disk names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name keeps its ending: some writers choose their format by it.
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        if error.errno is not None and str(part) in str(error.filename or part):
            error.filename = str(path)
        raise
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with suppress(OSError):  # of a disk that cannot be written the first error says more
                part.unlink(missing_ok=True)
