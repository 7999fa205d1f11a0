"""What the search by groups misses of the exhaustive one, and what both take, on real data sets.

    python benchmarks/audit_index.py isic2016 isic2017 isic2018 isic2018-task1 --home HOME [--groups 12 24 48]

Seconds of the processor for finding candidates. Each candidate is confirmed by itself, so that only those that the
groups miss have to be looked at: what they would have found, and is not found by another candidate of the same pair, is
a finding that is lost. Wanted: none.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from attnmel.cli.terminal import Terminal
from attnmel.data.audit import nearest
from attnmel.data.audit.align import moved_pictures
from attnmel.data.audit.candidates import Candidates, CandidateSearch, joined
from attnmel.data.audit.descriptors import CHUNK, Signatures, signatures
from attnmel.data.audit.frames import VIEWS
from attnmel.data.audit.reframed import reframed_pictures
from attnmel.pipeline.data.audit import prepare_audit


def searched(described: Signatures, *, exhaustive: bool) -> tuple[Candidates, Candidates, float]:
    """Return the candidates by whole frames and by views, and the seconds."""
    start = time.process_time()
    search = CandidateSearch(described, exhaustive=exhaustive)
    whole, *of_views = search.candidates(), *(search.view_candidates(view) for view in range(1, len(VIEWS)))
    return whole, joined(of_views), time.process_time() - start


def less(some: Candidates, others: Candidates) -> Candidates:
    """Return the candidates that are not among others."""
    known = set(_keys(others))
    return some.of(np.array([place for place, key in enumerate(_keys(some)) if key not in known], dtype=np.int64))


def _keys(some: Candidates) -> list[tuple[int, ...]]:
    return [tuple(row) for row in np.column_stack([some.pairs, some.symmetries, some.views]).tolist()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="data sets, as `attnmel audit` takes them")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--groups", type=int, nargs="+", default=[nearest.GROUPS_SEARCHED])
    arguments = parser.parse_args()
    looked = prepare_audit(arguments.names, home=arguments.home, progress=Terminal())
    places = list({entry.digest: place for place, entry in enumerate(looked.entries)}.values())
    described = signatures(looked.images(places[first : first + CHUNK]) for first in range(0, len(places), CHUNK))
    whole, of_views, taken = searched(described, exhaustive=True)
    print(f"{len(places)} images; exhaustive: {taken:.1f} s, {len(whole) + len(of_views)} candidates", flush=True)
    nearest.EXHAUSTIVE = 0
    for groups in arguments.groups:
        nearest.GROUPS_SEARCHED = groups
        few, few_of_views, taken = searched(described, exhaustive=False)
        missed, of_view = less(whole, few), less(of_views, few_of_views)
        found = [
            *moved_pictures(described, missed),
            *reframed_pictures(
                described, joined([missed, of_view]), lambda rows: looked.images([places[row] for row in rows])
            ),
        ]
        pairs = {tuple(sorted(pair)) for pair in np.concatenate([few.pairs, few_of_views.pairs]).tolist()}
        lost = {(one.first, one.second) for one in found} - pairs
        print(
            f"{groups} groups: {taken:.1f} s; {len(missed) + len(of_view)} candidates missed, of which {len(found)} "
            f"would be findings, {len(lost)} of them of pairs that are no candidates at all",
            flush=True,
        )


if __name__ == "__main__":
    main()
