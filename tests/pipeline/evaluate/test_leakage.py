"""What is said where no audit of the training and the evaluation images is stored."""

import dataclasses
import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attnmel.data.audit.findings import AuditEntry, AuditFinding
from attnmel.data.audit.store import VERSION, Audit
from attnmel.files.folders import RunFolder
from attnmel.pipeline.evaluate import leakage
from attnmel.pipeline.run.images.seen_images import Known, Leak
from attnmel.records import Split


@pytest.mark.parametrize(
    ("on", "command"),
    [
        (None, "attnmel audit /data/clinic --columns image=Bild"),
        ("/data/other clinic", "attnmel audit /data/clinic '/data/other clinic' --columns 'image=file name,label=dx'"),
    ],
)
def test_the_advice_to_audit_names_the_columns_of_the_evaluated_folder(
    on: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("judged_images", "shared_images"):
        monkeypatch.setattr(leakage, name, lambda *_: ())
    monkeypatch.setattr(leakage, "stored_audit", lambda *_: None)
    said: list[str] = []
    run: Any = SimpleNamespace(
        learnt_images=(SimpleNamespace(digest="a", split="train"),),
        recipe=SimpleNamespace(data=SimpleNamespace(dataset="/data/clinic", columns={"image": "Bild"})),
        home=Path(),
        folder=RunFolder(Path("without lists")),
        progress=SimpleNamespace(note=said.append),
    )
    prepared: Any = None
    columns = {"image": "file name", "label": "dx"}
    options: dict[str, Any] = {"name": "clinic", "split": "test", "on": on, "columns": columns, "allowed": False}
    assert leakage.check_leakage(run, prepared, np.arange(0), **options) == ()
    assert said == [f"no stored audit; run `{command}` to learn of near-duplicates"]


def known(image_id: str, split: str, group: str = "") -> Known:
    return Known(image_id, split, group, f"sha256 of {image_id}")


def test_of_a_split_of_its_own_a_run_knows_the_images_of_the_other_splits_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The validation images are among what chose the epoch; they are not copies of themselves."""
    evaluated = (known("a", "validation"), known("b", "validation", "lesion"), known("c", "validation"))
    monkeypatch.setattr(leakage, "judged_images", lambda *_: evaluated)
    monkeypatch.setattr(leakage, "stored_audit", lambda *_: None)
    run: Any = SimpleNamespace(
        learnt_images=(known("t", "train", "lesion"), known("u", "train"), *evaluated),
        recipe=SimpleNamespace(data=SimpleNamespace(dataset="isic2017", columns={})),
        home=Path(),
        folder=RunFolder(Path("without lists")),
    )
    options: dict[str, Any] = {"name": "validation", "split": "validation", "on": None, "columns": {}}
    nothing: Any = SimpleNamespace(lesions=())
    found = leakage.check_leakage(run, nothing, np.arange(0), allowed=False, **options)
    assert found == (Leak("validation", "b", "same lesion", None, "t", "train"),)


def test_copies_by_an_audit_go_from_the_learnt_to_the_evaluated_image_most_alike_first() -> None:
    learnt, evaluated = [known("t", "train"), known("u", "train", "g")], [known("a", "test"), known("b", "test", "g")]
    sides: tuple[Split, ...] = ("train", "train", "test", "test")
    entries = tuple(
        AuditEntry("isic2017", side, one.image_id, one.digest, None, one.group)
        for side, one in zip(sides, (*learnt, *evaluated), strict=True)
    )
    findings = (
        AuditFinding("same picture", 0, 2, 0.7),
        AuditFinding("same picture", 3, 0, 0.9),
        AuditFinding("same lesion", 1, 3),
    )
    audit = Audit(VERSION, "", entries, findings)
    assert leakage.alike_images(audit, learnt, evaluated, "test") == (
        Leak("test", "b", "same picture", 0.9, "t", "train"),
        Leak("test", "a", "same picture", 0.7, "t", "train"),
    )


def test_the_list_of_leaks_keeps_those_of_other_results_and_replaces_its_own(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    first = Leak("test", "a", "same id", None, "t", "train")
    second = Leak("other-all", "b", "same bytes", 0.5, "u", "train")
    write = functools.partial(leakage.write_leaks, run, dataset="isic2017", licence="CC-0")
    listed = dataclasses.replace(second, dataset="isic2017")
    write([first], "test")
    write([second], "other-all")
    assert {one.image for one in leakage.read_leaks(run)} == {"a", "b"}
    write([dataclasses.replace(first, image="c")], "test")
    assert {one.image for one in leakage.read_leaks(run)} == {"b", "c"}
    write([], "test")
    assert leakage.read_leaks(run) == (listed,)
    write([], "other-all")
    assert not run.leakage.exists()
