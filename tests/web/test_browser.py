"""The page in an installed Chromium: drop, paste, slider, keyboard, phone, downloads; axe-core finds no violation."""

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.chromium import needs_chromium
from tests.web.conftest import NAME
from tests.web.test_server import running

from attnmel.data.preprocess.images import image_size
from attnmel.pretrained.examples import FOLDER
from attnmel.web.limits import Limits
from attnmel.web.models import Models

pytestmark = needs_chromium

EXAMPLES = sorted(FOLDER.glob("*.jpg"))[:3]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

Page = Any
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def port(shipped_onnx: Path) -> Iterator[int]:
    """Two models and a segmenter that marks the middle."""
    models = Models({NAME: shipped_onnx, "second": shipped_onnx}, middle)
    with running(models, Limits()) as found:
        yield found


def middle(image: bytes) -> Any:  # noqa: ANN401
    width, height = image_size(image)
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    return mask


@pytest.fixture
def opened(browser: Any, port: int) -> Iterator[Open]:  # noqa: ANN401
    """Open the page; an error in a script, or a request to elsewhere, fails the test."""
    problems: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Page:  # noqa: ANN401
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on(
            "request",
            lambda one: (
                None if re.match(rf"(http://127\.0\.0\.1:{port}/|data:|blob:)", one.url) else problems.append(one.url)
            ),
        )
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#layers input", state="attached")
        return page

    yield open_page
    for one in contexts:
        one.close()
    assert problems == []


def predicted(page: Page, count: int) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('#table td.number').length >= count && "
        "[...document.querySelectorAll('#table td.number')].every(one => one.textContent)",
        arg=2 * count,
    )
    page.wait_for_selector(".stage img.map >> nth=0", state="attached")


def violations(page: Page) -> list[str]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def transfer(page: Page, event: str, names: list[str]) -> None:
    """Drop or paste example files, as a user's browser hands them over."""
    pictures = [
        [name, f"data:image/jpeg;base64,{encoded(FOLDER / path)}"]
        for name, path in zip(names, [one.name for one in EXAMPLES], strict=False)
    ]
    page.evaluate(
        """async ([event, pictures]) => {
          const files = new DataTransfer();
          for (const [name, address] of pictures) {
            const bytes = Uint8Array.from(atob(address.split(",")[1]), (letter) => letter.charCodeAt(0));
            files.items.add(new File([bytes], name, {type: "image/jpeg"}));
          }
          const made = event === "paste"
            ? new ClipboardEvent("paste", {clipboardData: files, bubbles: true})
            : new DragEvent(event, {dataTransfer: files, bubbles: true, cancelable: true});
          document.body.dispatchEvent(made);
        }""",
        [event, pictures],
    )


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_dropped_images_are_predicted_by_both_models(opened: Open) -> None:
    page = opened()
    transfer(page, "drop", ["one.jpg", "two.jpg"])
    predicted(page, 2)
    assert page.inner_text("#case-heading") == "one.jpg"
    assert page.locator("#answers article h3").all_inner_texts() == [NAME, "second"]
    shown = page.locator("#answers .probability").all_inner_texts()
    assert shown[0] == shown[1]
    assert re.fullmatch(r"\d[\d.]* % melanoma", shown[0])
    assert "of 100 images with this probability, about" in page.inner_text("#answers")
    page.locator("#models input").nth(1).uncheck()
    assert page.locator("#answers article").count() == 1


def test_a_pasted_image_is_predicted(opened: Open) -> None:
    page = opened()
    transfer(page, "paste", ["image.png"])
    predicted(page, 1)
    assert page.inner_text("#status").startswith("image.png: melanoma ")


def test_the_name_of_a_file_is_text_wherever_it_is_shown(opened: Open, tmp_path: Path) -> None:
    page, name = opened(), "<img src=x onerror=document.title='hit'>=1+1.jpg"
    transfer(page, "drop", [name])
    predicted(page, 1)
    assert page.inner_text("#case-heading") == name
    with page.expect_download() as got:
        page.click("#sheet")
    got.value.save_as(tmp_path / "sheet.html")
    page.goto("about:blank")
    page.set_content((tmp_path / "sheet.html").read_text(encoding="utf-8"))
    assert page.inner_text("h1") == name
    assert page.title() == f"{name}, attnmel"
    assert "Research use only" in page.inner_text("body")
    assert page.locator("article > img").count() == 2
    assert page.locator(".scale img").count() == 2, "a legend for each map"
    shown = "The image, with the attention map pool4 at 50 % and the border of the predicted lesion mask."
    assert page.get_by_text(shown).count() == 2
    assert "It was not checked whether the image shows a skin lesion" in page.inner_text("body")


