"""A download is whole, resumed or refused with a sentence; tried on servers that behave in several ways."""

import dataclasses
import hashlib
import io
import re
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from attnmel.errors import ArchiveError
from attnmel.files import download as module
from attnmel.files import http_answers
from attnmel.files.download import Downloaded, NotThereError, download, local_path

CONTENT = bytes(range(256)) * 4000
HALF = len(CONTENT) // 2


@dataclasses.dataclass
class Server:
    """What lies on a server, how it behaves, and which ranges it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    tag: str | None = '"one"'
    honours_range: bool = True
    says_length: bool = True
    cut_after: list[int] = dataclasses.field(default_factory=list)
    """Bytes after which each of the next answers stops."""
    statuses: list[int] = dataclasses.field(default_factory=list)
    """Given by the next answers instead of the file."""
    asked: list[str | None] = dataclasses.field(default_factory=list)


def answer(server: Server, request: BaseHTTPRequestHandler) -> None:
    wanted = request.headers.get("Range")
    server.asked.append(wanted)
    if server.statuses:
        request.send_error(server.statuses.pop(0))
        return
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.honours_range else 0
    if start >= len(server.content):
        request.send_error(416)
        return
    body = server.content[start:]
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
    if server.says_length:
        request.send_header("Content-Length", str(len(body)))
    if server.tag:
        request.send_header("ETag", server.tag)
    request.end_headers()
    request.wfile.write(body[: server.cut_after.pop(0)] if server.cut_after else body)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(state, self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{running.server_address[1]}/archive.zip"
    yield state
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITS_SECONDS", (0.0, 0.0))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "archive.zip"


def assert_whole(target: Path, found: Downloaded, content: bytes = CONTENT) -> None:
    assert target.read_bytes() == content
    assert found == Downloaded(len(content), hashlib.sha256(content).hexdigest())
    assert list(target.parent.iterdir()) == [target], "nothing else is left"


def stop_half_way(server: Server, target: Path) -> None:
    """Leave a part of half the file, as an interrupted program does."""
    server.cut_after = [HALF, 0, 0]
    with pytest.raises(ArchiveError):
        download(server.address, target)
    server.cut_after = []
    server.asked.clear()


def test_a_file_arrives_whole_from_a_server(server: Server, target: Path) -> None:
    assert_whole(target, download(server.address, target))
    assert server.asked == [None]


def test_a_file_arrives_whole_from_a_folder_with_an_odd_name(tmp_path: Path, target: Path) -> None:
    origin = tmp_path / "a mirror, 100 %" / "ä.zip"
    origin.parent.mkdir()
    origin.write_bytes(CONTENT)
    assert_whole(target, download(origin.as_uri(), target))


def test_a_former_file_is_replaced(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    assert_whole(target, download(server.address, target))


def test_a_transfer_that_is_cut_goes_on_by_itself(server: Server, target: Path) -> None:
    server.cut_after = [100, 300]
    assert_whole(target, download(server.address, target))
    assert server.asked == [None, "bytes=100-", "bytes=400-"]


def test_a_transfer_that_is_cut_again_and_again_says_so_and_is_resumed_by_the_next_call(
    server: Server, target: Path
) -> None:
    server.cut_after = [HALF, 0, 0]
    with pytest.raises(ArchiveError, match=r"archive\.zip: the transfer .* 512\.0 kB are kept; run the same command"):
        download(server.address, target)
    assert not target.exists()
    server.asked.clear()
    assert_whole(target, download(server.address, target))
    assert server.asked == [f"bytes={HALF}-"]


def test_tries_that_bring_much_do_not_count_as_failures(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 1000)
    server.cut_after = [1000] * 20
    assert_whole(target, download(server.address, target))
    assert len(server.asked) == 21


def test_a_server_that_ignores_ranges_is_asked_for_the_whole_file(server: Server, target: Path) -> None:
    stop_half_way(server, target)
    server.honours_range = False
    assert_whole(target, download(server.address, target))
    assert server.asked == [f"bytes={HALF}-"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"content": CONTENT[::-1], "tag": '"two"'}, id="another version of the same size"),
        pytest.param({"content": CONTENT + b"more"}, id="longer"),
        pytest.param({"content": CONTENT[:1000]}, id="shorter than what came"),
        pytest.param({"tag": None}, id="no version any more"),
    ],
)
def test_halves_of_two_versions_are_never_joined(server: Server, target: Path, change: dict[str, object]) -> None:
    stop_half_way(server, target)
    for name, value in change.items():
        setattr(server, name, value)
    assert_whole(target, download(server.address, target), server.content)


def test_a_part_from_another_address_is_not_gone_on_with(server: Server, target: Path) -> None:
    stop_half_way(server, target)
    server.content = CONTENT[::-1]
    assert_whole(target, download(f"{server.address}?other", target), server.content)


def test_a_part_without_its_note_is_not_gone_on_with(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("archive.zip.part").write_bytes(b"?" * 1000)
    assert_whole(target, download(server.address, target))


def test_a_whole_part_needs_no_server(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path) -> Downloaded:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Downloaded, "of", staticmethod(killed))
        with pytest.raises(KeyboardInterrupt):
            download(server.address, target)
    server.statuses = [500] * 9
    assert_whole(target, download(server.address, target))


def test_a_file_without_a_length_arrives(server: Server, target: Path) -> None:
    server.says_length = False
    assert_whole(target, download(server.address, target))


def test_an_overloaded_server_is_asked_again(server: Server, target: Path) -> None:
    server.statuses = [503, 429]
    assert_whole(target, download(server.address, target))
    server.statuses = [503] * 3
    with pytest.raises(ArchiveError, match="the server answers 503"):
        download(server.address, target)


@pytest.mark.parametrize("status", [404, 410, 403])
def test_what_is_not_there_is_told_from_what_failed(server: Server, target: Path, status: int) -> None:
    server.statuses = [status]
    with pytest.raises(NotThereError, match=rf"no file at http.*archive\.zip \(the server answers {status}\)"):
        download(server.address, target)
    assert not target.parent.exists()


def test_a_file_that_is_not_in_the_folder_is_not_there(tmp_path: Path, target: Path) -> None:
    with pytest.raises(NotThereError, match=r"no file at file:///.*nothing\.zip"):
        download((tmp_path / "nothing.zip").as_uri(), target)


def test_other_refusals_are_errors(server: Server, target: Path) -> None:
    server.statuses = [401]
    with pytest.raises(ArchiveError, match="cannot be fetched: the server answers 401") as caught:
        download(server.address, target)
    assert not isinstance(caught.value, NotThereError)


def test_a_server_that_does_not_listen_is_named(target: Path) -> None:
    with pytest.raises(ArchiveError, match=r"http://127\.0\.0\.1:1/a cannot be reached .* Check the network"):
        download("http://127.0.0.1:1/a", target)


@pytest.mark.parametrize(
    "address", ["/tmp/mirror/a.zip", "ftp://host/a.zip", "mirror", "http://[bad/a", "http://a b/c"]
)
def test_what_is_no_address_is_refused(target: Path, address: str) -> None:
    with pytest.raises(ArchiveError, match=f"'{re.escape(address)}' is no address of a file"):
        download(address, target)


def test_a_file_address_with_two_slashes_is_explained(target: Path) -> None:
    with pytest.raises(ArchiveError, match="names the host 'tmp'; a local path has three slashes: file:///path"):
        download("file://tmp/mirror/a.zip", target)


def test_a_folder_cannot_be_downloaded(tmp_path: Path, target: Path) -> None:
    with pytest.raises(ArchiveError, match=r"cannot be read: Is a directory"):
        download(tmp_path.as_uri(), target)


def test_a_file_of_another_hash_is_removed(server: Server, target: Path) -> None:
    right = hashlib.sha256(CONTENT).hexdigest()[:8]
    assert_whole(target, download(server.address, target, sha256_prefix=right.upper()))
    target.unlink()
    with pytest.raises(ArchiveError, match=f"SHA-256 begins with {right}, expected 00000000. The file was removed"):
        download(server.address, target, sha256_prefix="00000000")
    assert not any(target.parent.iterdir())


def test_space_is_checked_before_the_first_byte(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_BYTES", 10**18)
    with pytest.raises(ArchiveError, match=r"archive\.zip needs 1\.0 MB and .* to spare, but .* has .*--home"):
        download(server.address, target)
    assert not target.parent.exists()


def test_the_bar_counts_what_came_before(server: Server, target: Path) -> None:
    stop_half_way(server, target)
    bars: list[tuple[str, int | None, str]] = []
    steps: list[int] = []

    class Recorded:
        @contextmanager
        def bar(
            self, label: str, total: int | None, unit: str = "", *, further: int = 0
        ) -> Iterator[Callable[[int], None]]:
            bars.append((label, total, unit))
            yield steps.append

        def note(self, message: str) -> None:
            raise AssertionError(message)

    download(server.address, target, progress=Recorded())
    assert bars == [("archive.zip", len(CONTENT), "bytes")]
    assert steps[0] == HALF
    assert sum(steps) == len(CONTENT)


def test_only_file_addresses_have_a_local_path() -> None:
    assert local_path("file:///a/b%20c") == Path("/a/b c")
    assert local_path("file://localhost/a") == Path("/a")
    assert local_path("https://host/a") is None


def test_a_server_that_sends_without_end_is_stopped(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    server.says_length = False
    with pytest.raises(ArchiveError, match=r"has sent 1\.0 kB without saying how long the file is, and was stopped"):
        download(server.address, target)
    assert not target.exists()


@pytest.mark.parametrize(
    ("first", "second", "follows"),
    [("https", "https", True), ("http", "https", True), ("http", "http", True), ("https", "http", False)],
)
def test_an_encrypted_transfer_is_not_sent_on_to_one_that_is_not(first: str, second: str, follows: bool) -> None:
    asked = urllib.request.Request(f"{first}://example.org/a.zip")
    arguments = (asked, io.BytesIO(), 302, "Found", HTTPMessage(), f"{second}://example.org/b.zip")
    if follows:
        new = http_answers._SafeRedirects().redirect_request(*arguments)
        assert new is not None
        assert new.full_url == f"{second}://example.org/b.zip"
    else:
        with pytest.raises(ArchiveError, match=r"sends to http://example\.org/b\.zip, which is not encrypted"):
            http_answers._SafeRedirects().redirect_request(*arguments)


def test_a_stop_before_the_old_part_is_emptied_leaves_it_with_its_old_note(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_half_way(server, target)
    server.content, server.tag = CONTENT[::-1], '"two"'
    opened = Path.open

    def stopping(path: Path, mode: str = "r", *rest: object, **named: object) -> object:
        if path.suffix == ".part" and mode == "wb":
            raise KeyboardInterrupt
        return opened(path, mode, *rest, **named)  # pyright: ignore[reportArgumentType, reportCallIssue] - passed on

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", stopping)
        with pytest.raises(KeyboardInterrupt):
            download(server.address, target)
    assert_whole(target, download(server.address, target), server.content)
