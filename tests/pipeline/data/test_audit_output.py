"""The page of an audit says what the command line says."""

from pathlib import Path

from attnmel.data.audit.findings import AuditEntry, AuditFinding
from attnmel.data.audit.store import VERSION, Audit
from attnmel.pipeline.data.audit import Audited, AuditInputs
from attnmel.pipeline.data.audit_output import leak_verdict, write_pairs_page


def test_the_verdict_on_the_page_names_folders_as_they_are_called(tmp_path: Path) -> None:
    entries = tuple(AuditEntry(name, "test", "a", name, None, None) for name in ("Klinik_Nord", "Klinik_Süd"))
    leaks = (AuditFinding("same id", 0, 1),)
    inputs = AuditInputs(entries, (), ((0, 0), (0, 1)), (0, 1))
    audited = Audited(inputs, Audit(VERSION, "", entries, leaks), tmp_path / "audit.json", leaks)
    assert repr(audited) == "Audited(1 finding; see .findings and .to_dict())"
    write_pairs_page(audited, tmp_path / "page.html")
    assert leak_verdict(audited).startswith("leakage from Klinik_Nord:test to Klinik_Süd:test: 1 test images")
    assert "Leakage from Klinik_Nord:test to Klinik_Süd:test: 1 test images" in (tmp_path / "page.html").read_text(
        encoding="utf-8"
    )
