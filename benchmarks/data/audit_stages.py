"""Seconds of the processor, by stage, and the peak memory of `attnmel audit`; its arguments follow.

    python benchmarks/data/audit_stages.py FOLDER --home EMPTY --json --out page.html

Of this process and those that it starts, user and system, from the start of Python on.
"""

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

STAGES: dict[str, float] = {}


def busy() -> float:
    """Return the seconds of the processor so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(owner: Any, name: str, stage: str) -> None:  # noqa: ANN401 - a module or a class
    """Let the seconds of a function be added to a stage."""
    work: Callable[..., Any] = getattr(owner, name)

    def timing(*values: Any, **named: Any) -> Any:  # noqa: ANN401 - those of the function
        start = busy()
        try:
            return work(*values, **named)
        finally:
            STAGES[stage] = STAGES.get(stage, 0) + busy() - start

    setattr(owner, name, timing)


def main() -> None:
    """Run the command and print."""
    begun = time.perf_counter()
    from attnmel.cli.app import main as command
    from attnmel.data.audit.search.candidates import CandidateSearch
    from attnmel.pipeline.data import audit

    timed(audit, "_read", "reading the table")
    timed(audit, "_opened", "hashing, decoding and preparing")
    timed(audit, "_digests", "hashes of entries")
    timed(audit, "signatures", "describing")
    timed(audit, "same_pictures", "searching and confirming")
    timed(CandidateSearch, "candidates", "of these, searching")
    timed(CandidateSearch, "view_candidates", "of these, searching")
    sys.argv[:1] = ["attnmel", "audit"]
    try:
        command()
    finally:
        for stage, seconds in STAGES.items():
            print(f"{stage}: {seconds:.1f} s", file=sys.stderr)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        elapsed = time.perf_counter() - begun
        print(f"all: {busy():.1f} s of the processor, {elapsed:.1f} s elapsed, peak {peak:.2f} GB", file=sys.stderr)


if __name__ == "__main__":
    main()
