"""The files and folders that a recipe names, as a stored recipe names them: in full. No torch."""

from attnmel.data.datasets.read_dataset import own_folder_path
from attnmel.data.priors.sources import PREDICTED
from attnmel.errors import ConfigError, printable
from attnmel.files.folders import expanded


def stored_dataset(dataset: str) -> str:
    """Return a data set as a stored recipe names it: a folder in full, so that it means the same from elsewhere.

    Raises:
        ConfigError: the folder's name is no UTF-8.
    """
    return stored_path(dataset) if own_folder_path(dataset) else dataset


def stored_path(path: str) -> str:
    """Return the path of a file or folder in full, as `stored_dataset`; one that is not there, and "", as it is."""
    if not path or not expanded(path).exists():
        return path
    full = str(expanded(path).absolute())
    if printable(full) != full:
        raise ConfigError(f"the path {full} is no UTF-8, which the file of a recipe needs; rename the folder")
    return full


def stored_masks(masks: str) -> str:
    """Return the setting `loss.masks` or `data.crop_masks` with a folder in full, as `stored_path`."""
    return masks if masks == PREDICTED else stored_path(masks)
