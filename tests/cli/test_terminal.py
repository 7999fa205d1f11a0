"""Tables are plain text with aligned columns, and JSON is valid."""

import json

import pytest

from attnmel.cli.terminal import Terminal, print_json, print_table


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["", "value"], [["auc", "0.9"], ["balanced accuracy", "0.75"]])
    assert capsys.readouterr().out.splitlines() == [
        "                   value",
        "auc                  0.9",
        "balanced accuracy   0.75",
    ]


def test_what_is_not_defined_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"auc": float("nan"), "rows": [{"low": float("nan"), "high": 1.0}], "name": "x"})
    assert json.loads(capsys.readouterr().out) == {"auc": None, "rows": [{"low": None, "high": 1.0}], "name": "x"}


@pytest.mark.parametrize("unit", ["bytes", "images", ""])
def test_progress_speaks_on_standard_error_only(unit: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.bar("decoding", 2, unit) as advance:
        advance(2)
    terminal.note("done")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "done" in captured.err
