"""What somebody gets who sends a request that is not the page's own: each refused before anything looks at it."""

import base64
import hashlib
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient
from tests.web.conftest import ADDRESS, form, png

from attnmel.errors import ConfigError
from attnmel.web.app import make_app
from attnmel.web.guard import cookie_name, require_token
from attnmel.web.models import Models
from attnmel.web.server import guarded

TOKEN = "a-token-of-many-letters"
OTHER_HOST = "this server does not answer to that host name; use the address that it printed when it started"
OTHER_SITE = "a page of another site sent this request; use the page of this server, or a program"
NO_TOKEN = (
    "the token is missing or wrong; open the address of the page with ?token=TOKEN at its end, or send the header "
    "Authorization: Bearer TOKEN"
)

Serve = Callable[..., TestClient]


@pytest.fixture(scope="module")
def serve(models: Models) -> Iterator[Serve]:
    """Give a client of the guarded application."""
    app = make_app(models)

    def make(host: str = "127.0.0.1", token: str | None = None, address: str = ADDRESS) -> TestClient:
        return TestClient(guarded(app, host, token), address)

    with TestClient(app, ADDRESS):
        yield make


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.7", ""])
@pytest.mark.parametrize("path", ["/", "/api/info"])
def test_a_name_that_was_made_to_point_here_gets_nothing(serve: Serve, name: str, path: str) -> None:
    answer = serve().get(path, headers={"host": f"{name}:8642"})
    assert (answer.status_code, answer.json()) == (421, {"error": OTHER_HOST})


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_the_own_names_are_answered(serve: Serve, name: str) -> None:
    assert serve().get("/api/info", headers={"host": f"{name}:8642"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "null"},
        {"origin": "http://[evil"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:8642", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_post_by_a_page_of_another_site_is_refused_and_computes_nothing(
    serve: Serve, headers: dict[str, str]
) -> None:
    answer = serve().post("/api/predict", files=form(("a.png", png())), headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"error": OTHER_SITE})


def test_the_own_page_and_a_program_may_post(serve: Serve) -> None:
    own = {"origin": ADDRESS, "sec-fetch-site": "same-origin"}
    for headers in (own, {}):
        answer = serve().post("/api/predict", files=form(("a.png", png())), headers=headers)
        assert answer.status_code == 200


def test_another_site_may_read_nothing(serve: Serve) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = serve().options("/api/predict", headers=asked)
    assert preflight.status_code == 403
    for answer in (preflight, serve().get("/api/info")):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_link_on_another_site_may_open_the_page(serve: Serve) -> None:
    assert serve().get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_every_answer_keeps_scripts_and_frames_of_others_out(serve: Serve) -> None:
    for path in ("/", "/api/info", "/nothing", "/openapi.json"):
        headers = serve().get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/page/../guard.py", "/page/%2e%2e/guard.py", "/page/..%2fguard.py", "/page/%2fetc/passwd", "//etc/passwd",
        "/page/", "/page/index.html%00", "/page/....//guard.py",
    ],
)  # fmt: skip
def test_no_file_is_found_by_a_path(serve: Serve, path: str) -> None:
    answer = serve().get(path)
    assert answer.status_code == 404
    assert answer.json()["error"].endswith("; known: /, /api/info, /api/predict, /api/overlay")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer another-token-of-letters"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer "},
        {"cookie": f"{cookie_name(TOKEN)}=another"},
        {"cookie": f"another={TOKEN}"},
        {"cookie": "=;;=\\"},
    ],
)
def test_without_the_token_nothing_is_answered(serve: Serve, headers: dict[str, str]) -> None:
    client = serve(host="0.0.0.0", token=TOKEN)
    for path in ("/", "/?token=another-token-of-letters", "/api/info", "/openapi.json", f"/api/info?token={TOKEN}"):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": NO_TOKEN})
        assert "set-cookie" not in answer.headers
    assert client.post("/api/predict", files=form(("a.png", png())), headers=headers).status_code == 401


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"}


