"""Three readers in an installed Chromium do a whole study, while the server is killed; axe-core finds no violation."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.chromium import needs_chromium
from tests.pipeline.study.small_study import open_study, small_study
from tests.web.study.study_process import StudyProcess

from attnmel.evaluation.readers.study_results import StudyOptions
from attnmel.pipeline.study.analysis.analyse import analyse_study
from attnmel.pipeline.study.export_study import export_study
from attnmel.pipeline.study.study_file import Study, hash_of
from attnmel.pretrained.catalogue import DEFAULT, open_model
from attnmel.pretrained.examples import FOLDER

pytestmark = needs_chromium

SIZES = {
    "ana": {"viewport": {"width": 1200, "height": 900}},
    "ben": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "eve": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
}
SHOWN = "!document.getElementById('reading').hidden || !document.getElementById('message').hidden"
ALONE: dict[str, Any] = {"count": 2, "design": "alone", "training": 0}

Serve = Callable[[Path], StudyProcess]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a study until the end of the test."""
    servers: list[StudyProcess] = []

    def start(path: Path) -> StudyProcess:
        servers.append(StudyProcess(path))
        return servers[-1]

    yield start
    for one in servers:
        one.kill()


class Served(NamedTuple):
    """A study that is served, and the readers' tokens."""

    path: Path
    study: Study
    tokens: dict[str, str]
    server: StudyProcess


@pytest.fixture
def alone(serve: Serve, tmp_path: Path) -> Served:
    """A served study without a machine, of four images and one again."""
    path, study, tokens = small_study(tmp_path, **ALONE)
    return Served(path, study, tokens, serve(path))


def opened(browser: Any, server: StudyProcess, token: str, *, start: bool = True, **options: Any) -> Any:  # noqa: ANN401
    page = browser.new_context(**options).new_page()
    page.goto(f"http://127.0.0.1:{server.port}/#{token}")
    page.wait_for_function(f"() => {SHOWN}")
    if start and page.text_content("#message-heading") == "Welcome":
        page.click("#again")
        page.wait_for_selector("#reading:not([hidden])")
    return page


def answered(page: Any, *, wait: bool = True) -> None:  # noqa: ANN401
    """Answer by the keyboard, and wait for what comes next."""
    before = page.text_content("#count")
    page.focus("#suspicion")
    page.keyboard.press("ArrowRight")
    for name in ("diagnosis", "confidence", "management"):
        page.focus(f"#{name} input >> nth=0")
        page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    if wait:
        page.wait_for_function(
            f"count => document.getElementById('count').textContent !== count && ({SHOWN})", arg=before
        )


def violations(page: Any) -> list[str]:  # noqa: ANN401
    from axe_playwright_python.sync_playwright import Axe

    return [one["id"] for one in Axe().run(page).response["violations"]]


DIAGNOSES = {"melanoma": ("ISIC_0012395", "ISIC_0012758", "ISIC_0013242"), "nevus": ("ISIC_0012092", "ISIC_0012095")}
"""Of the example images, by the table of ISIC 2017."""


def real_study(place: Path) -> tuple[Path, dict[str, str]]:
    """Make a study of real images and the model that comes along; return its folder and tokens."""
    images = place / "lesions"
    images.mkdir()
    rows = ["image,label"]
    for diagnosis, names in DIAGNOSES.items():
        for name in names:
            shutil.copy(FOLDER / f"{name}.jpg", images)
            rows.append(f"{name}.jpg,{diagnosis}")
    (images / "labels.csv").write_text("\n".join(rows) + "\n")
    more = {"dataset": str(images), "machines": ("pretrained",), "show": "both"}
    path, _, tokens = small_study(place, count=2, repeats=1, training=1, **more)
    return path, tokens


def test_three_readers_do_a_whole_study_while_the_server_is_killed(browser: Any, serve: Serve, tmp_path: Path) -> None:  # noqa: ANN401
    path, tokens = real_study(tmp_path)
    server = serve(path)
    for name, options in SIZES.items():
        page = opened(browser, server, tokens[name], start=False, **options)
        assert page.text_content("#message-heading") == "Welcome"
        assert "You will see 6 images, one after another" in page.text_content("#message-list")
        assert page.text_content("#count") == f"{name}: 0 of 10 answers given, to 6 images"
        assert violations(page) == []
        page.close()
        page = opened(browser, server, tokens[name], **options)
        assert page.text_content("#case-heading") == "Practice, image 1 of 6"
        assert page.evaluate("document.getElementById('image').naturalWidth") == 320
        assert violations(page) == []
        answered(page)
        assert violations(page) == []
        server.kill()
        answered(page, wait=False)
        page.wait_for_selector("#status.problem")
        assert "your answer is kept on this page" in page.text_content("#status")
        server.start()
        page.wait_for_function("() => document.getElementById('count').textContent.includes('2 of')")
        page.wait_for_function(f"() => {SHOWN}")
        assert page.text_content("#probability").endswith("% melanoma")
        assert violations(page) == []
        page.go_back()
        page.go_forward()
        page.wait_for_function(f"() => {SHOWN}")
        assert page.text_content("#case-heading") == "Image 2 of 6, with the machine"
        page.close()
        page = opened(browser, server, tokens[name], **options)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        while page.is_hidden("#message"):
            answered(page)
        assert page.text_content("#message-heading") == "Thank you"
        page.close()
    with open_study(path) as found:
        for reader in found.store.readers():
            answers = found.store.answers(reader)
            assert len(answers) == 10
            assert all(0 < one.seconds < 120 for one in answers.values())
        readings = export_study(found, tmp_path / "out").readings
    assert readings is not None
    (machine,) = analyse_study(readings, StudyOptions()).analysis.machines
    (point,) = [one for one in open_model(DEFAULT).card.operating if one.target == 0.89]
    assert machine.threshold is not None
    assert machine.threshold.value == pytest.approx(100 * point.threshold)
    assert machine.threshold.source == "the model's operating point for melanoma, target sensitivity 0.89"