def test_slider_map_border_and_zoom_change_what_is_seen(opened: Open) -> None:
    page = opened()
    transfer(page, "drop", ["one.jpg"])
    predicted(page, 1)
    layer = page.locator(".stage .map").nth(1)
    assert layer.evaluate("one => [one.hidden, one.style.opacity]") == [False, "0.5"]
    page.focus("#opacity")
    page.keyboard.press("End")
    assert layer.evaluate("one => one.style.opacity") == "1"
    assert page.inner_text("#opacity-value") == "100 %"
    page.get_by_label("pool3 (finer)").check()
    assert page.locator(".stage .map").evaluate_all("all => all.map((one) => one.hidden)") == [False, True] * 2
    legend = page.locator(".scale >> visible=true")
    assert legend.count() == 2, "one for each model"
    assert re.fullmatch(r"pool3: lowest 0\.\d{3}\s+highest [01]\.\d{3}", legend.first.inner_text().strip())
    assert legend.locator("img").first.evaluate("one => one.naturalWidth") == 256
    page.get_by_label("Border of the predicted lesion mask").uncheck()
    assert page.locator(".stage .mask").first.is_hidden()
    page.get_by_label("Part of the image that the network saw").check()
    assert page.locator(".stage svg").first.is_visible()
    page.set_viewport_size({"width": 1366, "height": 600})
    assert page.locator(".viewer").first.evaluate("one => one.scrollHeight <= one.clientHeight"), "all of it at 100 %"
    before = page.locator(".stage").first.bounding_box()
    page.focus("#zoom")
    page.keyboard.press("End")
    after = page.locator(".stage").first.bounding_box()
    assert after["width"] == pytest.approx(6 * before["width"], rel=0.05)
    assert after["width"] / after["height"] == pytest.approx(before["width"] / before["height"], rel=0.01)
    frames = page.locator(".viewer").evaluate_all("all => all.map((one) => one.scrollLeft)")
    assert frames[0] > 0
    assert frames[0] == frames[1]


def test_what_is_zoomed_in_on_stays_while_the_page_is_drawn_anew(opened: Open) -> None:
    page = opened()
    transfer(page, "drop", ["one.jpg", "two.jpg"])
    predicted(page, 2)
    page.evaluate("document.getElementById('zoom').value = 300")
    page.evaluate("document.getElementById('zoom').dispatchEvent(new Event('input'))")
    page.locator(".viewer").first.evaluate("one => one.scrollTo(120, 90)")
    before = page.text_content(".decision")
    page.select_option("#point", index=0)
    assert page.text_content(".decision") != before
    page.click("#table th button >> nth=1")
    place = page.locator(".viewer").first.evaluate("one => [one.scrollLeft, one.scrollTop]")
    assert place == [120, 90]
    page.uncheck("#models input >> nth=1")
    assert page.locator(".viewer").count() == page.locator("#answers .texts > .decision").count() == 1


def test_everything_is_done_by_the_keyboard(opened: Open) -> None:
    page = opened()
    page.set_input_files("#files", EXAMPLES)
    predicted(page, 3)
    page.locator("#table tbody button").nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.getElementById('case-heading').textContent === name", arg=EXAMPLES[2].name)
    assert page.evaluate("document.activeElement.id") == "case-heading"
    page.wait_for_selector(".stage img.map >> nth=0", state="attached")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className || document.activeElement.name"
            )
        )
    assert {
        "layer",
        "opacity",
        "zoom",
        "mask",
        "square",
        "viewer",
        "sheet",
        "csv",
        "json",
        "clear",
        "table",
        "open",
    } <= reached
    page.get_by_role("button", name=f"Probability of melanoma, {NAME}").focus()
    for order in ("descending", "ascending"):
        page.keyboard.press("Enter")
        assert page.locator(f"th[aria-sort={order}]").count() == 1
        values = [float(text.split()[0]) for text in page.locator("#table tbody td:nth-child(2)").all_inner_texts()]
        assert values == sorted(values, reverse=order == "descending")
    page.focus("#clear")
    page.keyboard.press("Enter")
    assert page.inner_text("#status") == "All images are removed."
    assert page.evaluate("document.activeElement.id") == "files"


