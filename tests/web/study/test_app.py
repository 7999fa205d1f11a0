"""Readers, and what somebody gets who is none, who comes too late, or who sends what the page would not."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.pipeline.study.small_study import open_study, small_study
from tests.web.conftest import ADDRESS

from attnmel.pipeline.study.reading_order import reading_order
from attnmel.pipeline.study.study_file import Study
from attnmel.web.server import guarded
from attnmel.web.study.app import LATER, NO_LINK, TAKEN, make_study_app
from attnmel.web.study.schema import MOST_LETTERS

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Desk:
    """A served study, its readers' tokens and its clock."""

    def __init__(self, place: Path, database: str | None = None, **options: Any) -> None:  # noqa: ANN401
        self.path, self.study, self.tokens = small_study(place, database=database, **options)
        self.now = START
        self._opened = open_study(self.path, database)
        self.opened = self._opened.__enter__()
        app = make_study_app(*self.opened, now=lambda: self.now)
        self.client = TestClient(guarded(app, "127.0.0.1", None), ADDRESS).__enter__()

    def close(self) -> None:
        """Close client and database."""
        self.client.__exit__()
        self._opened.__exit__(None, None, None)

    def get(self, path: str, reader: str = "ana") -> Any:  # noqa: ANN401
        """Request as a reader."""
        return self.client.get(path, headers={"authorization": f"Bearer {self.tokens[reader]}"})

    def post(self, answer: dict[str, Any], reader: str = "ana", **headers: str) -> Any:  # noqa: ANN401
        """Send an answer as a reader."""
        headers = {"authorization": f"Bearer {self.tokens[reader]}", **headers}
        return self.client.post("/api/answer", json=answer, headers=headers)

    def state(self, reader: str = "ana") -> dict[str, Any]:
        """Return what a reader is shown."""
        return self.get("/api/state", reader).json()

    def kept(self, reader: str = "ana") -> dict[tuple[int, str], Any]:
        """Return what the database has of a reader."""
        store = self.opened.store
        return store.answers(next(one for one in store.readers() if one.name == reader))

    def read(self, count: int, reader: str = "ana", **more: Any) -> None:  # noqa: ANN401
        """Answer so many times."""
        for _ in range(count):
            state = self.state(reader)
            assert self.post(answer(state, **more), reader).status_code == 200


def answer(state: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a possible answer to what a reader is shown."""
    key = f"key-{state['position']}-{state['stage']}"
    given = {"position": state["position"], "stage": state["stage"], "key": key, "suspicion": 30, "diagnosis": "nevus"}
    return {**given, "confidence": 3, "management": "follow-up", "comment": "", "seconds": 4.5, **more}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.close()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A study to which only refused requests are sent."""
    one = Desk(tmp_path_factory.mktemp("standing"), wrong=True)
    one.read(1)
    yield one
    one.close()


def test_a_reader_goes_through_the_whole_study(desk: Desk) -> None:
    stages = []
    while (state := desk.state())["state"] == "reading":
        stages.append(state["stage"])
        assert (state["support"] is not None) == (state["stage"] == "support") == (state["before"] is not None)
        desk.read(1)
    assert stages == [stage for item in reading_order(desk.study, "ana") for stage in item.stages]
    assert (state["state"], state["answered"], state["steps"]) == ("done", 18, 18)
    assert desk.state("ben")["answered"] == 0


def test_a_double_click_and_a_retry_keep_one_answer(desk: Desk) -> None:
    given = answer(desk.state())
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: desk.post(given), range(6)))
    assert {one.status_code for one in found} == {200}
    assert {one.json()["answered"] for one in found} == {1}
    assert desk.post(given).json()["position"] == 2, "a retry gets the next question, not an error"
    assert list(desk.kept()) == [(1, "alone")]


