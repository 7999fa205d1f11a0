"""Who may talk to the server: requests for its own name, from its own page, with its token; and headers of safety.

A page of another site can make a visitor's browser send requests to this machine (cross-site posts), and can read the
answers if its own name is made to point here (DNS rebinding). Both are recognised by headers that pages cannot forge.
"""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attnmel.errors import ConfigError
from attnmel.web.refusal_page import refusal_page, wants_page

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

EVERY_ADDRESS = ("0.0.0.0", "::")

LEAST_TOKEN = 16
"""Letters of a token at least, so that it cannot be guessed."""

TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{LEAST_TOKEN},}}")

COOKIE = "attnmel-token"
"""Begin of the name of the cookie."""

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer that has none of its own."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def require_token(host: str, token: str | None) -> None:
    """Refuse to serve other machines without a token, or any with one that could be guessed.

    Raises:
        ConfigError: says how to give one.
    """
    if token is not None and not TOKEN.fullmatch(token):
        raise ConfigError(
            f"the token has {len(token)} letters; expected at least {LEAST_TOKEN} of A-Z, a-z, 0-9, - and _, such as "
            f"{secrets.token_urlsafe(24)}"
        )
    if token is None and not is_loopback(host):
        raise ConfigError(
            f"other machines could use the page on {host}: choose a token that they have to give, such as --token "
            f"{secrets.token_urlsafe(24)}"
        )


def cookie_name(token: str) -> str:
    """Return the name of the cookie that keeps a token in the browser.

    A browser sends the cookies of a host to all servers of that host, whatever their ports, so each token has its own.
    """
    return f"{COOKIE}-{hashlib.sha256(token.encode()).hexdigest()[:8]}"


class Guard:
    """ASGI middleware that lets through what the server's own page, or a program with the token, asks for.

    `names` are the host names by which the server may be called besides loopback names; with `any_address` any IP
    address, too, which cannot be rebound.
    """

    def __init__(
        self, app: ASGIApp, *, names: Iterable[str] = (), any_address: bool = False, token: str | None = None
    ) -> None:
        self._app, self._token, self._any_address = app, token, any_address
        self._names = {name.lower() for name in (*LOOPBACK_NAMES, *names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a sentence before anything else looks at it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = self._token_in_address(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    found.setdefault(name, value)  # the page of a refusal has a stricter policy of its own
                if given and self._token is not None and message["status"] == 200:
                    kept = f"{cookie_name(self._token)}={self._token}"
                    found.append("set-cookie", f"{kept}; HttpOnly; SameSite=Strict; Path=/")
            await send(message)

        status, sentence = self._refusal(scope, headers, given=given)
        answer = _refused(headers, status, sentence) if status else self._app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers, *, given: bool) -> tuple[int, str]:
        """Return status and sentence; 0 where the request is let through."""
        host = headers.get("host", "")
        if not self._is_own_name(host):
            return 421, "this server does not answer to that host name; use the address that it printed when it started"
        if not _from_own_page(headers, host, scope["path"]):
            return 403, "a page of another site sent this request; use the page of this server, or a program"
        if self._token is not None and not (given or self._has_token(headers)):
            return 401, (
                "the token is missing or wrong; open the address of the page with ?token=TOKEN at its end, or send the "
                "header Authorization: Bearer TOKEN"
            )
        return 0, ""

    def _is_own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address

    def _token_in_address(self, scope: Scope) -> bool:
        """Return whether the page is opened by its address with the right token."""
        if self._token is None or scope["path"] != "/":
            return False
        return any(self._is_token(one) for one in parse_qs(scope["query_string"].decode("latin-1")).get("token", []))

    def _has_token(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(token.strip()):
            return True
        # Python's own SimpleCookie reads none where one is odd, and other programs of this host set theirs, too.
        cookies = cookie_parser(headers.get("cookie", ""))
        return self._token is not None and self._is_token(cookies.get(cookie_name(self._token), ""))

    def _is_token(self, text: str) -> bool:
        return self._token is not None and secrets.compare_digest(text.encode(), self._token.encode())


def _refused(headers: Headers, status: int, sentence: str) -> Response:
    """Return what is sent in place of an answer: to a person who opens an address a page, to programs JSON."""
    return refusal_page(sentence, status) if wants_page(headers) else JSONResponse({"error": sentence}, status)


def _from_own_page(headers: Headers, host: str, path: str) -> bool:
    """Return whether a request comes from this server's page, or from no page: by a program, or typed in.

    The page itself may be opened from anywhere, as by a link in a message.
    """
    site = headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") and path != "/":
        return False
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False  # no address
