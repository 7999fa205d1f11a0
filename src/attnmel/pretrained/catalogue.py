"""Find the files of a pretrained model by its name; each is checked against the model's card. No torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attnmel.errors import CheckpointError
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder

if TYPE_CHECKING:
    from attnmel.pretrained.card import ModelCard

FOLDER = Path(__file__).parent

DEFAULT = "attnmel-lite0-isic2017"
"""The model of the name `ANY`."""

ANY = "pretrained"

CARD_FILE = "card.json"


@dataclass(frozen=True)
class Shipped:
    """A pretrained model: its card, and a run folder without the files that only training needs."""

    folder: Path
    card: "ModelCard"

    @property
    def checkpoint(self) -> Path:
        """The weights, in half floats."""
        return self.file(RunFolder(self.folder).best.name)

    @property
    def onnx(self) -> Path:
        """The network as one file that runs without torch."""
        return self.file(RunFolder(self.folder).onnx.name)

    def file(self, name: str) -> Path:
        """Return a file of the card, after a check of its size and SHA-256.

        Raises:
            CheckpointError: it is missing, or its size or SHA-256 differs from the card.
        """
        expected, path = self.card.files[name], self.folder / name
        if not path.is_file():
            raise CheckpointError(
                f"{path}, a file of the pretrained model {self.card.name}, is missing; install attnmel again"
            )
        size = path.stat().st_size
        if size != expected.size:
            raise self._damaged(path, f"it has {size:,} bytes", f"{expected.size:,}")
        found = file_sha256(path)
        if found != expected.sha256:
            raise self._damaged(path, f"its SHA-256 starts with {found[:12]}", expected.sha256[:12])
        return path

    def _damaged(self, path: Path, found: str, expected: str) -> CheckpointError:
        return CheckpointError(
            f"{path}, a file of the pretrained model {self.card.name}, is damaged: {found}, by its card {expected}; "
            "install attnmel again"
        )


def onnx_path(name: str) -> Path | None:
    """Return where the ONNX file of the model of that name is, without a check; None for any other text."""
    full = _full_name(name)
    return None if full is None else RunFolder(FOLDER / full).onnx


def find_model(name: str) -> Shipped | None:
    """Return the model of that name, or the default for "pretrained"; None for any other text, which is a path.

    A file or folder of the same name in the current folder does not matter; ./pretrained is a path.

    Raises:
        CheckpointError: the model's card is missing or damaged.
    """
    full = _full_name(name)
    return None if full is None else open_model(full)


def find_copied(file: Path) -> Shipped | None:
    """Return the pretrained model whose ONNX file has the same content as this one, such as a copy by `attnmel export`.

    Raises:
        CheckpointError: a model's card is missing or damaged.
    """
    size, digest = file.stat().st_size, None
    for model in map(open_model, model_names()):
        expected = model.card.files[RunFolder(model.folder).onnx.name]
        if size == expected.size and (digest := digest or file_sha256(file)) == expected.sha256:
            return model
    return None


def _full_name(name: str) -> str | None:
    full = DEFAULT if name == ANY else name
    return full if full in model_names() else None


def model_names() -> tuple[str, ...]:
    """Return the names of the pretrained models, always with the default, even if its files are missing."""
    return tuple(sorted({DEFAULT, *(card.parent.name for card in FOLDER.glob(f"*/{CARD_FILE}"))}))


def open_model(name: str) -> Shipped:
    """Return a model of `model_names`."""
    from attnmel.pretrained.card import read_model_card

    return Shipped(FOLDER / name, read_model_card(FOLDER / name / CARD_FILE))
