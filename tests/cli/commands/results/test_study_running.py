"""`attnmel study new`, `serve`, `status`, `export` and `link` as a user meets them; a server that is killed."""

import http.client
import importlib.util
import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Attnmel
from tests.copies import start_command
from tests.pipeline.study.small_study import open_study, small_study, write_folder, write_machine

from attnmel.cli.commands.results.study_running import _command

STOPS = 5


def test_from_a_new_study_to_its_export(attnmel: Attnmel, tmp_path: Path) -> None:
    folder, machine = write_folder(tmp_path / "images"), write_machine(tmp_path / "net.csv")
    study = tmp_path / "reading"
    counts = ("--count", "melanoma=4", "--count", "nevus=4", "--reader", "ana", "--reader", "ben=resident")
    ran = attnmel("study", "new", study, folder, *counts, "--machine", machine, "--address", "https://study.example/")
    assert ran.code == 0, ran.err
    links = re.findall(r"^(\w+) +https://study\.example/#([\w-]{32})$", ran.out, re.MULTILINE)
    assert [name for name, _ in links] == ["ana", "ben"]
    assert ran.err.splitlines()[-1] == f"attnmel study serve {study}", "to be copied"
    ran = attnmel("study", "status", study, "--json")
    assert [(one["reader"], one["answered"], one["steps"]) for one in json.loads(ran.out)] == [
        ("ana", 0, 20),
        ("ben", 0, 20),
    ]
    assert attnmel("study", "status", study).out.splitlines()[0].split()[:3] == ["reader", "answers", "complete"]
    other = attnmel("study", "link", study, "ana").out.strip().partition("#")[2]
    with open_study(study) as opened:
        assert opened.store.reader(links[0][1]) is None
        found = opened.store.reader(other)
        assert found is not None
        assert found.name == "ana"
    ran = attnmel("study", "export", study, "--out", tmp_path / "out")
    every = tmp_path / "out" / "answers.csv"
    sentence = f"error: no reader has enough answers to be analysed yet; all answers are in {every}"
    assert (ran.code, ran.err.splitlines()[-1]) == (1, sentence)


def test_a_day_in_another_form_is_refused_before_anything_is_made(attnmel: Attnmel, tmp_path: Path) -> None:
    ran = attnmel("study", "new", tmp_path / "s", "x", "--count", "a=1", "--reader", "b", "--ends", "28.12.2026")
    assert (ran.code, ran.err) == (
        1,
        "error: the last day '28.12.2026'; expected YEAR-MONTH-DAY, such as 2026-12-28\n",
    )


def test_the_command_after_a_new_study_names_a_folder_with_spaces_and_the_database(tmp_path: Path) -> None:
    assert _command("serve", Path("my study"), None) == "attnmel study serve 'my study'"
    assert _command("serve", Path("s"), "sqlite:///a b.db") == "attnmel study serve s --database 'sqlite:///a b.db'"


def test_a_folder_without_a_study_and_a_missing_database_are_said(attnmel: Attnmel, tmp_path: Path) -> None:
    ran = attnmel("study", "status", tmp_path)
    assert ran.err == f"error: {tmp_path} holds no study (study.json); freeze a new one by `attnmel study new`\n"
    path, _, _ = small_study(tmp_path / "x")
    (path / "study.db").unlink()
    ran = attnmel("study", "serve", path)
    assert ran.err.startswith(f"error: {path / 'study.db'} is missing; restore it, or give the address")
    assert not (path / "study.db").exists()
    (path / "study.db").write_bytes(b"no database" * 100)
    ran = attnmel("study", "status", path)
    assert ran.err == (
        "error: the study's database cannot be used (file is not a database); check its address or file\n"
    )
    ran = attnmel("study", "status", path, "--database", "nonsense://x")
    assert ran.err.startswith("error: no database can be opened there (Can't load plugin")


def test_without_the_extra_a_sentence_says_what_to_install(attnmel: Attnmel, monkeypatch: pytest.MonkeyPatch) -> None:
    there: Callable[..., object] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sqlmodel" else there(name))
    ran = attnmel("study", "status", "x")
    assert ran.err == (
        "error: a study needs the package sqlmodel, which is not installed; type: pip install 'attnmel[study]'\n"
    )


class Reader(threading.Thread):
    """Answers over a real connection, sends again what got no reply, and remembers what was acknowledged."""

    def __init__(self, port: Callable[[], int], token: str, number: int) -> None:
        super().__init__()
        self._port, self._token, self._number = port, token, number
        self.acknowledged: dict[tuple[int, str], str] = {}

    def run(self) -> None:
        """Answer until the study is done."""
        state = self._asked("GET", "/api/state")
        while state["state"] == "reading":
            key = f"reader-{self._number}-{state['position']}-{state['stage']}"
            given = {"position": state["position"], "stage": state["stage"], "key": key, "suspicion": self._number}
            given |= {"diagnosis": "nevus", "confidence": 1, "management": "follow-up", "seconds": 1.0}
            place = state["position"], state["stage"]
            state = self._asked("POST", "/api/answer", json.dumps(given))
            self.acknowledged[place] = key

    def _asked(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=20)
            try:
                connection.request(method, path, body, {"authorization": f"Bearer {self._token}"})
                answer = connection.getresponse()
                found = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            assert answer.status == 200, found
            return found


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_server_that_is_killed_at_any_moment_loses_and_doubles_no_answer(tmp_path: Path) -> None:
    path, study, tokens = small_study(tmp_path, cases=62, count=30)
    port, process = 0, None

    def started(wanted: int) -> tuple[Any, int]:
        one = start_command("study", "serve", path, "--port", wanted)
        assert one.stdout is not None
        return one, int(one.stdout.readline().strip().rstrip("/").rpartition(":")[2])

    process, port = started(0)
    readers = [Reader(lambda: port, tokens[name], number) for number, name in enumerate(study.readers)]
    for one in readers:
        one.start()
    drawn = random.Random(3)
    kills = 0
    for _ in range(STOPS):
        time.sleep(drawn.uniform(0.1, 0.8))
        kills += any(one.is_alive() for one in readers)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process, port = started(port)
    for one in readers:
        one.join()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert kills == STOPS, "every kill came while readers were answering"
    with open_study(path) as opened:
        for one, reader in zip(readers, opened.store.readers(), strict=True):
            kept = {place: found.key for place, found in opened.store.answers(reader).items()}
            assert kept == one.acknowledged
            assert len(kept) == 2 * 60 + 1 + 1, "cases with two stages, one repeat, one practice"
