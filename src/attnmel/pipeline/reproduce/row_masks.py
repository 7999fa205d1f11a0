"""The predicted masks that rows of a table take: whether they are there, and of which segmenter. No torch."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from attnmel.data.datasets.missing import missing_files
from attnmel.data.datasets.read_dataset import read_dataset
from attnmel.errors import ConfigError
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder, predicted_masks
from attnmel.pipeline.segment.masks_table import read_masks_table


def are_predicted(dataset: str, home: Path) -> bool:
    """Whether every image of a data set has a row: a prediction that was stopped leaves a table of some."""
    table = read_masks_table(predicted_masks(home, dataset))
    if table is None or missing_files(dataset, home):
        return False
    return table.rows.keys() >= {lesion.image_id for lesion in read_dataset(dataset, home).lesions}


def check_segmenter(model: Path, datasets: Sequence[str], home: Path, table: str) -> None:
    """Refuse a named segmenter that would not be used for the masks of `datasets`, which rows of a table need.

    Raises:
        ConfigError: no row takes masks, or those that are there are of another segmenter.
    """
    if not datasets:
        raise ConfigError(f"--segmenter draws the predicted masks that rows take, and no chosen row of {table} does")
    for name in datasets:
        folder = predicted_masks(home, name)
        drawn = read_masks_table(folder)
        if drawn is None or not drawn.rows:
            continue
        best = RunFolder(model).best if model.is_dir() else model
        own = file_sha256(best) if best.is_file() else ""
        if drawn.segmenter != own:
            given = f"that of --segmenter is {own[:12]}" if own else f"--segmenter: no checkpoint at {best}"
            raise ConfigError(
                f"{folder.path}, whose masks the rows take, holds those of another segmenter ({drawn.segmenter[:12]}; "
                f"{given}); draw them anew by `attnmel segment predict {shlex.quote(str(model))} {name} --replace`, or "
                "leave out --segmenter"
            )
