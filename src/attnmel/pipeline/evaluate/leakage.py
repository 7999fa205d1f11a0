"""Images of training among those that evaluate a run: refused by id, file and lesion, else listed.

What is listed comes from a stored audit, or where there is none from the fingerprints that go with a pretrained model.
"""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence, Set

import numpy as np

from attnmel.data.audit.store import Audit, stored_audit
from attnmel.data.datasets.read_dataset import own_folder_path
from attnmel.errors import LabelError, counted, listed
from attnmel.files.folders import RunFolder
from attnmel.files.table_files import write_table
from attnmel.pipeline.run.images.dataset import ALL, Prepared
from attnmel.pipeline.run.images.fingerprints import copied_images, read_fingerprints
from attnmel.pipeline.run.images.known_list import LEAK_COLUMNS, read_leaks
from attnmel.pipeline.run.images.seen_images import LEARNT, Known, Leak, judged_images, read_images, shared_images
from attnmel.pipeline.run.run import Run
from attnmel.records import Lesion

BY_FINGERPRINTS = "compared with fingerprints of the training images alone"


def check_leakage(
    run: Run,
    prepared: Prepared,
    rows: np.ndarray,
    *,
    name: str,
    split: str,
    on: str | None,
    columns: Mapping[str, str],
    allowed: bool,
) -> tuple[Leak, ...]:
    """Return the evaluated images that are known from training; `on` is another data set than the run's own.

    `columns` are how its labels.csv calls them, for the advice to audit both.

    Another data set that shares an id, a file or a lesion with what was learnt is refused. A split of the run's own is
    disjoint by id and lesion, so that there only a stored audit can add something.

    Raises:
        LabelError: as `refuse_leaks`, unless that is `allowed`.
    """
    if on is None and split in ("train", ALL):
        return ()  # that these images were trained on is plain from the name
    learnt, own = run.learnt_images, run.recipe.data.dataset
    if not learnt:
        run.progress.note(
            f"{run.path} does not list what it learnt from (no {run.folder.images.name}); leakage is not looked for"
        )
        return ()
    if on is None and split in LEARNT:  # of another split only start weights and recalibrations have images
        learnt = tuple(one for one in learnt if one.split != split)
    evaluated = judged_images(prepared, rows, run.home)
    shared = shared_images(learnt, evaluated, name)
    if on is not None and not allowed:
        evaluated_in_words = on if split == ALL else f"{on}:{split}"
        _refuse_recalibrated(run, shared, evaluated_in_words)
        refuse_leaks(shared, evaluated_in_words, own, recipe=_recipe_option(run))
    audit = stored_audit(run.home, {one.digest for one in (*learnt, *evaluated)})
    if audit is not None:
        alike = alike_images(audit, learnt, evaluated, name)
    else:
        copies = _copies(run, [prepared.lesions[row] for row in rows], name)
        if copies is None and (split == "validation" or own == "phantoms"):
            return shared  # noted once a run, with the test split; phantoms are drawn each anew
        alike = copies or ()
        if on is None:
            alike = _with_earlier(run, alike, {one.image_id for one in evaluated}, name)
        named = run.recipe.data.columns if on is None else columns
        option = ["--columns", ",".join(f"{name}={theirs}" for name, theirs in named.items())] if named else []
        command = shlex.join(["attnmel", "audit", own, *([] if on is None else [on]), *option, *_recipe_option(run)])
        looked, more = ("no stored audit", "near-duplicates") if copies is None else (BY_FINGERPRINTS, "cropped copies")
        run.progress.note(f"{looked}; run `{command}` to learn of {more}")
    known = {one.image for one in shared}
    return (*shared, *(one for one in alike if one.image not in known))


def _recipe_option(run: Run) -> tuple[str, ...]:
    """Return the option by which `attnmel audit` splits a run's own folder as its training did."""
    return () if own_folder_path(run.recipe.data.dataset) is None else ("--recipe", str(run.path))


def _refuse_recalibrated(run: Run, leaks: Sequence[Leak], evaluated: str) -> None:
    """Refuse images that are known from a recalibration alone, which no audit of the training finds.

    Raises:
        LabelError: how many images, and what to do.
    """
    chose = {one.image_id for one in read_images(run.folder.recalibration)}
    if not leaks or not all(one.known_image in chose for one in leaks):
        return
    raise LabelError(
        f"{counted(len(leaks), 'image')} of {evaluated} recalibrated this run ({kinds_in_words(leaks)}): "
        f"{listed(one.image for one in leaks)}. Results on them would be too good. Name other images of the place, "
        "such as another --split, leave them out by --exclude-known, or go on with --allow-leakage."
    )


