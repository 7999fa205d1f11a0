"""Which files torch.save wrote: they are never opened, for reading a pickle can run code. No torch."""

from pathlib import Path

# First bytes of what torch.save writes, today's zip and the older plain pickle.
PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


def is_pickle(path: Path) -> bool:
    """Tell why a file could not be read; a whole file of another kind may begin with the same bytes."""
    with path.open("rb") as file:
        return file.read(4).startswith(PICKLE_STARTS)