def test_the_table_is_saved_as_csv_and_json(opened: Open, tmp_path: Path) -> None:
    page = opened()
    transfer(page, "drop", ["=1+1.jpg"])
    predicted(page, 1)
    for name in ("csv", "json"):
        with page.expect_download() as got:
            page.click(f"#{name}")
        got.value.save_as(tmp_path / name)
    head, *lines = (tmp_path / "csv").read_text(encoding="utf-8").splitlines()
    assert head.startswith("image,model,probability_rest,probability_melanoma,")
    assert [line.split(",")[:2] for line in lines] == [["'=1+1.jpg", NAME], ["'=1+1.jpg", "second"]]
    saved = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert saved["notice"].startswith("Research use only")
    row = saved["images"][0]["models"][NAME]
    assert float(lines[0].split(",")[3]) == row["probabilities"]["melanoma"]


def test_an_image_that_cannot_be_used_is_explained(opened: Open, tmp_path: Path) -> None:
    page = opened()
    (tmp_path / "notes.jpg").write_text("no picture")
    page.set_input_files("#files", [tmp_path / "notes.jpg"])
    page.wait_for_selector("#status .problem")
    assert page.inner_text("#status").startswith("notes.jpg is no picture; expected a picture in the format JPEG")


def test_the_first_image_that_could_be_read_is_shown_and_its_sheet_says_what_a_map_does_not_prove(
    opened: Open, tmp_path: Path
) -> None:
    page = opened()
    (tmp_path / "a letter.jpg").write_text("no picture")
    page.set_input_files("#files", [tmp_path / "a letter.jpg", *EXAMPLES[:2]])
    page.wait_for_selector("#status .problem")
    assert page.inner_text("#status").startswith("2 images predicted, 1 could not be read: a letter.jpg is no picture")
    assert page.inner_text("#case-heading") == EXAMPLES[0].name
    page.wait_for_selector(".stage img.map >> nth=0", state="attached")
    with page.expect_download() as saved:
        page.click("#sheet")
    plain = saved.value.path().read_text("utf-8")
    assert "they do not show that a place is malignant" in plain
    page.check("#square")
    with page.expect_download() as saved:
        page.click("#sheet")
    framed = saved.value.path().read_text("utf-8")
    assert "and a frame around the part that the network saw." in framed
    first, second = (re.findall(r'<img src="(data:image/jpeg[^"]+)"', one) for one in (plain, framed))
    assert len(first) == len(second) == 2
    assert first != second, "the frame is drawn"
    page.click("#clear")
    page.set_input_files("#files", [tmp_path / "a letter.jpg"])
    page.wait_for_selector("#status .problem")
    assert page.inner_text("#case-heading") == "a letter.jpg", "where none could be read, why not"


def test_a_photograph_is_taken_by_the_rear_camera_of_a_phone(opened: Open) -> None:
    page = opened(**PHONE)
    camera = page.locator("#camera")
    assert (camera.get_attribute("capture"), camera.get_attribute("accept")) == ("environment", "image/*")
    with page.expect_file_chooser() as chosen:
        page.get_by_text("Take a photograph").click()
    assert not chosen.value.is_multiple()
    chosen.value.set_files(EXAMPLES[1])
    predicted(page, 1)
    assert page.inner_text("#status").startswith(f"{EXAMPLES[1].name}: melanoma ")
    assert camera.evaluate("one => one.files.length") == 0, "the same picture can be taken again"


def test_a_photograph_is_taken_by_a_camera_of_this_computer(opened: Open) -> None:
    page = opened(permissions=["camera"])
    page.click("#photograph")
    page.wait_for_selector("#take:enabled")
    assert page.evaluate("document.activeElement.id") == "take"
    assert violations(page) == []
    size = page.evaluate(
        "(({ videoWidth, videoHeight }) => [videoWidth, videoHeight])(document.querySelector('video'))"
    )
    page.keyboard.press("Enter")
    predicted(page, 1)
    shown = page.eval_on_selector(".stage img", "one => [one.naturalWidth, one.naturalHeight]")
    assert max(shown) == min(max(size), 1600)
    assert shown[0] / shown[1] == pytest.approx(size[0] / size[1], rel=0.01)
    assert page.inner_text("#status").startswith("photograph-1.jpg: melanoma ")
    assert not page.locator("#camera-dialog").is_visible()
    assert page.evaluate("document.querySelector('video').srcObject") is None, "the camera is off"


def test_escape_closes_the_camera_and_nothing_is_sent(opened: Open) -> None:
    page = opened(permissions=["camera"])
    page.click("#photograph")
    page.wait_for_selector("#take:enabled")
    tracks = page.evaluate_handle("document.querySelector('video').srcObject.getTracks()")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('video').srcObject === null")
    assert tracks.evaluate("all => all.map((one) => one.readyState)") == ["ended"]
    assert page.evaluate("document.activeElement.id") == "photograph"
    assert page.locator("#table td").count() == 0