def refuse_leaks(leaks: Sequence[Leak], evaluated: str, trained: str, *, recipe: Sequence[str] = ()) -> None:
    """Refuse to evaluate on images that a network has seen; both sides by the names that `attnmel audit` takes.

    `recipe` are the words of its option that names the recipe, where the audit needs it.

    Raises:
        LabelError: how many images, by which kinds, the first of them, and what to do.
    """
    if not leaks:
        return
    sides = [word for split in LEARNT for word in ("--train", f"{trained}:{split}")]
    audit = shlex.join(["attnmel", "audit", *sides, "--test", evaluated, *recipe])
    raise LabelError(
        f"{counted(len(leaks), 'image')} of {evaluated} trained this run or chose its epoch or thresholds "
        f"({kinds_in_words(leaks)}): {listed(one.image for one in leaks)}. Results on them would be too good. Leave "
        f"them out by --exclude-known (cropped copies too by `--exclude FILE`, written by `{audit} --leave-out test "
        "--exclusions FILE`), or go on with --allow-leakage."
    )


def kinds_in_words(leaks: Sequence[Leak]) -> str:
    """Return by what images are known from training: "3 by id, 1 by picture"."""
    kinds = {kind: sum(one.kind == kind for one in leaks) for kind in dict.fromkeys(one.kind for one in leaks)}
    return ", ".join(f"{count} by {kind.removeprefix('same ')}" for kind, count in kinds.items())


def _copies(run: Run, lesions: Sequence[Lesion], name: str) -> tuple[Leak, ...] | None:
    """Return the images that are copies of one by the fingerprints in the run folder; None where there are none."""
    if not run.folder.fingerprints.is_file():
        return None
    listed = read_images(run.folder)
    return copied_images(read_fingerprints(run.folder, len(listed)), listed, lesions, name, run.progress)


def _with_earlier(run: Run, found: Sequence[Leak], evaluated: Set[str], name: str) -> tuple[Leak, ...]:
    """Return what was found and what an audit had found when this split was evaluated before, which stays true."""
    before = [one for one in read_leaks(run.folder) if (one.judged, one.kind) == (name, "same picture")]
    kept = {one.image: one for one in before if one.image in evaluated}
    return (*kept.values(), *(one for one in found if one.image not in kept))


def alike_images(audit: Audit, learnt: Sequence[Known], evaluated: Sequence[Known], name: str) -> tuple[Leak, ...]:
    """Return the pairs of a learnt and an evaluated image in a stored audit, most alike first."""
    ours = {one.digest: one for one in learnt}
    theirs = {one.digest: one for one in evaluated}
    leaks = {}
    for one in audit.between(ours.keys(), theirs.keys()):
        known, image = (audit.entries[place].digest for place in (one.first, one.second))
        if known == image or one.kind == "same lesion":
            continue  # found by `shared_images`
        pair = (theirs[image].image_id, ours[known].image_id)
        leaks[pair] = Leak(name, pair[0], one.kind, one.likeness, pair[1], ours[known].split)
    return tuple(sorted(leaks.values(), key=lambda leak: -(leak.likeness or 0)))


def write_leaks(run: RunFolder, leaks: Sequence[Leak], name: str, dataset: str, licence: str) -> None:
    """List the leaks of some results in the run folder, in place of an earlier list of them; no file without any."""
    found = [dataclasses.replace(one, dataset=dataset) for one in leaks]
    every = [*(one for one in read_leaks(run) if one.judged != name), *found]
    if not every:
        run.leakage.unlink(missing_ok=True)
        return
    write_table(run.leakage, LEAK_COLUMNS, (dataclasses.astuple(one) for one in every), licence=licence)


def leak_notes(leaks: Sequence[Leak], run: Run) -> tuple[str, ...]:
    """Return the note on how many images are known from training; none where none is."""
    images, listed = len({one.image for one in leaks}), run.folder.leakage.name
    return (f"{images} of the images are known from training; see {listed}, which --exclude takes",) if images else ()
