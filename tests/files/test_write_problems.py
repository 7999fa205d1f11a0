import errno
import os
from pathlib import Path

import pytest

from attnmel.cli.app import _system_problem
from attnmel.files.write_problems import is_for_lack_of_right, reason_in_words


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no owner")
def test_a_lack_of_right_is_told_from_a_lack_of_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 123_456)
    monkeypatch.setattr(Path, "owner", lambda _: "ana")
    refused, read_only, full = (OSError(one, "") for one in (errno.EACCES, errno.EROFS, errno.ENOSPC))
    assert [is_for_lack_of_right(one) for one in (refused, read_only, full, ValueError())] == [True, True, False, False]
    assert reason_in_words(refused, tmp_path / "new") == f"Permission denied: {tmp_path} belongs to the user ana"
    assert reason_in_words(read_only, tmp_path) == "Read-only file system"
    assert reason_in_words(full, tmp_path) == "No space left on device"
    assert reason_in_words(ValueError("odd"), tmp_path) == "odd"


def test_a_disk_quota_is_no_question_of_the_path() -> None:
    told = _system_problem(OSError(errno.EDQUOT, "Disk quota exceeded", "table.csv"))
    assert told.startswith("this user's share of the disk is used up: cannot write table.csv. Free some space and run ")
