"""What can be wrong with a data set: every kind with how grave it is and what to do. No torch."""

from dataclasses import dataclass
from typing import Literal

from attnmel.data.tables.problems import Problem

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class FindingKind:
    """One way in which a data set can be wrong."""

    name: str
    severity: Severity
    """An error makes figures wrong or stops the reading; a warning wants a look."""
    hint: str
    """What to do about it."""

    def hint_for(self, is_own: bool) -> str:
        """Return what to do about it; what is in a folder of one's own is not fetched."""
        own = self.hint.removeprefix(f"{_AGAIN}, or ") if is_own else self.hint
        return own[:1].upper() + own[1:]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at one place."""

    kind: str
    """A name of `KINDS`."""
    image_id: str
    """Empty where it is not about one image."""
    file: str
    detail: str
    """What was found, and what was expected."""
    problem: Problem | None = None
    """The problem of a table's row that it reports."""

    @property
    def severity(self) -> Severity:
        """How grave the kind is."""
        return KINDS[self.kind].severity


_AGAIN = "Run `attnmel fetch` again"

KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind("not fetched", "error", "Run `attnmel fetch` for the data set, or name another --home."),
        FindingKind("archive missing", "error", f"{_AGAIN}: the fetch stopped before it, or it was deleted since."),
        FindingKind("archive absent", "warning", "Fetch from the official address or a fuller mirror, if you need it."),
        FindingKind("archive short", "warning", "Fetch from a fuller mirror; until then note it with every result."),
        FindingKind("files changed", "error", "Delete the folder and run `attnmel fetch` again."),
        FindingKind("table unusable", "error", "Correct the table, or delete it and run `attnmel fetch` again."),
        FindingKind("label value", "error", "Correct the row, or delete the table and run `attnmel fetch` again."),
        FindingKind("id doubled", "error", "Take the others out, so that each id stands once."),
        FindingKind("id on two sides", "error", "Keep the image on one side of the split."),
        FindingKind("image without label", "error", "Give the image a row in the table, or take it out."),
        FindingKind("label without image", "error", f"{_AGAIN}, or take the row out."),
        FindingKind("image not in archive", "warning", "Fetch from a fuller mirror; the image is left out until then."),
        FindingKind(
            "image without lesion", "error", "Give the image its lesion, or images of it may stand on both sides."
        ),
        FindingKind("lesion without label", "error", "Give the image its label, or take the row out."),
        FindingKind(
            "image without mask", "warning", "Add the mask, or go without: priors and ablations leave the image out."
        ),
        FindingKind("mask without image", "error", "Take the mask out, or add its image."),
        FindingKind("file name", "error", "Rename the file as the archive does, or take it out."),
        FindingKind("feature masks missing", "error", f"{_AGAIN}: each image has a mask a feature, empty or not."),
        FindingKind("image unusable", "error", f"{_AGAIN}, or replace the file with a whole JPEG or PNG."),
        FindingKind("mask unusable", "error", f"{_AGAIN}, or replace the file with a whole PNG, or take the mask out."),
        FindingKind(
            "superpixels unusable",
            "error",
            f"{_AGAIN}, or take the image's list of features out: it then has no dermoscopic prior of superpixels.",
        ),
        FindingKind(
            "mask turned", "error", "Turn the mask, or the image with its EXIF orientation, so that both stand alike."
        ),
        FindingKind(
            "mask turned by colours",
            "warning",
            "Look at it; turn the mask so that it lies on the lesion, or take it out: it is used as it lies.",
        ),
        FindingKind("mask size", "error", "Make the mask anew at the size of its image, or take it out."),
        FindingKind("mask empty", "error", "Draw the lesion, or take the mask out."),
        FindingKind("mask inverted", "error", "Look at it; swap black and white if the lesion is what is not marked."),
        FindingKind(
            "mask outline", "error", "Fill the line, so that the lesion's area is marked, or take the mask out."
        ),
        FindingKind("mask full", "warning", "Look at it; where the lesion does not fill the frame, take the mask out."),
        FindingKind("mask at all borders", "warning", "Look at it; a lesion larger than the frame is no mistake."),
        FindingKind(
            "mask coloured",
            "warning",
            "Make it black and white; a colour counts as lesion where its grey is above 127.",
        ),
        FindingKind("mask grey", "warning", "Make it black and white; levels above 127 count as lesion."),
        FindingKind(
            "no feature marked", "warning", "Leave the image out where features are learnt from; it may be right."
        ),
        FindingKind("image black", "warning", "Look at it; take it out where nothing is seen."),
        FindingKind("image dark around", "warning", "Look at it; a smaller data.crop cuts the dark frame off."),
        FindingKind(
            "image small", "warning", "Replace it with a larger copy; it is enlarged, and looks softer than others."
        ),
        FindingKind("folder table", "error", "Correct labels.csv."),
        FindingKind(
            "split without class",
            "error",
            "Add images, or give labels.csv a column 'split' that has each class; where data.fold draws the splits, "
            "take fewer parts.",
        ),
        FindingKind(
            "excluded image unknown",
            "error",
            "Take it out of data.exclude, or write the exclusion list anew with `attnmel audit`.",
        ),
        FindingKind(
            "large group", "warning", "Look at the column 'group'; leave a cell empty where the patient is not known."
        ),
        FindingKind("row without image", "warning", "Add the image, or take the row out; until then it is left out."),
        FindingKind("image without row", "warning", "Give the image a row, or take it out; until then it is left out."),
    )
}
"""By name, in the order of the report: files first, then pixels."""