def test_a_person_without_the_token_gets_a_page_that_says_what_to_do(serve: Serve) -> None:
    client = serve(host="0.0.0.0", token=TOKEN)
    for path in ("/", "/?token=another-token-of-letters", "/api/info"):
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert answer.text.count("<p>") == 1
        assert "<p>Open the whole address of this page, with ?token= and the token at its end;" in answer.text
        assert TOKEN not in answer.text
        assert "set-cookie" not in answer.headers
        style = answer.text.partition("<style>")[2].partition("</style>")[0]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = answer.headers["content-security-policy"]
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none'")
        assert answer.headers["x-frame-options"] == "DENY"
    assert client.get(f"/?token={TOKEN}", headers=BROWSER).status_code == 200
    for accept in ("*/*", "application/json", "", "text/plain, application/text/html"):
        assert client.get("/", headers={"accept": accept, "cookie": "a=b"}).json() == {"error": NO_TOKEN}
    other = client.get("/", headers={"host": "evil.example", **BROWSER})
    assert (other.status_code, f"<p>T{OTHER_HOST[1:]}.</p>" in other.text) == (421, True)


def test_the_token_is_a_header_of_programs_and_a_cookie_of_the_page(serve: Serve) -> None:
    program = serve(host="0.0.0.0", token=TOKEN)
    assert program.get("/api/info", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    page = serve(host="0.0.0.0", token=TOKEN)
    opened = page.get(f"/?token={TOKEN}")
    assert opened.status_code == 200
    assert opened.headers["set-cookie"] == f"{cookie_name(TOKEN)}={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert page.get("/api/info").status_code == 200


def test_two_servers_of_one_host_keep_their_tokens_in_one_browser(serve: Serve) -> None:
    pages = {token: serve(host="0.0.0.0", token=token) for token in (TOKEN, "another-token-of-letters")}
    browser: dict[str, str] = {}  # which knows hosts, and no ports
    for token, page in pages.items():
        name, _, value = page.get(f"/?token={token}").headers["set-cookie"].partition(";")[0].partition("=")
        browser[name] = value
        page.cookies.clear()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.items())
    for page in pages.values():
        assert page.get("/api/info", headers={"cookie": cookie}).status_code == 200


def test_an_odd_cookie_of_another_program_of_this_host_does_not_hide_the_token(serve: Serve) -> None:
    cookie = f'state[open]={{"a": 1}}; {cookie_name(TOKEN)}={TOKEN}'
    page = serve(host="0.0.0.0", token=TOKEN)
    assert page.get("/api/info", headers={"cookie": cookie}).status_code == 200


def test_on_every_address_a_name_of_others_is_refused_even_with_the_token(serve: Serve) -> None:
    right = {"authorization": f"Bearer {TOKEN}"}
    client = serve(host="0.0.0.0", token=TOKEN)
    assert client.get("/api/info", headers={"host": "evil.example", **right}).status_code == 421
    assert client.get("/api/info", headers={"host": "192.0.2.7:8642", **right}).status_code == 200


def test_a_proxy_calls_the_server_by_a_name_of_its_own(models: Models) -> None:
    client = TestClient(guarded(make_app(models), "127.0.0.1", None, ["skin.example.org"]), "http://skin.example.org")
    own = {"origin": "https://skin.example.org", "sec-fetch-site": "same-origin"}
    assert client.get("/api/info", headers=own).status_code == 200
    assert client.get("/api/info", headers={"host": "other.example.org"}).status_code == 421


def test_other_machines_need_a_token_that_cannot_be_guessed() -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        require_token(host, None)
    require_token("0.0.0.0", TOKEN)
    for host in ("0.0.0.0", "::", "192.0.2.7", "example.org"):
        with pytest.raises(
            ConfigError, match=f"other machines could use the page on {host}: choose a token .* --token"
        ):
            require_token(host, None)
    with pytest.raises(ConfigError, match="the token has 5 letters; expected at least 16 of A-Z, a-z, 0-9"):
        require_token("127.0.0.1", "short")
    with pytest.raises(ConfigError, match="expected at least 16 of A-Z"):
        require_token("0.0.0.0", "a-token\r\nof-many-letters")
