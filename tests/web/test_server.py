"""A real server on a free port: many requests at once, what a port says that is in use, the address to open."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import uvicorn
from tests.web.conftest import png

from attnmel.errors import ConfigError
from attnmel.web.app import make_app
from attnmel.web.guard import Guard
from attnmel.web.limits import Limits
from attnmel.web.models import Models
from attnmel.web.server import address_of, configured, guarded, open_port


@contextmanager
def running(models: Models, limits: Limits) -> Iterator[int]:
    """Run a server in a thread; give its port."""
    listening = open_port("127.0.0.1", 0)
    app: Guard = guarded(make_app(models, limits), "127.0.0.1", None)
    server = uvicorn.Server(configured(app, limits))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def sent(port: int, name: str, content: bytes) -> tuple[int, dict[str, object]]:
    body = (
        f'--x\r\nContent-Disposition: form-data; name="images"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n--x--\r\n"
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/api/predict", body, {"content-type": "multipart/form-data; boundary=x"})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def test_fifty_requests_at_once_get_their_own_answers(models: Models) -> None:
    images = {f"{number}.png": png(40, f"#{number:02x}40{99 - number:02x}") for number in range(50)}
    with running(models, Limits()) as port, ThreadPoolExecutor(50) as pool:
        found = dict(zip(images, pool.map(lambda one: sent(port, *one), images.items()), strict=True))
        again = sent(port, "7.png", images["7.png"])
    assert {status for status, _ in found.values()} == {200}
    assert [answer["models"][0]["images"][0]["image"] for _, answer in found.values()] == list(images)  # pyright: ignore[reportIndexIssue, reportArgumentType]
    assert found["7.png"] == again


def test_past_the_limit_requests_are_refused_and_the_others_answered(models: Models) -> None:
    with running(models, Limits(waiting=2)) as port, ThreadPoolExecutor(30) as pool:
        found = list(pool.map(lambda number: sent(port, f"{number}.png", png(900)), range(30)))
    statuses = [status for status, _ in found]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 2
    refused = next(answer for status, answer in found if status == 429)
    assert str(refused["error"]).endswith("and at most 2 may; send 1 more later")


def test_a_port_in_use_and_a_host_of_another_machine_are_explained() -> None:
    with open_port("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1, port {port} \(address already in use"):
            open_port("127.0.0.1", port)
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.7, port 0 \(.*\); choose another --port, or a"):
        open_port("192.0.2.7", 0)


def test_the_address_opens_the_page() -> None:
    with open_port("127.0.0.1", 0) as one:
        port = one.getsockname()[1]
        assert address_of(one, "127.0.0.1") == f"http://127.0.0.1:{port}/"
        assert address_of(one, "0.0.0.0", "abc-_9") == f"http://localhost:{port}/?token=abc-_9"
        assert address_of(one, "::1") == f"http://[::1]:{port}/"


def test_the_port_is_that_of_ipv6_for_its_addresses() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        with open_port("::1", 0) as one:
            assert one.family == socket.AF_INET6
    except ConfigError:
        pytest.skip("no IPv6 loopback")


def test_the_parts_of_an_answer_do_not_wait_for_each_other() -> None:
    with open_port("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
