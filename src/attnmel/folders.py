"""Where things lie: the home of data and cache, one folder a run, every file name."""

import hashlib
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
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


@contextmanager
def alone(place: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Work in a folder, there already or not, while no other process of this machine does so by this function.

    `waiting` is called before a wait. The system frees the lock when its process ends, however that happens. It lies in
    the folder for temporary files, so `place` shows no trace of it. Windows, and disks without locks, go without.
    """
    name = hashlib.sha256(os.fsencode(place.resolve())).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"attnmel-{name}.lock"
    lock = _locked(path, waiting)
    try:
        yield
    finally:
        if lock is not None:
            with suppress(OSError):
                path.unlink()
            os.close(lock)


def _locked(path: Path, waiting: Callable[[], None]) -> int | None:
    if sys.platform == "win32":
        return None
    import fcntl

    while True:
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            return lock
        with suppress(OSError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                return lock
        os.close(lock)  # who held it has removed the file, so that a newer one may be the lock
