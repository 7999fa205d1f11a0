"""Copies and masks as strangers bring them get their right answers from `audit` and `verify`."""

from pathlib import Path

from tests.strangers.datasets.make_audit import make_copies, make_masks

from attnmel.data.verify import verify_dataset
from attnmel.pipeline.data.audit import audit_datasets


def test_every_copy_is_found_with_its_photograph_and_nothing_else(tmp_path: Path) -> None:
    right = make_copies(tmp_path / "copies")
    made = audit_datasets([str(tmp_path / "copies")], home=tmp_path / "home").audit
    pairs = [(made.entries[one.first].image_id, made.entries[one.second].image_id) for one in made.findings]
    assert {frozenset(pair) for pair in pairs} == {frozenset(pair) for pair in right.items()}
    assert {one.kind for one in made.findings} == {"same picture"}


def test_every_mask_is_reported_as_what_it_is(tmp_path: Path) -> None:
    right = make_masks(tmp_path / "masks")
    found = verify_dataset(str(tmp_path / "masks"), tmp_path / "home")
    kinds = {name: tuple(one.kind for one in found.findings if one.image_id == name) for name in right}
    assert kinds == {name: tuple(sorted(expected, key=list(found.by_kind()).index)) for name, expected in right.items()}