def test_two_tabs_a_missing_suspicion_and_a_pause(browser: Any, alone: Served) -> None:  # noqa: ANN401
    page, other = (opened(browser, alone.server, alone.tokens["ana"]) for _ in range(2))
    for name in ("diagnosis", "confidence", "management"):
        page.check(f"#{name} input >> nth=0")
    assert page.text_content("#suspicion-value") == "not set"
    assert "unset" in page.get_attribute("#suspicion", "class")
    assert page.text_content("#diagnosis label:last-child") == "other or not listed"
    confidence = page.locator("#confidence label").all_text_contents()
    assert confidence == ["1: very unsure", "2", "3", "4", "5: very sure"]
    for width, height in ((1366, 768), (1280, 600), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        hidden = page.locator("#viewer").evaluate("one => one.scrollHeight - one.clientHeight")
        assert hidden == 0, "a reader sees the whole image, whatever the screen"
    page.click("#send")
    assert page.text_content("#status") == "Set the suspicion first: move the slider, or press its arrow keys."
    page.click("#pause")
    assert page.is_hidden("#reading")
    page.click("#again")
    assert page.is_checked("#diagnosis input >> nth=0"), "a pause forgets nothing"
    answered(page)
    answered(other, wait=False)
    other.wait_for_selector("#message:not([hidden])")
    assert other.text_content("#message-heading") == "Answered before"
    other.click("#again")
    other.wait_for_selector("#reading:not([hidden])")
    assert other.text_content("#case-heading") == "Image 2 of 5"
    wrong = opened(browser, alone.server, "x" * 32)
    assert wrong.text_content("#message-heading") == "This link does not open a study"


def test_seconds_count_only_while_the_page_is_visible(browser: Any, alone: Served) -> None:  # noqa: ANN401
    page = opened(browser, alone.server, alone.tokens["ana"])
    hidden = "value => { Object.defineProperty(document, 'hidden', { value, configurable: true }); "
    hidden += "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hidden, True)
    page.evaluate("Date.now = () => 0")
    page.wait_for_timeout(2500)
    page.evaluate(hidden, False)
    bodies: list[dict[str, float]] = []
    page.on("request", lambda one: bodies.append(json.loads(one.post_data)) if one.method == "POST" else None)
    answered(page)
    assert 0 < bodies[0]["seconds"] < 2.4


def test_a_link_after_the_end_says_that_the_study_has_ended(browser: Any, serve: Serve, tmp_path: Path) -> None:  # noqa: ANN401
    path, study, tokens = small_study(tmp_path, **ALONE)
    ended = study.model_copy(update={"ends": date(2020, 1, 2)})
    with (path / "study.json").open("w") as file:
        json.dump({"sha256": hash_of(ended), "study": ended.model_dump(mode="json")}, file)
    connection = sqlite3.connect(path / "study.db")
    connection.execute("UPDATE frozen SET sha256 = ?", (hash_of(ended),))
    connection.commit()
    connection.close()
    page = opened(browser, serve(path), tokens["ana"])
    assert page.text_content("#message-heading") == "This study has ended"
    assert page.text_content("#message-text") == "the study ended on 2020-01-02; thank you for your answers"


def test_nothing_is_paused_while_an_answer_is_sent_and_a_case_that_is_gone_leads_on(
    browser: Any,  # noqa: ANN401
    alone: Served,
) -> None:
    page = opened(browser, alone.server, alone.tokens["ana"])
    held: list[Any] = []
    page.route("**/api/answer", lambda route: held.append(route))
    answered(page, wait=False)
    page.wait_for_function("() => document.getElementById('send').disabled")
    assert page.is_disabled("#pause"), "the next case would end the pause"
    gone = {"error": "this picture is not shown now; open the page again to go on where you are"}
    page.route("**/api/image/2", lambda route: route.fulfill(status=404, json=gone), times=1)
    held[0].continue_()
    page.wait_for_selector("#message:not([hidden])")
    assert page.text_content("#message-heading") == "Answered elsewhere"
    assert page.is_hidden("#reading"), "the case that was answered can't be answered again as the next one"
    page.route("**/api/image/2", lambda route: route.fulfill(status=404, json=gone), times=1)
    page.reload()
    page.wait_for_selector("#message:not([hidden])")
    assert page.text_content("#message-heading") == "Answered elsewhere"
    page.click("#again")
    page.wait_for_selector("#reading:not([hidden])")
    assert page.text_content("#case-heading") == "Image 2 of 5"


def test_a_picture_that_breaks_off_never_makes_an_answer_to_the_next_case(
    browser: Any,  # noqa: ANN401
    alone: Served,
) -> None:
    page = opened(browser, alone.server, alone.tokens["ana"])
    page.evaluate("""() => {
      const whole = Response.prototype.blob;
      window.broken = 0;
      Response.prototype.blob = function () {
        return (window.broken += 1) > 1 ? whole.call(this) : Promise.reject(new TypeError("network error"));
      };
    }""")
    answered(page, wait=False)
    page.wait_for_function("() => window.broken === 1 && document.getElementById('status').textContent !== ''")
    status = page.text_content("#status")
    assert status == "No connection to the study. Trying again every 3 seconds.", "no answer is on its way"
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.getElementById('case-heading').textContent === 'Image 2 of 5'")
    with open_study(alone.path) as found:
        (ana, *_) = found.store.readers()
        assert [*found.store.answers(ana)] == [(1, "alone")]


def test_a_double_click_a_held_key_and_enter_in_a_field_do_not_send_the_answer_with_the_machine(
    browser: Any,  # noqa: ANN401
    serve: Serve,
    tmp_path: Path,
) -> None:
    path, _, tokens = small_study(tmp_path, count=2, repeats=0, training=0, show="probability")
    page = opened(browser, serve(path), tokens["ana"], start=False)
    states: list[str] = []
    page.on("request", lambda one: states.append(one.url) if one.url.endswith("/api/state") else None)
    page.dblclick("#again")
    page.wait_for_selector("#reading:not([hidden])")
    assert len(states) == 1, "a study is begun once"
    answered(page)
    assert page.text_content("#case-heading") == "Image 1 of 4, with the machine"
    place = page.locator("#send").bounding_box()
    page.mouse.move(place["x"] + 5, place["y"] + 5)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.keyboard.down("Control")
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, repeat: true}))")
    page.keyboard.up("Control")
    page.focus("#zoom")
    page.keyboard.press("Enter")
    assert page.is_enabled("#send"), "nothing was sent"
    assert page.text_content("#count").startswith("ana: 1 of 8 answers given")
    page.click("#send")
    page.wait_for_function("() => document.getElementById('case-heading').textContent === 'Image 2 of 4'")


