"""What is found of entries: ids, bytes, pictures, lesions, labels; and which of a pair a list leaves out."""

from pathlib import Path

import pytest

from attnmel.data.audit.align import Match
from attnmel.data.audit.exclusions import exclusions, read_exclusions, write_exclusions
from attnmel.data.audit.findings import AuditEntry, AuditFinding, findings_of, labels_differ, repeated_lesions
from attnmel.data.audit.store import VERSION, Audit, audit_key, audit_path, read_audit, stored_audit, write_audit
from attnmel.errors import LabelError
from attnmel.records import Split


def entry(
    image: str, split: Split = "train", *, dataset: str = "one", digest: str = "", label: str = "nevus", group: str = ""
) -> AuditEntry:
    return AuditEntry(dataset, split, image, digest or f"bytes of {image}", label, group or None)


ENTRIES = (
    entry("a"),
    entry("b", "test", digest="bytes of a"),
    entry("c", "test", label="melanoma"),
    entry("d", group="lesion"),
    entry("e", group="lesion"),
    entry("a", "test", dataset="two", digest="bytes of another copy"),
)


def test_each_pair_has_the_first_kind_that_is_true() -> None:
    found = findings_of(ENTRIES, [("bytes of a", "bytes of c", Match(0, 1, 5, 0.8))])
    assert [(one.kind, one.first, one.second) for one in found] == [
        ("same id", 0, 5),
        ("same bytes", 0, 1),
        ("same picture", 0, 2),
        ("same picture", 1, 2),
        ("same lesion", 3, 4),
        ("labels differ", 0, 2),
        ("labels differ", 1, 2),
    ]
    assert (found[2].likeness, found[2].symmetry) == (0.8, 5)


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("benign", "melanoma", True),
        ("benign", "seborrheic_keratosis", False),
        ("malignant", "melanoma", False),
        ("MEL", "melanoma", False),
        ("NV", "BKL", True),
        ("rest", "melanoma", False),  # of two data sets: what "rest" means there is not known
    ],
)
def test_labels_differ_where_they_cannot_both_be_true(one: str, other: str, differ: bool) -> None:
    assert labels_differ(entry("a", label=one), entry("a", dataset="two", label=other)) == differ


def test_words_of_unknown_meaning_differ_within_a_data_set() -> None:
    assert labels_differ(entry("a", label="rest"), entry("b", label="melanoma"))


def test_lesions_with_several_images_are_counted_within_a_data_set() -> None:
    entries = [
        entry("a", group="1"),
        entry("b", group="1"),
        entry("c", group="2"),
        entry("d", dataset="two", group="2"),
    ]
    assert repeated_lesions(entries) == {("one", "1"): [0, 1]}


def test_a_lesion_of_two_data_sets_is_found_as_a_judgement_on_another_set_finds_it() -> None:
    entries = [entry("a"), entry("b", group="HAM_1"), entry("c", "test", dataset="two", group="HAM_1")]
    assert findings_of(entries, []) == (AuditFinding("same lesion", 1, 2),)


def audit_of(*findings: AuditFinding, entries: tuple[AuditEntry, ...] = ENTRIES) -> Audit:
    return Audit(VERSION, "", entries, findings)


def test_a_stored_audit_is_found_by_the_content_of_files_alone(tmp_path: Path) -> None:
    made = audit_of(AuditFinding("same picture", 2, 0, 0.8, 3))
    write_audit(tmp_path, audit_key(ENTRIES, ""), made)
    assert stored_audit(tmp_path, {"bytes of a", "bytes of c"}) == made
    assert stored_audit(tmp_path, {"bytes of a", "bytes of f"}) is None
    assert made.between({"bytes of a"}, {"bytes of c"}) == (AuditFinding("same picture", 0, 2, 0.8, 3),)
    assert made.between({"bytes of d"}, {"bytes of c"}) == ()


def test_an_audit_of_another_version_is_not_used_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    key = audit_key(ENTRIES, "")
    write_audit(tmp_path, key, Audit(VERSION + 1, "", ENTRIES, ()))
    assert read_audit(tmp_path, key) is None
    audit_path(tmp_path, key).write_text("{")
    with pytest.raises(LabelError, match=r"audit\.json is damaged; delete it and run `attnmel audit` again"):
        read_audit(tmp_path, key)


