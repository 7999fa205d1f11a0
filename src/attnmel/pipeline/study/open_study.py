"""Open a study that was made before: its frozen file and its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from attnmel.errors import ConfigError
from attnmel.pipeline.study.store import Store
from attnmel.pipeline.study.study_file import Study, StudyFolder, open_frozen, require_unchanged_pictures


class OpenStudy(NamedTuple):
    """A study, its folder and its database."""

    study: Study
    folder: StudyFolder
    store: Store


@contextmanager
def open_study(path: Path, database: str | None = None) -> Iterator[OpenStudy]:
    """Give a study whose file and pictures are as they were frozen.

    Raises:
        ConfigError: there is none, or something of it was changed.
    """
    folder = StudyFolder(path)
    study, sha256 = open_frozen(folder)
    require_unchanged_pictures(study, folder)
    if database is None and not folder.database.is_file():
        raise ConfigError(f"{folder.database} is missing; restore it, or give the address of its --database")
    store = Store(database or folder.database, sha256)
    try:
        yield OpenStudy(study, folder, store)
    finally:
        store.close()
