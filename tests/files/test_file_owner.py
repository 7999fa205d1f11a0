import os
from pathlib import Path

import pytest

from attnmel.files.file_owner import other_owner, owner_of


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no owner")
def test_a_place_of_another_user_is_told_and_one_of_this_user_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "new" / "table.csv"
    assert other_owner(missing) is None
    assert owner_of(missing) == ""
    monkeypatch.setattr(os, "geteuid", lambda: 123_456)
    monkeypatch.setattr(Path, "owner", lambda _: "ana")
    assert other_owner(missing) == (tmp_path, "ana")
    assert other_owner(tmp_path) == (tmp_path, "ana")


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no owner")
def test_a_user_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: Path) -> str:
        raise KeyError

    monkeypatch.setattr(Path, "owner", unknown)
    assert owner_of(tmp_path) == str(tmp_path.stat().st_uid)
