"""A recipe and its data -> the files of each training image's prior, counted, and what their segmenter learnt from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attnmel.config.recipe import LossSettings, Recipe
from attnmel.data.priors.cache import Planes, open_planes
from attnmel.data.priors.corrupt import NOT_SPOILT
from attnmel.data.priors.kinds import NO_PRIOR
from attnmel.data.priors.sources import (
    PriorFiles,
    count_by_source,
    mask_flags,
    masks_folder,
    masks_segmenter,
    prior_files,
)
from attnmel.errors import LabelError, listed
from attnmel.pipeline.run.images.crops import cache_crop, crop_masks
from attnmel.pipeline.run.images.dataset import Prepared
from attnmel.pipeline.run.images.left_out import evaluated_splits
from attnmel.pipeline.run.images.seen_images import Known, judged_images, read_images, segmenter_note, shared_images
from attnmel.progress import SILENT, Progress
from attnmel.records import Lesion


@dataclass(frozen=True)
class RunPrior:
    """The prior of a run's training images."""

    loss: LossSettings
    planes: Planes | None
    """None where there is no prior, or it is made of the lesion masks that the image cache holds."""
    images: int
    """Training images."""
    sources: dict[str, int]
    """How many of them have a prior from where."""
    segmenter: str
    """SHA-256 of the segmenter that drew the masks; "" where none did, or it is not known."""
    flags: dict[str, int]
    """How many of those masks their segmenter found odd, by how."""
    segmenter_images: tuple[Known, ...]
    """Images that the segmenter of the masks learnt from; empty without a segmenter, or where they are not known."""

    @property
    def facts(self) -> dict[str, Any]:
        """Return the entry in a run's provenance; empty without a prior."""
        if self.loss.prior == NO_PRIOR:
            return {}
        having = sum(self.sources.values())
        return {
            "prior": self.loss.prior,
            "masks": self.loss.masks,
            "spoil": self.loss.spoil,
            "with": having,
            "without": self.images - having,
            "sources": self.sources,
            "flags": self.flags,
            **({"segmenter": self.segmenter} if self.segmenter else {}),
            **({"content": self.planes.key, "empty": int(self.planes.is_empty.sum())} if self.planes else {}),
        }


def prepare_prior(recipe: Recipe, prepared: Prepared, *, home: Path, progress: Progress = SILENT) -> RunPrior:
    """Find the prior of every training image, prepare those that are not masks of the image cache, and report counts.

    Images without a prior do not enter the Dice losses.

    Raises:
        LabelError: no training image has a prior, or the files that it is made of are not there.
        ImageError: names the images whose files cannot be used.
    """
    loss = recipe.loss
    lesions = [prepared.lesions[row] for row in prepared.rows("train")]
    if loss.prior == NO_PRIOR:
        return RunPrior(loss, None, len(lesions), {}, "", {}, ())
    files = prior_files(loss.prior, loss.masks, prepared.dataset, lesions, home)
    if not files:
        raise LabelError(_nothing(recipe, prepared, lesions))
    planes = None
    if not _is_cached(loss):
        planes = open_planes(
            lesions,
            files,
            crop=cache_crop(recipe.data),
            side=recipe.data.side,
            masks=crop_masks(recipe.data, prepared.dataset, prepared.lesions, home),
            spoil=loss.spoil,
            home=home,
            progress=progress,
        )
    segmenter, flags, segmenter_images = _segmenter(loss, prepared, files, home)
    found = RunPrior(loss, planes, len(lesions), count_by_source(files), segmenter, flags, segmenter_images)
    for sentence in _sentences(found):
        progress.note(sentence)
    for sentence in seen_by_segmenter(segmenter_images, prepared, home):
        progress.note(sentence)
    return found


def seen_by_segmenter(learnt: Sequence[Known], prepared: Prepared, home: Path) -> tuple[str, ...]:
    """Return a sentence for each evaluation split with images that the segmenter of the masks learnt from."""
    if not learnt:
        return ()
    rows = {split: prepared.rows(split) for split in evaluated_splits(prepared)}
    shared = {split: len(shared_images(learnt, judged_images(prepared, of, home), split)) for split, of in rows.items()}
    return tuple(segmenter_note(count, len(rows[split]), split) for split, count in shared.items() if count)


def _is_cached(loss: LossSettings) -> bool:
    """Whether the prior is made of the mask channel of the image cache."""
    return loss.prior in ("lesion", "background") and not loss.masks and loss.spoil == NOT_SPOILT


def _nothing(recipe: Recipe, prepared: Prepared, lesions: Sequence[Lesion]) -> str:
    place = f"in {recipe.loss.masks}" if recipe.loss.masks else f"of {prepared.dataset.name}"
    return (
        f"{recipe.name} is trained toward a prior ({recipe.loss.prior}), but none of the {len(lesions)} training "
        f"images has a mask {place}: {listed(lesion.image_id for lesion in lesions)}. Fetch or add the masks, or train "
        "with `--set loss.prior=none`."
    )


def _segmenter(
    loss: LossSettings, prepared: Prepared, files: dict[str, PriorFiles], home: Path
) -> tuple[str, dict[str, int], tuple[Known, ...]]:
    """Return the segmenter of the masks, how many of them it found odd, and what it learnt from."""
    if not loss.masks:
        return "", {}, ()
    folder = masks_folder(loss.masks, prepared.dataset, home)
    flags = mask_flags(folder)
    odd = dict(Counter(flags[one] for one in files if flags.get(one)))
    return masks_segmenter(folder), odd, read_images(folder)


def _empty_words(loss: LossSettings) -> str:
    if loss.prior == "background":
        return "there all of it is background"
    if loss.dice == "image":
        return "they are left out of the mean over images"
    return "there it is 0 everywhere"


def _sentences(found: RunPrior) -> list[str]:
    prior, having = found.loss.prior, sum(found.sources.values())
    sources = " and ".join(f"{count:,} have {source}" for source, count in found.sources.items())
    sentences = [f"prior {prior}: of {found.images:,} training images {sources}"]
    if bare := found.images - having:
        sentences[0] += f"; {bare:,} have none and do not enter its loss"
    if found.flags:
        odd = ", ".join(f"{count:,} {flag}" for flag, count in found.flags.items())
        sentences.append(f"of these masks the segmenter itself finds odd: {odd}")
    if found.planes is not None and (empty := int(found.planes.is_empty.sum())):
        sentences.append(f"{empty:,} of these mark nothing in the square: {_empty_words(found.loss)}")
    if found.loss.spoil != NOT_SPOILT:
        sentences.append(f"the masks of the prior are spoilt on purpose: {found.loss.spoil}")
    return sentences
