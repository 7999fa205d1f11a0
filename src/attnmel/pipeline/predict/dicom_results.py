"""Write the prediction of a DICOM image as DICOM.

The picture with what the network saw of it is a Secondary Capture, and its attention maps are a Segmentation.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attnmel.data.dicom.frames import WRITER, image_id, is_dicom_file
from attnmel.data.preprocess.images import whole_frame
from attnmel.errors import ConfigError
from attnmel.files.own_files import SHORT_NOTICE
from attnmel.files.packages import require_installed
from attnmel.models.weights.card import Card
from attnmel.number_formats import fixed
from attnmel.pipeline.predict.attention_maps import shown_image, with_lines, with_map
from attnmel.pipeline.predict.image_files import own_folders
from attnmel.pipeline.predict.table import ImageResult
from attnmel.saliency.overlays import DARK, LIGHT
from attnmel.shapes import UInt8

LONGEST = 1200
"""Pixels of a result's longer side at most: enough for a screen, 3 MB."""

LINES = 40
"""A line of text has this share of the picture's height."""


class DicomResults:
    """The DICOM files of one prediction, in a folder.

    Raises:
        ConfigError: none of the images is DICOM, or what writes DICOM is not installed.
    """

    def __init__(self, folder: Path, paths: Sequence[Path], card: Card) -> None:
        if not any(map(is_dicom_file, paths)):
            raise ConfigError(
                "results are written as DICOM for DICOM images only, and there is none; leave out --dicom-out"
            )
        require_installed(WRITER, "a result as DICOM", "dicom")
        from attnmel.data.dicom.results import SERIES_NUMBER, Results  # needs highdicom

        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._folders, self._card = folder, own_folders(folder, paths), card
        self._results = Results("lesion classification")
        self._maps = Results("attention maps", series_number=SERIES_NUMBER + 1)
        self.others = 0
        """Number of images so far that are no DICOM, and have no such result."""

    def write(self, path: Path, result: ImageResult) -> None:
        """Write the picture, or one for each attention map, with the probabilities below; and the maps themselves.

        Raises:
            ImageError: the file cannot be used, or lacks what a result is filed by.
            ConfigError: the folder holds a file of that name that the program did not write.
        """
        from attnmel.data.dicom.results import write_capture, write_maps  # needs highdicom

        if not is_dicom_file(path):
            self.others += 1
            return
        probabilities = [
            f"{name} {fixed(value)}" for name, value in zip(self._card.classes, result.probabilities, strict=True)
        ]
        start = self._folders[path] / image_id(path)
        for name, picture in self._pictures(path, result):
            what = f"attention map {name}" if name else "image"
            lines = [SHORT_NOTICE, ", ".join(probabilities), f"attnmel, {self._card.network}, {what}"]
            shown = with_text(picture, lines)
            write_capture(
                start.with_name(f"{start.name}-{name or 'result'}.dcm"),
                path,
                shown,
                self._results,
                f"{what} and probabilities: {', '.join(probabilities)}",
            )
        if result.attention and result.seen is not None:
            square = result.seen.squares[0]
            maps = {name: whole_frame(one, square, size=1, side=1) for name, one in result.attention.items()}
            said = f"attention of {self._card.network}, 0 outside what it saw"
            write_maps(start.with_name(f"{start.name}-attention.dcm"), path, maps, self._maps, said)

    def _pictures(self, path: Path, result: ImageResult) -> Iterator[tuple[str, UInt8[np.ndarray, "H W 3"]]]:
        """Yield the picture under each attention map by its name; the picture alone, unnamed, if there is none."""
        assert result.seen is not None  # of a file that could be used
        image, _ = shown_image(path, LONGEST)
        if not result.attention:
            yield "", with_lines(image, result.seen)
        for name, one in result.attention.items():
            yield name, with_map(image, one, result.seen)


def with_text(image: UInt8[np.ndarray, "H W 3"], lines: Sequence[str]) -> UInt8[np.ndarray, "below W 3"]:
    """Return a picture with lines of text below it."""
    height, width = image.shape[:2]
    size = max(10, max(height, width) // LINES)
    picture = Image.new("RGB", (width, height + round(size * 1.4 * len(lines)) + size // 2), DARK)
    picture.paste(Image.fromarray(image))
    drawing, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for number, line in enumerate(lines):
        drawing.text((size // 2, height + round(size * (0.3 + 1.4 * number))), line, LIGHT, font)
    return np.asarray(picture)
