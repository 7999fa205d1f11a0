"""An audit as text, numbers and pictures, for the terminal, for programs and for the page."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from attnmel import NOTICE
from attnmel.compute.threads import available_processors, requested_threads
from attnmel.data.audit.align import SAME_PICTURE
from attnmel.data.audit.exclusions import Exclusion, Side, exclusions, write_exclusions
from attnmel.data.audit.findings import KINDS, LEAKS, AuditFinding, Kind, repeated_lesions
from attnmel.data.audit.reframed import SAME_REFRAMED
from attnmel.data.audit.search.candidates import turned
from attnmel.number_formats import fixed
from attnmel.pipeline.data.audit import Audited
from attnmel.report.galleries.audit import MOST_SHOWN, AuditPage, Pair, PairGroup, write_audit_page
from attnmel.report.galleries.examples import GalleryPicture, as_address

Count = tuple[str, str, str, int]

NOT_FOUND = (
    "Often missed: copies turned by more than 10 degrees (other than quarter turns), enlarged by more than half, moved "
    "by more than an eighth of the side, cut to one half, or with much drawn on them."
)
"""What the comparison of pictures misses, measured in docs/training/data.md."""

IN_GROUPS = (
    "Of so many images each was compared only with those in groups that are like it, which may miss a pair in some "
    "hundreds; --exhaustive compares each with every other, and takes longer."
)


def not_found(audited: Audited) -> str:
    """Return what this audit may have missed."""
    return f"{NOT_FOUND} {IN_GROUPS}" if audited.audit.in_groups else NOT_FOUND


def summary(audited: Audited) -> str:
    """Return what was audited and, where sides were named, what leaks from one to the other."""
    audit = audited.audit
    sides = Counter(entry.side for entry in audit.entries)
    by_side = ", ".join(f"{count} of {side}" for side, count in sides.items())
    text = f"{len(audit.entries)} images: {by_side}"
    if (lesions := repeated_lesions(audit.entries)) and audited.leaks is None:
        most = max(map(len, lesions.values()))
        several = "2" if most == 2 else f"2 to {most}"
        text += f"\n{len(lesions)} lesions or patients have {several} images"
    return text if audited.leaks is None else f"{text}\n{leak_verdict(audited)}"


def leak_verdict(audited: Audited) -> str:
    """Return one sentence on the leaks between the sides: how many test images, and by which kinds."""
    leaks = audited.leaks or ()
    train, test = (_sides(audited, leaks, end) for end in ("train", "test"))
    if not leaks:
        return "no leakage from the training to the test images"
    tests = {one.second for one in leaks}
    kinds = ", ".join(
        f"{len({one.second for one in leaks if one.kind == kind})} {kind}"
        for kind in LEAKS
        if any(one.kind == kind for one in leaks)
    )
    return f"leakage from {train} to {test}: {len(tests)} test images are known from training ({kinds})"


def counts(audited: Audited) -> tuple[Count, ...]:
    """Return the number of pairs by kind and sides: of all findings, or of the leaks where sides were named."""
    if audited.leaks is None:
        return tuple((*key, count) for key, count in audited.audit.counts().items())
    entries = audited.audit.entries
    found = Counter((one.kind, entries[one.first].side, entries[one.second].side) for one in audited.leaks)
    return tuple((*key, found[key]) for key in sorted(found, key=lambda key: (KINDS.index(key[0]), *key[1:])))


def audit_dict(audited: Audited) -> dict[str, Any]:
    """Return plain values for JSON: counts and every pair."""
    entries = audited.audit.entries
    lesions = repeated_lesions(entries)
    return {
        "notice": NOTICE,
        "images": dict(Counter(entry.side for entry in entries)),
        "repeated_lesions": dict(Counter(dataset for dataset, _ in lesions)),
        "stored": str(audited.path),
        "embedding": audited.audit.embedding,
        "not_found": not_found(audited),
        "counts": [dict(zip(("kind", "first", "second", "pairs"), one, strict=True)) for one in counts(audited)],
        **({} if audited.leaks is None else {"leaking_images": len({one.second for one in audited.leaks})}),
        "findings": [_pair(audited, one) for one in audited.findings],
    }


def write_pairs_page(audited: Audited, path: Path) -> None:
    """Write the page of an audit with its pairs side by side."""
    found = audited.findings
    groups = []
    for kind in KINDS:
        if some := [one for one in found if one.kind == kind]:
            groups.append(PairGroup(kind, len(some), _pairs(audited, _shown(some))))
    sides = list(dict.fromkeys(entry.side for entry in audited.audit.entries))
    page = AuditPage(
        title="Leakage" if audited.leaks is not None else "Audit of " + ", ".join(_datasets(audited)),
        byline=f"{len(audited.audit.entries):,} images: {', '.join(sides)}",
        verdict=_as_sentence(leak_verdict(audited)) if audited.leaks is not None else "",
        counts=counts(audited),
        notes=_notes(audited),
        groups=tuple(groups),
    )
    write_audit_page(path, page)


def _as_sentence(text: str) -> str:
    """Return a text with a capital and a full stop; its other letters stay, since names of folders may be in it."""
    return f"{text[:1].upper()}{text[1:]}."


def list_exclusions(audited: Audited, path: Path, side: Side) -> None:
    """Write the list of images to leave out."""
    write_exclusions(path, _excluded(audited, side))


def exclusions_sentence(audited: Audited, side: Side) -> str:
    """Return how many images of which data set are to be left out."""
    listed = _excluded(audited, side)
    if not listed and audited.leaks is None and audited.findings:
        return "no image, since no set is named as training or test: --train A --test B"
    by_dataset = ", ".join(f"{count} of {dataset}" for dataset, count in Counter(one.dataset for one in listed).items())
    return by_dataset or "no image"


def _excluded(audited: Audited, side: Side) -> Sequence[Exclusion]:
    return exclusions(audited.audit, audited.findings, side, between_sides=audited.leaks is not None)


def _notes(audited: Audited) -> tuple[str, ...]:
    return (
        f"Two images show the same picture where the correlation of their fine structure, at the best of eight "
        f"symmetries, shifts and zooms, is {SAME_PICTURE} or more, or, where one is a part of the other, squashed, or "
        f"turned by some degrees, {SAME_REFRAMED} or more. A uniform border is left out.",
        not_found(audited),
        f"Stored in {audited.path}.",
    )


def _datasets(audited: Audited) -> list[str]:
    return list(dict.fromkeys(entry.dataset for entry in audited.audit.entries))


def _sides(audited: Audited, leaks: Sequence[AuditFinding], end: str) -> str:
    places = [one.first if end == "train" else one.second for one in leaks]
    return ", ".join(sorted({audited.audit.entries[place].side for place in places}))


def _pair(audited: Audited, one: AuditFinding) -> dict[str, Any]:
    ends = [audited.audit.entries[place] for place in (one.first, one.second)]
    images = [
        {"dataset": e.dataset, "split": e.split, "image": e.image_id, "diagnosis": e.diagnosis, "group": e.group}
        for e in ends
    ]
    return {
        "kind": one.kind,
        "likeness": one.likeness,
        "symmetry": one.symmetry,
        "first": images[0],
        "second": images[1],
    }


def _shown(found: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Return as many pairs as are shown, spread evenly from the most to the least alike."""
    ordered = sorted(found, key=lambda one: -(one.likeness or 0))
    if len(ordered) <= MOST_SHOWN:
        return ordered
    return [ordered[place] for place in np.linspace(0, len(ordered) - 1, MOST_SHOWN).round().astype(int)]


