"""A segmenter and images -> a folder of lesion masks in the images' own size, with a table of their quality."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import nn

from attnmel.compute import runtime
from attnmel.data.datasets.mask_files import require_single
from attnmel.data.datasets.read_dataset import KNOWN, read_dataset
from attnmel.data.dicom.frames import WRITER, is_dicom_file
from attnmel.data.image_files.masks import read_mask
from attnmel.data.image_files.reading import ReadingNotes
from attnmel.data.preprocess.images import MASK_THRESHOLD
from attnmel.errors import ConfigError, PredictionsError
from attnmel.evaluation.masks.quality import signs
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import MasksFolder, RunFolder, predicted_masks, replacing
from attnmel.files.locks import hold_folder
from attnmel.files.packages import require_installed
from attnmel.models.segmenter import SegmenterCard, load_segmenter
from attnmel.models.weights.checkpoints import checkpoint_file
from attnmel.pipeline.predict.image_files import distinct_names, image_files, raise_for_failures
from attnmel.pipeline.run.images.seen_images import read_images, write_images
from attnmel.pipeline.segment.image_masks import DrawnMask, drawn_images
from attnmel.pipeline.segment.masks_table import MaskRow, read_masks_table, write_masks_table
from attnmel.progress import SILENT, Progress

ROWS_AT_ONCE = 256
"""Images between two writings of the table: a stop loses no more of them."""


@dataclass(frozen=True)
class Masks:
    """What lies in a folder of masks after a prediction."""

    folder: MasksFolder
    rows: tuple[MaskRow, ...] = field(repr=False)
    """Of the given images, in their order."""
    kept: int
    """How many of them an earlier prediction had drawn."""

    def sentence(self) -> str:
        """Return what was drawn, in one line."""
        flags = Counter(row.flag for row in self.rows if row.flag)
        counts = "".join(f", {count} {flag}" for flag, count in sorted(flags.items()))
        files = sum(not row.error and row.flag != "empty" for row in self.rows)
        earlier = f", {self.kept} of them from before" if self.kept else ""
        return f"{self.folder.path}: {files} masks of {len(self.rows)} images{counts}{earlier}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"folder": str(self.folder.path), "kept": self.kept, "masks": [asdict(row) for row in self.rows]}

    def raise_for_failures(self) -> None:
        """Complain of images that could not be read, after the others are done.

        Raises:
            ImageError: names them.
        """
        raise_for_failures([row.error for row in self.rows if row.error], len(self.rows))


def predict_masks(
    model: Path,
    images: Sequence[str],
    *,
    home: Path,
    out: Path | None = None,
    replace: bool = False,
    batch: int = 16,
    dicom: Path | None = None,
    progress: Progress = SILENT,
) -> Masks:
    """Draw the masks of a known data set, or of files and folders, into a folder.

    Rows that the same segmenter wrote are kept, so that a stopped prediction goes on; `replace` draws all anew, and
    removes the masks of another segmenter, also of images that are not given. An image that cannot be read gets a row
    with the reason and no mask; an empty mask gets a row and no file. The masks of DICOM images are written to the
    folder `dicom` as Segmentations, too.

    Raises:
        CheckpointError: the model cannot be used.
        ConfigError: no `out` for images that are no known data set; MONAI is not installed; none is DICOM for `dicom`.
        ImageError: no image is named.
        LabelError: two images of one id.
        PredictionsError: the folder holds masks of another segmenter.
        BusyError: another command writes into the folder.
    """
    network, card = load_segmenter(model)
    named = _named_images(images, home, progress)
    folder = _folder(images, home, out)
    if dicom is not None:
        require_dicom_masks(dict(named))
    if not folder.table.is_file():
        strange = [folder.mask(image_id) for image_id, _ in named if folder.mask(image_id).exists()]
        if strange:
            raise ConfigError(
                f"{strange[0]} was not written by attnmel (no {folder.table.name} in its folder), so it is not "
                "replaced; choose another folder by --out"
            )
    with hold_folder(folder.path):
        masks = _predict_into(folder, model, network, card, named, replace, batch, progress)
        if dicom is not None:
            files = {row.image_id: folder.mask(row.image_id) for row in masks.rows}
            there = {name: path for name, path in files.items() if path.is_file()}
            progress.note(f"{dicom}: {write_dicom_masks(dicom, dict(named), there)} masks as DICOM")
        return masks


def _predict_into(
    folder: MasksFolder,
    model: Path,
    network: nn.Module,
    card: SegmenterCard,
    named: Sequence[tuple[str, Path]],
    replace: bool,
    batch: int,
    progress: Progress,
) -> Masks:
    segmenter = file_sha256(checkpoint_file(model))
    rows = _rows_beside(folder, segmenter, dict(named)) if replace else _rows_before(folder, segmenter)
    wanted = [(image_id, path) for image_id, path in named if not _is_done(folder, rows.get(image_id))]
    # Before the first mask, so that the masks of a stopped prediction are known to be the program's.
    write_masks_table(folder, segmenter, rows.values(), card.licence)
    _copy_images(model, folder, card, progress)
    device = runtime.choose_device()
    drawn = drawn_images(network.to(device), card, wanted, batch=batch, device=device)
    readings = ReadingNotes()
    for _, path in wanted:
        readings.add(path)
    readings.note(progress)
    with progress.bar("drawing masks", len(wanted), "images") as advance:
        for count, one in enumerate(drawn, start=1):
            rows[one.image_id] = _written(one, folder, card)
            if count % ROWS_AT_ONCE == 0 or count == len(wanted):
                write_masks_table(folder, segmenter, rows.values(), card.licence)
            advance(1)
    return Masks(folder, tuple(rows[image_id] for image_id, _ in named), len(named) - len(wanted))


def _named_images(images: Sequence[str], home: Path, progress: Progress) -> list[tuple[str, Path]]:
    """Return id and file of every given image."""
    if known := [name for name in images if name in KNOWN]:
        if len(images) > 1:
            raise ConfigError(f"{known[0]} is a data set; name it alone, or files and folders only")
        return [(lesion.image_id, lesion.image) for lesion in read_dataset(known[0], home).lesions]
    paths = image_files([Path(name) for name in images], progress)
    names = distinct_names(paths)
    require_single((names[path] for path in paths), "images of one name, whose masks would have one name too")
    return [(names[path], path) for path in paths]


def _folder(images: Sequence[str], home: Path, out: Path | None) -> MasksFolder:
    if out is not None:
        return MasksFolder(out)
    if images[0] not in KNOWN:
        raise ConfigError("name the folder of the masks by --out; only a known data set has one of its own")
    return predicted_masks(home, images[0])


def _rows_before(folder: MasksFolder, segmenter: str) -> dict[str, MaskRow]:
    before = read_masks_table(folder)
    if before is not None and before.rows and before.segmenter != segmenter:
        raise PredictionsError(
            f"{folder.path} holds {len(before.rows)} masks of another segmenter ({before.segmenter[:12]}, this one is "
            f"{segmenter[:12]}); draw them anew with --replace, or choose another --out"
        )
    return before.rows if before else {}


def _rows_beside(folder: MasksFolder, segmenter: str, named: Collection[str]) -> dict[str, MaskRow]:
    """Return the rows of images that are not named; remove the masks of the others, and all of another segmenter.

    Else a folder would hold masks of two segmenters under the name of one, or of an image that is no longer read.
    """
    try:
        before = read_masks_table(folder)
    except PredictionsError:
        return {}  # damaged, which this is the cure of
    if before is None:
        return {}
    kept = {name: row for name, row in before.rows.items() if name not in named and before.segmenter == segmenter}
    for path in map(folder.mask, before.rows.keys() - kept.keys()):
        if path.resolve().is_relative_to(folder.path.resolve()):  # the table may be anybody's
            path.unlink(missing_ok=True)
    return kept


def _is_done(folder: MasksFolder, row: MaskRow | None) -> bool:
    if row is None or row.error:
        return False
    return row.flag == "empty" or folder.mask(row.image_id).is_file()


def _copy_images(model: Path, folder: MasksFolder, card: SegmenterCard, progress: Progress) -> None:
    """Copy the list of the segmenter's training images into the folder of masks, so that they stay together."""
    learnt = read_images(RunFolder(checkpoint_file(model).parent))
    if not learnt:
        progress.note(f"no images.csv with {model}: the images that the segmenter learnt from are not known")
        return
    write_images(folder, learnt, card.licence)


