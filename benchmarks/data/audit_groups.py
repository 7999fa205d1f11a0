"""Findings of an audit whose images are compared in groups, against those of comparing each image with all others.

    python benchmarks/data/audit_groups.py isic2016 isic2017 isic2018 isic2018-task1 --home HOME [--seeds 5]

The groups are made by k-means, from as many seeds; wanted: every finding of the one is one of the other. Seconds of
the processor, of the search alone.
"""

import argparse
import time
from pathlib import Path

from attnmel.cli.terminal import Terminal
from attnmel.data.audit.align import moved_pictures
from attnmel.data.audit.descriptors import CHUNK, Signatures, signatures
from attnmel.data.audit.frames import VIEWS
from attnmel.data.audit.reframed import Images, reframed_pictures
from attnmel.data.audit.search import grouped_nearest
from attnmel.data.audit.search.candidates import Candidates, CandidateSearch, joined_candidates
from attnmel.pipeline.data.audit import prepare_audit

Pairs = set[tuple[int, int]]


def searched(described: Signatures, *, in_groups: bool) -> tuple[Candidates, list[Candidates], float]:
    """Return the candidates by whole frames, those by each view, and the seconds."""
    start = time.process_time()
    search = CandidateSearch(described, in_groups=in_groups)
    whole, views = search.candidates(), [search.view_candidates(view) for view in range(1, len(VIEWS))]
    return whole, views, time.process_time() - start


def confirmed(described: Signatures, whole: Candidates, views: list[Candidates], images: Images) -> Pairs:
    """Return the pairs of candidates that show one picture."""
    found = [
        *moved_pictures(described, whole),
        *reframed_pictures(described, joined_candidates([whole, *views]), images),
    ]
    return {(one.first, one.second) for one in found}


def main() -> None:
    """Search, confirm and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", help="data sets, as `attnmel audit` takes them")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    looked = prepare_audit(chosen.names, home=chosen.home, progress=Terminal())
    places = list({entry.digest: place for place, entry in enumerate(looked.entries)}.values())
    chunks = (looked.images(places[first : first + CHUNK]) for first in range(0, len(places), CHUNK))
    described = signatures(chunks, len(places))

    def found(*, in_groups: bool) -> tuple[Pairs, float]:
        whole, views, seconds = searched(described, in_groups=in_groups)
        return confirmed(described, whole, views, lambda rows: looked.images([places[row] for row in rows])), seconds

    wanted, seconds = found(in_groups=False)
    print(f"{len(places)} images, each compared with all: {len(wanted)} findings, {seconds:.1f} s", flush=True)
    for seed in range(chosen.seeds):
        grouped_nearest.SEED = seed
        pairs, seconds = found(in_groups=True)
        print(
            f"in groups, seed {seed}: {len(wanted - pairs)} findings missed, {len(pairs - wanted)} others, "
            f"{seconds:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