def _pairs(audited: Audited, found: Sequence[AuditFinding]) -> tuple[Pair, ...]:
    firsts = audited.inputs.images([one.first for one in found])
    seconds = audited.inputs.images([one.second for one in found])

    def pair(one: AuditFinding, first: np.ndarray, second: np.ndarray) -> Pair:
        upright = np.ascontiguousarray(turned(second[None], one.symmetry)[0])
        pictures = (_picture(audited, one.first, first), _picture(audited, one.second, upright))
        return Pair(pictures, _likeness(one.kind, one.likeness))

    with ThreadPoolExecutor(requested_threads() or available_processors()) as pool:
        return tuple(pool.map(pair, found, firsts, seconds))


def _picture(audited: Audited, place: int, pixels: np.ndarray) -> GalleryPicture:
    entry = audited.audit.entries[place]
    known = [entry.side, (entry.diagnosis or "no label").replace("_", " "), *([entry.group] if entry.group else [])]
    return GalleryPicture(
        entry.image_id, f"Image {entry.image_id} of {entry.side}", as_address(pixels), " · ".join(known)
    )


def _likeness(kind: Kind, likeness: float | None) -> str:
    if likeness is None or kind == "same bytes":
        return ""
    return f"cosine {fixed(likeness)}" if kind == "alike" else f"likeness {fixed(likeness, 2)}"
