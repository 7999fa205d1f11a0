"""What a request may hold: too much, too slow or no form gets a sentence, and its bytes are given back."""

import asyncio
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.web.conftest import ADDRESS, form, png

from attnmel.web import uploads
from attnmel.web.app import make_app
from attnmel.web.limits import Limits
from attnmel.web.models import Models

Limited = Callable[..., TestClient]


def problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def served(client: TestClient) -> Any:  # noqa: ANN401
    app: Any = client.app
    return app.state.served


@pytest.mark.parametrize(
    ("limits", "images", "expected"),
    [
        ({"files": 2}, 3, (413, "more than 2 images in a request; send them in several")),
        ({"file_bytes": 50}, 1, (413, "0.png has more than 0 MiB, the most that is read of an image")),
        ({"request_bytes": 200}, 3, (413, "the request has more than 0 MiB, the most that is read at once")),
        ({"held_bytes": 200}, 3, (429, "too many images are being sent at once; send them again later")),
        ({"waiting": 2}, 3, (429, "0 images are waiting, and at most 2 may; send 3 more later")),
    ],
)
def test_more_than_a_limit_is_refused_and_nothing_stays_held(
    limited: Limited, limits: dict[str, int], images: int, expected: tuple[int, str]
) -> None:
    client = limited(**limits)
    answer = client.post("/api/predict", files=form(*((f"{number}.png", png()) for number in range(images))))
    assert problem(answer) == expected
    assert answer.headers.get("retry-after") == ("2" if answer.status_code == 429 else None)
    assert (served(client).uploads.held, served(client).queue.waiting) == (0, 0)


def test_a_body_without_a_length_is_counted_as_it_comes(limited: Limited) -> None:
    client, sent = limited(request_bytes=100_000), []

    def endless() -> Any:  # noqa: ANN401
        yield b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
        for _ in range(100):
            sent.append(1)
            yield bytes(10_000)

    answer = client.post("/api/predict", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 413
    assert served(client).uploads.held == 0


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"{}", "application/json", (415, "expected a form (multipart/form-data) with files in the field 'images'")),
        (b"", "", (415, "expected a form (multipart/form-data) with files in the field 'images'")),
        (b"", "multipart/form-data", (400, "the form cannot be read: Missing boundary in multipart.")),
        (b"junk", "multipart/form-data; boundary=x", (400, "the form cannot be read: Invalid multipart data.")),
        (
            b"--x--\r\n",
            "multipart/form-data; boundary=x",
            (400, "no image; expected a form with files in the field 'images'"),
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="images"\r\n\r\n/etc/passwd\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            (400, "a field of the form holds text, expected files alone; with curl: -F images=@FILE"),
        ),
    ],
)
def test_what_is_no_form_with_images_is_explained(
    client: TestClient, content: bytes, kind: str, expected: tuple[int, str]
) -> None:
    assert problem(client.post("/api/predict", content=content, headers={"content-type": kind})) == expected


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\images\\\\lesion.png", "lesion.png"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("läsion 色素.png", "läsion 色素.png"),
        ("a\x1b[31m.png", "a[31m.png"),
        ("x" * 300 + ".png", "x" * 251 + ".png"),
    ],
)
def test_the_name_of_a_file_is_only_shown(client: TestClient, given: str, shown: str) -> None:
    answer = client.post("/api/predict", files=form((given, png())))
    (row,) = answer.json()["models"][0]["images"]
    assert row["image"] == shown
    assert "probabilities" in row
    assert answer.headers["content-type"] == "application/json"


def test_a_small_file_of_a_huge_picture_is_refused_by_its_header(client: TestClient) -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = png()[:8] + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + png()[33:]
    answer = client.post("/api/predict", files=form(("huge.png", bomb), ("a.png", png())))
    huge, usual = answer.json()["models"][0]["images"]
    assert answer.status_code == 200
    assert huge["error"].startswith(
        "huge.png is 60000 x 60000 pixels by its header, but at most 100,000,000 pixels are"
    )
    assert "probabilities" in usual, "the other image is answered"


def test_a_name_with_line_ends_makes_no_header_of_the_answer(client: TestClient) -> None:
    for name in ("a\r\nset-cookie: stolen=1\r\n.png", "a%0d%0aset-cookie: stolen=1.png"):
        answer = client.post("/api/predict", files=form((name, png())))
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "\n" not in answer.json()["models"][0]["images"][0]["image"]


def test_a_request_that_comes_too_slowly_is_given_up(models: Models) -> None:
    app = make_app(models, Limits(upload_seconds=0.05))

    async def slow() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        await asyncio.sleep(5)

    async def ask() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ADDRESS) as client:
            kind = {"content-type": "multipart/form-data; boundary=x"}
            return await client.post("/api/predict", content=slow(), headers=kind)

    answer = asyncio.run(ask())
    assert problem(answer) == (408, "the request did not come within 0.05 seconds; send less at once")
    app.state.served.queue.close()


def test_while_the_header_of_a_dicom_file_is_read_other_requests_are_answered(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, answered = make_app(models), threading.Event()

    def waits(content: bytes, name: str) -> list[uploads.Upload]:
        assert answered.wait(20)
        return [uploads.Upload(content, name)]

    monkeypatch.setattr(uploads, "_dicom_frames", waits)

    async def ask() -> tuple[int, int]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ADDRESS) as client:
            images = form(("a.dcm", bytes(128) + b"DICM"))
            first = asyncio.create_task(client.post("/api/predict", files=images))
            await asyncio.sleep(0.05)
            other = await client.get("/api/info")
            answered.set()
            return (await first).status_code, other.status_code

    assert asyncio.run(ask()) == (200, 200)
    app.state.served.queue.close()