def test_of_two_tabs_the_first_answer_counts(desk: Desk) -> None:
    state = desk.state()
    first = desk.post(answer(state, suspicion=10))
    second = desk.post(answer(state, suspicion=90, key="other-tab"))
    assert (first.status_code, second.status_code, second.json()) == (200, 409, {"error": TAKEN})
    with ThreadPoolExecutor(8) as pool:
        state = desk.state()
        found = list(pool.map(lambda one: desk.post(answer(state, key=f"tab-key-{one}", suspicion=one)), range(8)))
    assert sorted(one.status_code for one in found) == [200] + [409] * 7
    won = next(number for number, one in enumerate(found) if one.status_code == 200)
    assert [one.suspicion for one in desk.kept().values()] == [10, won]


def test_an_answer_without_support_cannot_be_changed_once_support_was_shown(desk: Desk) -> None:
    desk.read(1)
    first = answer(desk.state(), suspicion=20)
    assert desk.post(first).json()["stage"] == "support"
    for key in (first["key"], "back-button"):
        desk.post({**first, "suspicion": 95, "key": key})
    assert desk.kept()[2, "alone"].suspicion == 20
    assert desk.state()["before"]["suspicion"] == 20


def test_a_key_that_was_used_for_another_answer_does_not_swallow_one(desk: Desk) -> None:
    desk.read(1)
    again = desk.post(answer(desk.state(), key="key-1-alone"))
    assert (again.status_code, list(desk.kept())) == (409, [(1, "alone")])
    assert desk.post(answer(desk.state("ben"), key="key-1-alone"), "ben").status_code == 200, "of another reader"


def test_no_truth_no_name_of_a_case_and_nothing_of_others_reaches_the_browser(desk: Desk) -> None:
    desk.read(3, "ben", comment="a word of ben")
    texts = [desk.get("/api/welcome").text]
    while (state := desk.get("/api/state")).json()["state"] == "reading":
        texts.append(state.text)
        image = desk.get(f"/api/image/{state.json()['position']}")
        assert image.headers["content-type"] == "image/jpeg"
        texts += [image.content.decode("latin-1"), str(image.headers)]
        desk.read(1)
    every = "\n".join(texts)
    for word in ("SECRET", "diseased", "truth", "a word of ben", '"ben', "eve", "net", "wrong", "repeat", "0001.jpg"):
        assert word not in every, word


@pytest.mark.parametrize("token", ["", "x" * 32, "' OR '1'='1", "ana", "%00", "\u00e9"])
def test_a_guessed_token_gets_nothing(standing: Desk, token: str) -> None:
    for path in ("/api/welcome", "/api/state", "/api/image/2", "/api/map/2"):
        for value in (f"Bearer {token}", token, f"Basic {token}"):
            got = standing.client.get(path, headers={b"authorization": value.encode()})
            assert (got.status_code, got.json()) == (401, {"error": NO_LINK})
    got = standing.client.post("/api/answer", json={}, headers={b"authorization": f"Bearer {token}".encode()})
    assert got.status_code == 401
    assert standing.client.get(f"/?token={standing.tokens['ana']}").headers.get("set-cookie") is None


def test_a_token_of_another_study_gets_nothing(standing: Desk, desk: Desk) -> None:
    foreign = {"authorization": f"Bearer {desk.tokens['ana']}"}
    assert standing.client.get("/api/state", headers=foreign).status_code == 401


def test_a_new_link_replaces_the_one_before(desk: Desk) -> None:
    desk.read(2)
    before = desk.tokens["ana"]
    desk.tokens["ana"] = desk.opened.store.new_token("ana")
    assert desk.state()["answered"] == 2
    assert desk.client.get("/api/state", headers={"authorization": f"Bearer {before}"}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 421),
    ],
)
def test_a_page_of_another_site_writes_nothing_even_with_the_token(
    standing: Desk, headers: dict[str, str], status: int
) -> None:
    assert standing.post(answer(standing.state()), **headers).status_code == status
    assert len(standing.kept()) == 1


