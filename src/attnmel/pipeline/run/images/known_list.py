"""The list of evaluated images that are known from training, as `evaluate` leaves it in the run folder."""

import dataclasses
from collections.abc import Set

from attnmel.errors import PredictionsError
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import damage, read_table
from attnmel.pipeline.run.images.seen_images import Leak

LEAK_COLUMNS = tuple(field.name for field in dataclasses.fields(Leak))

SAME_IMAGE = ("same id", "same bytes", "same picture")
"""Kinds of an image that is itself known, and not another one of its lesion."""


def read_leaks(run: RunFolder) -> tuple[Leak, ...]:
    """Return what `write_leaks` wrote; empty where nothing is listed.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.leakage.is_file():
        return ()
    with damage(run.leakage, PredictionsError, "delete it and run `attnmel evaluate` again"):
        return tuple(
            Leak(
                row["judged"],
                row["image"],
                row["kind"],
                float(row["likeness"]) if row["likeness"] else None,
                row["known_image"],
                row["known_split"],
                row.get("dataset", ""),  # missing where an earlier version wrote the list
            )
            for row in read_table(run.leakage, LEAK_COLUMNS[:-1])
        )


def copies_among(run: RunFolder, name: str, chose: Set[str]) -> frozenset[str]:
    """Return the evaluated images of some results that are images of `chose`, by id, file or picture.

    Raises:
        PredictionsError: the list is damaged.
    """
    own = (one for one in read_leaks(run) if one.judged == name and one.kind in SAME_IMAGE)
    return frozenset(one.image for one in own if one.known_image in chose)
