"""A study in PostgreSQL keeps the promises of one in SQLite, while its server and the database are killed."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.study.postgres_server import Postgres, needs_postgres, postgres
from tests.pipeline.study.small_study import open_study, small_study
from tests.web.study import test_app as sqlite
from tests.web.study.study_process import StudyProcess

from attnmel.web.study.app import NO_DATABASE

pytestmark = [pytest.mark.slow, needs_postgres]

PROMISES: tuple[Callable[[sqlite.Desk], None], ...] = (
    sqlite.test_a_reader_goes_through_the_whole_study,
    sqlite.test_a_double_click_and_a_retry_keep_one_answer,
    sqlite.test_of_two_tabs_the_first_answer_counts,
    sqlite.test_an_answer_without_support_cannot_be_changed_once_support_was_shown,
    sqlite.test_a_key_that_was_used_for_another_answer_does_not_swallow_one,
    sqlite.test_a_new_link_replaces_the_one_before,
    sqlite.test_texts_of_sql_and_html_are_kept_as_texts,
    sqlite.test_when_a_case_was_shown_is_kept_once,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as one:
        yield one


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.__name__)
def test_postgresql_keeps_the_promise(promise: Callable[[sqlite.Desk], None], server: Postgres, tmp_path: Path) -> None:
    desk = sqlite.Desk(tmp_path, database=server.new_database())
    promise(desk)
    desk.close()
    assert not (desk.path / "study.db").exists()


def test_without_its_database_a_study_answers_with_a_sentence_and_keeps_nothing_by_halves(
    server: Postgres, tmp_path: Path
) -> None:
    desk = sqlite.Desk(tmp_path, database=server.new_database())
    given = sqlite.answer(desk.state())
    server.crash()
    for got in (desk.get("/api/state"), desk.post(given)):
        assert (got.status_code, got.json()) == (503, {"error": NO_DATABASE})
    server.start()
    assert desk.post(given).json()["answered"] == 1
    desk.close()


def read_patiently(port: int, token: str, acknowledged: dict[tuple[int, str], str]) -> None:
    """Read a whole study as the page does: each answer is sent with its key until the server has it."""

    def asked(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        while True:
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data)
            request.add_header("authorization", f"Bearer {token}")
            try:
                with urllib.request.urlopen(request, timeout=20) as got:
                    return json.loads(got.read())
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
            except OSError:
                pass
            time.sleep(0.05)

    state = asked("/api/state")
    while state["state"] == "reading":
        given = sqlite.answer(state)
        state = asked("/api/answer", given)
        acknowledged[given["position"], given["stage"]] = given["key"]
        time.sleep(0.1)


def test_no_answer_is_lost_or_doubled_while_server_and_database_are_killed(server: Postgres, tmp_path: Path) -> None:
    address = server.new_database()
    path, _, tokens = small_study(tmp_path, database=address)
    served = StudyProcess(path, "--database", address)
    kept: dict[str, dict[tuple[int, str], str]] = {name: {} for name in tokens}
    readers = [threading.Thread(target=read_patiently, args=(served.port, tokens[name], kept[name])) for name in tokens]
    try:
        for one in readers:
            one.start()
        for least, kill in ((4, served.kill), (9, server.crash), (13, served.kill)):
            while any(len(own) < least for own in kept.values()):
                assert all(one.is_alive() for one in readers)
                time.sleep(0.02)
            kill()
            (server.start if kill == server.crash else served.start)()
        for one in readers:
            one.join(120)
    finally:
        served.kill()
    with open_study(path, address) as opened:
        for reader in opened.store.readers():
            answers = opened.store.answers(reader)
            assert len(answers) == 18
            assert {place: one.key for place, one in answers.items()} == kept[reader.name]
