"""Signatures -> every pair of images that show the same picture, however one was made of the other."""

from attnmel.data.audit.align import Match, moved_pictures
from attnmel.data.audit.descriptors import Signatures
from attnmel.data.audit.frames import VIEWS
from attnmel.data.audit.reframed import Images, reframed_pictures
from attnmel.data.audit.search.candidates import CandidateSearch, joined_candidates
from attnmel.progress import SILENT, Progress


def same_pictures(
    signatures: Signatures, images: Images, progress: Progress = SILENT, *, in_groups: bool = False
) -> tuple[Match, ...]:
    """Return every pair of images that show the same picture, most alike first; each pair once.

    `images` returns the prepared images of some rows, which only the most likely pairs are read of. With
    `in_groups` each image is compared with those in groups that are like it, else with every other.
    """
    search = CandidateSearch(signatures, in_groups=in_groups, progress=progress)
    likely = search.candidates()
    of_views = [search.view_candidates(view) for view in range(1, len(VIEWS))]
    del search  # and its index, before the pairs take memory
    found = [
        *moved_pictures(signatures, likely, progress=progress),
        *reframed_pictures(signatures, joined_candidates([likely, *of_views]), images, progress=progress),
    ]
    found.sort(key=lambda match: -match.likeness)
    chosen: dict[tuple[int, int], Match] = {}
    for match in found:
        chosen.setdefault((match.first, match.second), match)
    return tuple(chosen.values())