@pytest.mark.parametrize("position", ["1", "3", "99", "0", "-1", "../study.json", "%2e%2e%2fstudy.json", "2.5"])
def test_only_the_picture_of_the_open_case_is_shown(standing: Desk, position: str) -> None:
    assert standing.state()["position"] == 2
    for kind in ("image", "map"):
        got = standing.get(f"/api/{kind}/{position}")
        assert got.status_code in (404, 422)
        assert "cases" not in got.text
    assert standing.get("/api/map/2").status_code == 404, "before support is shown"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"position": 3}, 409),
        ({"stage": "support"}, 409),
        ({"stage": "'; DROP TABLE answer; --"}, 409),
        ({"suspicion": 101}, 422),
        ({"suspicion": -1}, 422),
        ({"suspicion": "50"}, 422),
        ({"suspicion": 50.5}, 422),
        ({"diagnosis": "<script>"}, 422),
        ({"management": ""}, 422),
        ({"confidence": 6}, 422),
        ({"confidence": 0}, 422),
        ({"seconds": -1}, 422),
        ({"seconds": 1e9}, 422),
        ({"key": "'; --"}, 422),
        ({"comment": "x" * 2001}, 422),
        ({"comment": "x" * 20_000}, 413),
        ({"reader": "ben"}, 422),
    ],
)
def test_what_is_no_answer_is_refused_with_a_sentence(standing: Desk, change: dict[str, Any], status: int) -> None:
    got = standing.post(answer(standing.state(), **change))
    assert (got.status_code, list(got.json())) == (status, ["error"])
    assert len(standing.kept()) == 1
    if status == 409:
        assert got.json()["error"] == LATER


KEYS = "position, stage, key, suspicion, diagnosis, confidence, management, comment, seconds"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"suspicion": 101}, "suspicion = 101: expected at most 100"),
        ({"suspicion": "50"}, "suspicion = '50': expected a whole number"),
        ({"seconds": None}, "seconds = None: expected a number"),
        ({"stage": 1, "suspicion": -1}, "stage = 1: expected a text; suspicion = -1: expected at least 0"),
        ({"comment": "x" * 2001}, f"comment = 'xxx{'x' * 36}...: expected a text of 2000 or fewer letters"),
        ({"suspicions": 3}, f"unknown key 'suspicions' (did you mean 'suspicion'?); known: {KEYS}"),
    ],
)
def test_a_wrong_value_of_an_answer_is_explained(standing: Desk, change: dict[str, Any], sentence: str) -> None:
    assert standing.post(answer(standing.state(), **change)).json() == {"error": sentence}


def test_what_an_answer_lacks_is_named(standing: Desk) -> None:
    headers = {"authorization": f"Bearer {standing.tokens['ana']}"}
    got = standing.client.post("/api/answer", json={"position": 1, "stage": "alone"}, headers=headers)
    missing = "key, suspicion, diagnosis, confidence, management, seconds"
    assert got.json() == {"error": f"missing: {missing}; expected the keys {KEYS}"}
    for body in (b"{", b"[]"):
        got = standing.client.post("/api/answer", content=body, headers=headers)
        assert got.json() == {"error": f"the body is no JSON object; expected one with the keys {KEYS}"}


def test_an_address_of_the_study_that_is_none_is_explained(standing: Desk) -> None:
    assert standing.get("/api/answer").json() == {"error": "'/api/answer' does not take GET; send POST"}
    assert standing.get("/api/image/two").json() == {"error": "position = 'two': expected a whole number"}


def test_a_comment_is_as_long_on_the_page_as_in_the_api() -> None:
    page = files("attnmel.web").joinpath("study/page/index.html").read_text()
    assert re.findall(r'<textarea id="comment"[^>]* maxlength="(\d+)"', page) == [str(MOST_LETTERS)]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 10_000, b"\xff\xfe", b'{"seconds": NaN}'])
def test_a_broken_body_is_refused(standing: Desk, body: bytes) -> None:
    headers = {"authorization": f"Bearer {standing.tokens['ana']}"}
    assert standing.client.post("/api/answer", content=body, headers=headers).status_code == 422


TEXTS = ("'; DROP TABLE answer; --", '<img src=x onerror="alert(1)">', "=HYPERLINK(1)", "\u202eabc \0 \N{PILE OF POO}")


