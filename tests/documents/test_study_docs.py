"""docs/how-to/study.md is followed from first command to last, with small images and a table for the machine."""

import json
import re
import shlex
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.cli.conftest import Attnmel
from tests.cli.conftest import attnmel as attnmel
from tests.pipeline.study.small_study import open_study, write_folder, write_machine
from tests.web.conftest import ADDRESS
from tests.web.study.test_app import answer

from attnmel.web.study.app import make_study_app

DOC = Path(__file__).parents[2] / "docs" / "how-to" / "study.md"
BLOCK, INLINE = re.compile(r"^ {4,}attnmel (study .+)$", re.MULTILINE), re.compile(r"`attnmel (study [^`]+)`")
INSTEAD = {"isic2017": "images", "model.onnx": "net.csv", "readings.csv": "readings/readings.csv"}


def commands() -> list[list[str]]:
    """Return each command of the page that has arguments, in order, once."""
    text = re.sub(r"\\\n\s*", "", DOC.read_text(encoding="utf-8"))
    found = sorted((match.start(), match[1]) for pattern in (BLOCK, INLINE) for match in pattern.finditer(text))
    return [shlex.split(command) for command in dict.fromkeys(one for _, one in found) if len(command.split()) > 2]


def read_everything(study: Path, tokens: list[str]) -> None:
    """Answer each question of each reader."""
    with open_study(study) as opened, TestClient(make_study_app(*opened), ADDRESS) as client:
        for number, token in enumerate(tokens):
            headers = {"authorization": f"Bearer {token}"}
            state = client.get("/api/state", headers=headers).json()
            while state["state"] == "reading":
                given = answer(state, suspicion=(37 * state["position"] + 11 * number) % 101)
                state = client.post("/api/answer", json=given, headers=headers).json()
            assert state["state"] == "done"


@pytest.mark.slow
def test_each_command_of_the_ten_steps_does_what_the_page_says(
    attnmel: Attnmel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "images", cases=48)
    write_machine(tmp_path / "net.csv", cases=48, wrong=(4, 5, 12, 13))
    ran: list[str] = []
    tokens: dict[str, str] = {}
    for words in commands():
        kind = words[1]
        ran.append(kind)
        if kind == "serve":
            continue  # tests/cli/commands/results/test_study_running.py serves a study, and kills it
        if kind == "export":
            read_everything(tmp_path / "reading", list(tokens.values()))
        images = [word for word in words if word not in ("--split", "test")]  # the small folder has no splits
        result = attnmel(*(INSTEAD.get(word, word) for word in images))
        assert result.code == 0, (words, result.err)
        tokens |= dict(re.findall(r"^(\w+) +http\S+/#(\S+)$", result.out, re.MULTILINE))
        if kind == "link":
            tokens[words[-1]] = result.out.strip().partition("#")[2]
    assert [kind for kind in ran if kind != "power"] == [
        "new",
        "link",
        "serve",
        "status",
        "export",
        "analyse",
        "analyse",
    ]
    found = json.loads((tmp_path / "results" / "analysis.json").read_text())
    assert set(found["machines"]) == {"net", "wrong machine"}
    assert set(found["changes"]) == {"with net", "with wrong machine"}
    assert (tmp_path / "results" / "report.html").is_file()