def test_seconds_outlive_a_pause_without_storage_and_are_not_those_of_another_study(
    browser: Any,  # noqa: ANN401
    alone: Served,
) -> None:
    page = opened(browser, alone.server, alone.tokens["ana"], start=False)
    page.evaluate("localStorage.setItem('attnmel|study|ana|1|alone', '500')")
    page.evaluate("localStorage.setItem('attnmel|study|2020-01-01T00:00:00+00:00|ana|1|alone', '500')")
    page.evaluate("""() => {
      Storage.prototype.setItem = Storage.prototype.getItem = () => { throw new Error("refused"); };
    }""")
    page.click("#again")
    page.wait_for_selector("#reading:not([hidden])")
    page.wait_for_timeout(1500)
    page.click("#pause")
    page.click("#again")
    bodies: list[dict[str, float]] = []
    page.on("request", lambda one: bodies.append(json.loads(one.post_data)) if one.method == "POST" else None)
    answered(page)
    assert 1.5 < bodies[0]["seconds"] < 100
    timer = f"attnmel|{alone.study.name}|{alone.study.created}|ana|1|alone"
    other = opened(browser, alone.server, alone.tokens["ben"])
    other.click("#pause")
    assert other.evaluate("Object.keys(localStorage)") == [timer.replace("ana", "ben")]


def test_a_page_with_an_answer_that_is_not_sent_yet_is_not_left_without_a_question(
    browser: Any,  # noqa: ANN401
    alone: Served,
) -> None:
    page = opened(browser, alone.server, alone.tokens["ana"])
    asked: list[str] = []

    def asks(dialog: Any) -> None:  # noqa: ANN401
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", asks)
    page.route("**/api/answer", lambda route: route.abort())
    answered(page, wait=False)
    page.wait_for_selector("#status.problem")
    assert "your answer is kept on this page" in page.text_content("#status")
    page.reload()
    assert asked == ["beforeunload"]
    page.wait_for_selector("#reading:not([hidden]), #message:not([hidden])")
    page.reload()
    assert asked == ["beforeunload"], "nothing is lost"
