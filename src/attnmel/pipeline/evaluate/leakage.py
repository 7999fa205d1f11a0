"""What trained a run against what judges it: refused where ids or lesions tell, listed where a stored audit does."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attnmel.data.audit.store import Audit, stored_audit
from attnmel.errors import LabelError, PredictionsError, listed
from attnmel.folders import RunFolder, replacing
from attnmel.pipeline.run.dataset import ALL, Prepared
from attnmel.pipeline.run.seen_images import LEARNT, Known, Leak, judged_images, read_images, shared_images
from attnmel.progress import SILENT, Progress
from attnmel.records import notice_lines, table_lines

LEAK_COLUMNS = ("judged", "image", "kind", "likeness", "known_image", "known_split")


def check_leakage(
    run: RunFolder,
    prepared: Prepared,
    rows: np.ndarray,
    *,
    name: str,
    split: str,
    own: str,
    on: str | None,
    allowed: bool,
    home: Path,
    progress: Progress = SILENT,
) -> tuple[Leak, ...]:
    """Return the judged images that are known from training; `on` is another data set than the run's `own`.

    Another data set that shares an id, a file or a lesion with what was learnt is refused. A split of the run's own is
    disjoint by id and lesion, so there a stored audit alone tells more.

    Raises:
        LabelError: as `refuse_leaks`, unless that is `allowed`.
    """
    if on is None and split in ("train", ALL):
        return ()  # whoever judges what was trained on knows it
    learnt = read_images(run)
    if not learnt:
        progress.note(f"{run.path} does not say what it learnt from (no {run.images.name}); leakage is not looked for")
        return ()
    if on is None:
        learnt = tuple(one for one in learnt if one.split != split)
    judged = judged_images(prepared, rows, home)
    shared = shared_images(learnt, judged, name)
    if on is not None and not allowed:
        refuse_leaks(shared, on if split == ALL else f"{on}:{split}", own)
    audit = stored_audit(home, {one.digest for one in (*learnt, *judged)})
    if audit is None:
        if split == "validation" or own == "phantoms":
            return shared  # said once a run, with the test split; phantoms are drawn each anew
        sides = own if on is None else f"{own} {on}"
        progress.note(f"no stored audit; run `attnmel audit {sides}` to learn of near-duplicates")
        return shared
    told = {one.image for one in shared}
    return (*shared, *(one for one in alike_images(audit, learnt, judged, name) if one.image not in told))


def refuse_leaks(leaks: Sequence[Leak], judged: str, trained: str) -> None:
    """Refuse to judge what a network has seen; both sides by the names that `attnmel audit` takes.

    Raises:
        LabelError: says how many images, by which kinds, names the first, and what to do.
    """
    if not leaks:
        return
    kinds = {kind: sum(one.kind == kind for one in leaks) for kind in dict.fromkeys(one.kind for one in leaks)}
    told = ", ".join(f"{count} by {kind.removeprefix('same ')}" for kind, count in kinds.items())
    learnt = " ".join(f"--train {trained}:{split}" for split in LEARNT)
    raise LabelError(
        f"{len(leaks)} images of {judged} trained this run or chose its epoch ({told}): "
        f"{listed(one.image for one in leaks)}. A judgement of {trained} on them would be too good. Leave them out by "
        f"`--exclude FILE`, written by `attnmel audit {learnt} --test {judged} --leave-out test --exclusions FILE`, "
        "or go on with --allow-leakage."
    )


def alike_images(audit: Audit, learnt: Sequence[Known], judged: Sequence[Known], name: str) -> tuple[Leak, ...]:
    """Return what a stored audit knows: pairs of a learnt and a judged image, most alike first."""
    ours = {one.digest: one for one in learnt}
    theirs = {one.digest: one for one in judged}
    leaks = {}
    for one in audit.between(ours.keys(), theirs.keys()):
        known, image = (audit.entries[place].digest for place in (one.first, one.second))
        if known == image or one.kind == "same lesion":
            continue  # told by `shared_images`
        pair = (theirs[image].image_id, ours[known].image_id)
        leaks[pair] = Leak(name, pair[0], one.kind, one.likeness, pair[1], ours[known].split)
    return tuple(sorted(leaks.values(), key=lambda leak: -(leak.likeness or 0)))


def write_leaks(run: RunFolder, leaks: Sequence[Leak], name: str, licence: str) -> None:
    """List the leaks of a judgement in the run folder, in place of an earlier list of it; no file without any."""
    every = [*(one for one in read_leaks(run) if one.judged != name), *leaks]
    if not every:
        run.leakage.unlink(missing_ok=True)
        return
    with replacing(run.leakage) as part, part.open("w", newline="", encoding="utf-8") as file:
        file.write(notice_lines(licence))
        table = csv.writer(file)
        table.writerow(LEAK_COLUMNS)
        for one in every:
            likeness = "" if one.likeness is None else f"{one.likeness:.4f}"
            table.writerow([one.judged, one.image, one.kind, likeness, one.known_image, one.known_split])


def read_leaks(run: RunFolder) -> tuple[Leak, ...]:
    """Return what `write_leaks` wrote; empty where nothing is listed.

    Raises:
        PredictionsError: the file is damaged.
    """
    if not run.leakage.is_file():
        return ()
    try:
        with run.leakage.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(table_lines(file)))
        return tuple(
            Leak(
                row["judged"],
                row["image"],
                row["kind"],
                float(row["likeness"]) if row["likeness"] else None,
                row["known_image"],
                row["known_split"],
            )
            for row in rows
        )
    except (UnicodeDecodeError, csv.Error, KeyError, ValueError):
        raise PredictionsError(f"{run.leakage} is damaged; delete it and run `attnmel evaluate` again") from None