def test_texts_of_sql_and_html_are_kept_as_texts(desk: Desk) -> None:
    for text in TEXTS:
        desk.read(1, comment=text)
    assert [one.comment for one in desk.kept().values()] == [text.replace("\0", "") for text in TEXTS]


def test_names_are_texts_too(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>'; --"
    desk = Desk(tmp_path, readers=[name, "b"])
    state = desk.get("/api/state", name)
    assert (state.json()["reader"], state.headers["content-type"]) == (name, "application/json")
    assert state.headers["x-content-type-options"] == "nosniff"
    desk.close()


def test_a_link_after_the_end_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ends=date(2030, 1, 2))
    desk.now = datetime(2030, 1, 2, 23, 59, tzinfo=UTC)
    given = answer(desk.state())
    desk.now += timedelta(minutes=2)
    for got in (desk.get("/api/state"), desk.post(given), desk.get("/api/image/1")):
        assert (got.status_code, got.json()) == (
            410,
            {"error": "the study ended on 2030-01-02; thank you for your answers"},
        )
    assert desk.kept() == {}
    desk.close()


def test_the_second_session_opens_after_the_washout(tmp_path: Path) -> None:
    desk = Desk(tmp_path, design="crossed", training=0, repeats=0, washout_days=28)
    desk.read(7)
    desk.now += timedelta(hours=5)
    desk.read(1)
    state = desk.state()
    assert (state["state"], state["opens"]) == ("break", "2030-01-29T17:00:00+00:00")
    early = {"position": 9, "stage": "support", "key": "too-early"}
    assert desk.post(answer(state, **early)).json() == {"error": LATER}
    assert desk.get("/api/image/9").status_code == 404
    desk.now += timedelta(days=28)
    assert (desk.state()["state"], desk.state()["stage"], desk.state()["before"]) == ("reading", "support", None)
    desk.now -= timedelta(days=40)
    assert desk.state()["state"] == "break", "a clock that was set back opens nothing"
    desk.now = START + timedelta(days=29)
    desk.read(8)
    assert desk.state()["state"] == "done"
    desk.close()


def test_when_a_case_was_shown_is_kept_once(desk: Desk) -> None:
    desk.state()
    desk.now += timedelta(minutes=3)
    desk.read(1)
    reader = desk.opened.store.readers()[0]
    assert desk.opened.store.shown(reader)[1, "alone"] == "2030-01-01T12:00:00.000+00:00"
    assert desk.kept()[1, "alone"].at == "2030-01-01T12:03:00.000+00:00"


def test_the_wrong_machine_is_not_named(standing: Desk) -> None:
    study: Study = standing.study
    assert study.machines[1].name == "wrong machine"
    seen = set()
    for reader in ("ben", "eve"):
        while (state := standing.get("/api/state", reader)).json()["state"] == "reading":
            assert "wrong" not in state.text
            if state.json()["support"]:
                seen.add(json.dumps(sorted(state.json()["support"])))
            standing.read(1, reader)
    assert len(seen) == 1


def test_the_welcome_says_what_to_expect_and_shows_nothing(desk: Desk) -> None:
    found = desk.get("/api/welcome").json()
    assert found == {
        "study": "study", "reader": "ana", "disease": "melanoma", "answered": 0, "steps": 18, "images": 10,
        "practice": 1, "sessions": 1, "washout_days": 28, "support": "probability", "after_own_answer": True,
        "minutes": 6, "ends": None,
    }  # fmt: skip
    assert desk.opened.store.shown(desk.opened.store.readers()[0]) == {}
    assert desk.client.get("/api/welcome").status_code == 401
    assert desk.state()["images"] == 10
    assert desk.state()["created"] == desk.study.created, "the seconds of an earlier study of this name are not its own"


def test_an_own_diagnosis_that_is_not_listed_can_be_given(desk: Desk) -> None:
    assert desk.state()["diagnoses"] == ["melanoma", "nevus", "other or not listed"]
    assert desk.post(answer(desk.state(), diagnosis="other or not listed")).status_code == 200