def _written(drawn: DrawnMask, folder: MasksFolder, card: SegmenterCard) -> MaskRow:
    """Write the mask, unless it is empty, and return its row; a former mask goes in either case."""
    if drawn.probability is None:
        folder.mask(drawn.image_id).unlink(missing_ok=True)
        return MaskRow(drawn.image_id, 0.0, 0.0, 0, "", drawn.error)
    mask = drawn.mask(card.threshold)
    found, path = signs(drawn.probability, mask), folder.mask(drawn.image_id)
    if found.flag == "empty":
        path.unlink(missing_ok=True)
    else:
        with replacing(path) as part:
            Image.fromarray(mask.astype(np.uint8) * 255).save(part)
    return MaskRow(drawn.image_id, *found)


def require_dicom_masks(paths: Mapping[str, Path]) -> None:
    """Refuse to write Segmentations where no image is DICOM, or what writes them is not installed.

    Raises:
        ConfigError: says which.
    """
    if not any(map(is_dicom_file, paths.values())):
        raise ConfigError("masks are written as DICOM for DICOM images only, and there is none; leave out --dicom-out")
    require_installed(WRITER, "a result as DICOM", "dicom")


def write_dicom_masks(out: Path, paths: Mapping[str, Path], masks: Mapping[str, Path]) -> int:
    """Write `<image>-mask.dcm` for each DICOM image with a mask, both by image id; return how many."""
    from attnmel.data.dicom.results import Results, write_mask  # needs highdicom

    results, written = Results("lesion mask"), 0
    out.mkdir(parents=True, exist_ok=True)
    with hold_folder(out):
        for image_id, mask in masks.items():
            if is_dicom_file(paths[image_id]):
                marked = np.asarray(read_mask(mask)) > MASK_THRESHOLD
                write_mask(out / f"{image_id}-mask.dcm", paths[image_id], marked, results)
                written += 1
    return written
