"""Notes of several runs, rows or members -> each note once."""

from collections.abc import Iterable, Mapping


def notes_by_name(notes: Mapping[str, Iterable[str]], *, of_all: str = "") -> tuple[str, ...]:
    """Return each note once, after the names that have it; after `of_all` where every name has it."""
    names_of: dict[str, dict[str, None]] = {}
    for name, own in notes.items():
        for note in own:
            names_of.setdefault(note, {})[name] = None
    return tuple(
        f"{of_all if len(names) == len(notes) else ', '.join(names) + ': '}{note}" for note, names in names_of.items()
    )
