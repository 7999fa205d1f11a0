"""What every reader of a data set returns. No torch."""

from dataclasses import dataclass, field

from attnmel.data.archives.fetch import ArchiveState
from attnmel.records import Lesion


@dataclass(frozen=True)
class Dataset:
    """Labelled lesions, with what they are, where they are from and what they may be used for."""

    name: str
    title: str
    lesions: tuple[Lesion, ...] = field(repr=False)
    licence: str
    states: tuple[ArchiveState, ...] = field(default=(), repr=False)
    """What was found of each official file; empty for an own folder."""
    leaks: bool = False
    """Whether it is divided image by image on purpose, so that images of one lesion are on both sides."""
    notes: tuple[str, ...] = ()
    """How its tables were read and what is left out, a sentence each."""
    leaves_out: bool = False
    """Whether images whose diagnosis has no class in a recipe are left out of training, instead of an error."""
    is_known: bool = False
    """Whether it was read by its name: then the masks that a segmenter drew for it have a folder of their own."""
