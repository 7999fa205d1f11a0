"""The official files of one split of a data set, and what came of each. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attnmel.data.archives.catalog import ARCHIVES, Archive, Role
from attnmel.data.archives.fetch import ArchiveState
from attnmel.records import Split


@dataclass(frozen=True)
class SplitFiles:
    """The official files of one split, by role."""

    split: Split
    archives: dict[Role, Archive]
    states: dict[Role, ArchiveState]
    """What came of those whose fetch was recorded."""
    home: Path

    @classmethod
    def of(cls, dataset: str, split: Split, states: Mapping[str, ArchiveState], home: Path) -> "SplitFiles":
        """Return the part of a data set; `states` are by file name."""
        archives: dict[Role, Archive] = {one.role: one for one in ARCHIVES[dataset] if one.split == split}
        came: dict[Role, ArchiveState] = {
            role: states[one.name] for role, one in archives.items() if one.name in states
        }
        return cls(split, archives, came, home)

    def has(self, role: Role) -> bool:
        """Whether the fetch found a file."""
        return role in self.states and self.states[role].status != "absent"

    def location(self, role: Role) -> Path:
        """Return where a file is, once fetched."""
        return self.archives[role].location(self.home)

    def place(self, role: Role) -> Path | None:
        """Return the same where something is there, whatever was recorded of it."""
        return place if role in self.archives and (place := self.location(role)).exists() else None

    @property
    def has_all_images(self) -> bool:
        """Whether no image of the official file is known to be missing."""
        state = self.states.get("images")
        return self.place("images") is not None and (state is None or state.status == "complete")