def test_a_changed_label_or_file_makes_another_key() -> None:
    keys = {
        audit_key([entry("a")], ""),
        audit_key([entry("a", label="melanoma")], ""),
        audit_key([entry("a", digest="other")], ""),
        audit_key([entry("a")], "random"),
        audit_key([entry("a")], "", in_groups=True),
    }
    assert len(keys) == 5


def test_of_a_leak_the_named_side_is_left_out() -> None:
    leak = AuditFinding("same picture", 2, 0, 0.8)
    made = audit_of(leak)
    (train,), (test,) = (exclusions(made, [leak], side) for side in ("train", "test"))
    assert (train.dataset, train.image, train.reason, train.pair) == ("one", "a", "same picture", "one:test/c")
    assert (test.image, test.pair) == ("c", "one:train/a")


def test_of_a_leak_between_named_sides_the_side_goes_whatever_its_split_is_called() -> None:
    entries = (entry("a", "test"), entry("b", "train", dataset="two"), entry("c", "test", dataset="two"))
    leaks = [AuditFinding("same picture", 0, 1, 0.8), AuditFinding("same lesion", 0, 2)]
    made = audit_of(*leaks, entries=entries)
    trains, judges = (exclusions(made, leaks, side, between_sides=True) for side in ("train", "test"))
    assert [(one.dataset, one.image) for one in trains] == [("one", "a")]
    assert [(one.dataset, one.image) for one in judges] == [("two", "b"), ("two", "c")]


def test_photographs_of_one_lesion_stay_and_a_doubled_picture_goes() -> None:
    lesion, double = AuditFinding("same lesion", 3, 4), AuditFinding("same picture", 3, 4, 0.9)
    assert exclusions(audit_of(lesion), [lesion], "train") == ()
    assert [one.image for one in exclusions(audit_of(double), [double], "train")] == ["e"]


def test_both_go_where_one_picture_has_two_labels() -> None:
    conflict = AuditFinding("labels differ", 0, 2)
    assert [one.image for one in exclusions(audit_of(conflict), [conflict], "train")] == ["a", "c"]


def test_a_list_that_was_written_is_read_for_one_data_set(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    leaks = [AuditFinding("same picture", 0, 2, 0.8), AuditFinding("same id", 0, 5)]
    write_exclusions(path, exclusions(audit_of(*leaks), leaks, "test"))
    assert read_exclusions(path, "one") == ("c",)
    assert read_exclusions(path, "two") == ("a",)
    with pytest.raises(LabelError, match=r"names no image of three \(it names images of: one, two\)"):
        read_exclusions(path, "three")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("image\na\n", "has the columns image; expected dataset,image,reason,pair"),
        ("dataset,image\none,\n", "1 rows without a data set or an image"),
        ("", "has the columns ; expected"),
    ],
)
def test_a_list_that_is_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(LabelError, match=told):
        read_exclusions(path, "one")


def test_a_list_that_is_not_there_is_told_with_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"no exclusion list at .*; write one with `attnmel audit one --exclusions"):
        read_exclusions(tmp_path / "list.csv", "one")


def test_a_smaller_copy_of_isic2019_has_the_id_of_its_original() -> None:
    known = [entry("ISIC_1", dataset="isic2017"), entry("ISIC_1_downsampled", dataset="isic2019", label="NV")]
    (found,) = findings_of(known, [("bytes of ISIC_1", "bytes of ISIC_1_downsampled", Match(0, 1, 5, 0.9))])
    assert (found.kind, found.first, found.second) == ("same id", 0, 1)


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("AKIEC", "AK", False),
        ("AKIEC", "SCC", False),
        ("AK", "SCC", True),
        ("SCCKA", "SCC", False),
        ("common nevus", "NV", False),
        ("benign", "AK", True),
        ("malignant", "AK", False),
    ],
)
def test_akiec_became_ak_or_scc(one: str, other: str, differ: bool) -> None:
    assert labels_differ(entry("a", label=one), entry("a", dataset="two", label=other)) == differ
