"""What can be wrong with a data set: every kind with how grave it is and what to do. No torch."""

from dataclasses import dataclass
from typing import Literal

from attnmel.data.tables.problems import Problem

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Kind:
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

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("not fetched", "error", "Run `attnmel fetch` for the data set, or name another --home."),
        Kind("archive missing", "error", f"{_AGAIN}: the fetch stopped before it, or it was deleted since."),
        Kind("archive absent", "warning", "Fetch from the official address or a fuller mirror, if you need it."),
        Kind("archive short", "warning", "Fetch from a fuller mirror; until then note it with every result."),
        Kind("files changed", "error", "Delete the folder and run `attnmel fetch` again."),
        Kind("table unusable", "error", "Correct the table, or delete it and run `attnmel fetch` again."),
        Kind("label value", "error", "Correct the row, or delete the table and run `attnmel fetch` again."),
        Kind("id doubled", "error", "Take the others out, so that each id stands once."),
        Kind("id on two sides", "error", "Keep the image on one side of the split."),
        Kind("image without label", "error", "Give the image a row in the table, or take it out."),
        Kind("label without image", "error", f"{_AGAIN}, or take the row out."),
        Kind("image not in archive", "warning", "Fetch from a fuller mirror; the image is left out until then."),
        Kind("image without lesion", "error", "Give the image its lesion, or images of it may stand on both sides."),
        Kind("image without mask", "warning", "Add the mask, or go without: priors and ablations leave the image out."),
        Kind("mask without image", "error", "Take the mask out, or add its image."),
        Kind("file name", "error", "Rename the file as the archive does, or take it out."),
        Kind("feature masks missing", "error", f"{_AGAIN}: each image has a mask a feature, empty or not."),
        Kind("image unusable", "error", f"{_AGAIN}, or replace the file with a whole JPEG or PNG."),
        Kind("mask unusable", "error", f"{_AGAIN}, or replace the file with a whole PNG, or take the mask out."),
        Kind(
            "mask turned", "error", "Turn the mask, or the image with its EXIF orientation, so that both stand alike."
        ),
        Kind(
            "mask turned by colours",
            "warning",
            "Look at it; turn the mask so that it lies on the lesion, or take it out: it is used as it lies.",
        ),
        Kind("mask size", "error", "Make the mask anew at the size of its image, or take it out."),
        Kind("mask empty", "error", "Draw the lesion, or take the mask out."),
        Kind("mask inverted", "error", "Look at it; swap black and white if the lesion is what is not marked."),
        Kind("mask outline", "error", "Fill the line, so that the lesion's area is marked, or take the mask out."),
        Kind("mask full", "warning", "Look at it; where the lesion does not fill the frame, take the mask out."),
        Kind("mask at all borders", "warning", "Look at it; a lesion larger than the frame is no mistake."),
        Kind(
            "mask coloured",
            "warning",
            "Make it black and white; a colour counts as lesion where its grey is above 127.",
        ),
        Kind("mask grey", "warning", "Make it black and white; levels above 127 count as lesion."),
        Kind("no feature marked", "warning", "Leave the image out where features are learnt from; it may be right."),
        Kind("image black", "warning", "Look at it; take it out where nothing is seen."),
        Kind("image dark around", "warning", "Look at it; a smaller data.crop cuts the dark frame off."),
        Kind("image small", "warning", "Replace it with a larger copy; it is enlarged, and looks softer than others."),
        Kind("folder table", "error", "Correct labels.csv."),
        Kind("split without class", "error", "Add images, or give labels.csv a column 'split' that has each class."),
        Kind(
            "large group", "warning", "Look at the column 'group'; leave a cell empty where the patient is not known."
        ),
        Kind("row without image", "warning", "Add the image, or take the row out; until then it is left out."),
        Kind("image without row", "warning", "Give the image a row, or take it out; until then it is left out."),
    )
}
"""By name, in the order of the report: files first, then pixels."""
