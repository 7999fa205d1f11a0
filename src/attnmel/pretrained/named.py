"""A model by its name, one that comes along or one of a hub -> its exported file on this disk. No torch."""

from pathlib import Path

from attnmel.files.folders import RunFolder
from attnmel.files.hub import hub_folder, hub_name
from attnmel.pretrained.catalogue import find_model


def exported_file(model: str | Path) -> Path | None:
    """Return the ONNX file of a model that has a name, of a hub's model without one its folder; None for a path.

    Raises:
        ConfigError: a name of a hub in another form, or the extra `hub` is not installed.
        ArchiveError, CheckpointError: as `hub_folder`, or the file of a pretrained model is damaged.
    """
    if isinstance(model, str) and (found := find_model(model)):
        return found.onnx
    if (name := hub_name(Path(model).as_posix())) is None:
        return None
    folder = hub_folder(name)
    onnx = RunFolder(folder).onnx
    return onnx if onnx.is_file() else folder