def test_where_no_camera_may_be_used_the_page_says_what_to_do(opened: Open) -> None:
    page = opened(permissions=[])
    page.click("#photograph")
    page.wait_for_selector("#status .problem")
    told = "The browser was not allowed to use a camera. Allow it in the browser, or choose image files."
    assert page.inner_text("#status") == told
    assert not page.locator("#camera-dialog").is_visible()


def test_a_camera_is_not_offered_where_the_browser_gives_none_or_a_phone_has_its_own(
    browser: Any,  # noqa: ANN401
    opened: Open,
    port: int,
) -> None:
    assert not opened(**PHONE).locator("#photograph").is_visible()
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector("#layers input", state="attached")
    assert not page.locator("#photograph").is_visible()
    context.close()


def test_a_phone_shows_whole_file_names_and_what_could_not_be_read(opened: Open, tmp_path: Path) -> None:
    page = opened(**PHONE)
    shutil.copy(EXAMPLES[0], tmp_path / "durchsichtig.png")
    (tmp_path / "notes.jpg").write_text("no picture")
    page.set_input_files("#files", [tmp_path / "durchsichtig.png", tmp_path / "notes.jpg"])
    page.wait_for_selector("#status .problem")
    assert page.inner_text("#status").startswith("1 image predicted, 1 could not be read: notes.jpg is no")
    stripe = page.locator("#status .problem").evaluate(
        "one => [getComputedStyle(one).display, one.getClientRects().length]"
    )
    assert stripe == ["block", 1], "its stripe goes along every line"
    warning = page.locator("#table tbody tr").nth(1).locator("td").last
    assert warning.evaluate("one => getComputedStyle(one, '::before').content") == '"Warnings and notes: "'
    edges = warning.bounding_box()
    assert edges["x"] + edges["width"] <= PHONE["viewport"]["width"]
    heights = page.eval_on_selector_all("#table .open", "all => all.map(one => one.getBoundingClientRect().height)")
    assert heights[0] == heights[1], "a name of 16 letters is on one line"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desk", "phone"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_screen(
    opened: Open, scheme: str, size: dict[str, Any]
) -> None:
    page = opened(color_scheme=scheme, **size)
    assert violations(page) == []
    page.set_input_files("#files", EXAMPLES)
    predicted(page, 3)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    notice = page.locator(".notice").bounding_box()
    assert notice["y"] >= 0, "research use only is always in sight"
    assert page.get_by_text("Take a photograph").is_visible() == bool(size)


def test_a_case_that_is_chosen_while_others_are_predicted_stays_and_one_that_waits_comes(opened: Open) -> None:
    page, held = opened(), []
    page.route(
        "**/api/predict?pictures=false",
        lambda route: held.append(route) if b"one.jpg" in route.request.post_data_buffer else route.continue_(),
    )
    transfer(page, "drop", ["one.jpg", "two.jpg", "three.jpg"])
    page.get_by_role("button", name="two.jpg").click()
    page.wait_for_function("() => document.getElementById('case-heading').textContent === 'two.jpg'")
    held.pop().continue_()
    page.wait_for_function("() => document.getElementById('status').textContent === '3 images predicted.'")
    assert page.inner_text("#case-heading") == "two.jpg", "the first image does not take its place"
    transfer(page, "drop", ["one.jpg"])
    page.get_by_role("button", name="one.jpg").last.click()
    assert page.is_hidden("#case")
    held.pop().continue_()
    page.wait_for_function("() => document.getElementById('case-heading').textContent === 'one.jpg'")
    assert page.is_visible("#case")
    assert page.locator("#table tr.chosen").inner_text().startswith("one.jpg")


def test_each_frame_is_counted_and_other_models_are_noticed(opened: Open) -> None:
    page, names = opened(), [NAME, "second"]

    def frames(route: Any) -> None:  # noqa: ANN401
        answer = route.fetch()
        found = answer.json()
        for model, name in zip(found["models"], names, strict=True):
            model["model"] = name
            model["images"] = [{**model["images"][0], "image": f"a.dcm#{frame}"} for frame in (1, 2)]
        route.fulfill(response=answer, json=found)

    page.route("**/api/predict?pictures=false", frames)
    transfer(page, "drop", ["a.dcm"])
    page.wait_for_function("() => document.getElementById('status').textContent === '2 images predicted.'")
    names[1] = "third"
    transfer(page, "drop", ["b.dcm"])
    page.wait_for_selector("#status .problem")
    told = "b.dcm: the server was started again with other models; load this page again"
    assert page.inner_text("#status") == told
