"""A request to a server for a file, and what each answer means. No torch."""

import http.client
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

from attnmel import __version__
from attnmel.errors import ArchiveError

TIMEOUT_SECONDS = 30.0
"""Longest silence of a server."""

# Amazon S3, the host of the official archive, answers 403 for a missing file.
NOT_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN}
OVERLOADED = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class NotThereError(ArchiveError):
    """There is no file at the address; not a failed transfer."""


class CutError(Exception):
    """A transfer stopped for a temporary reason."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a server to another address, but not from https to http, where anybody may change what is sent."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,  # noqa: ANN401 - the body, which is not read
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and req.type == "https" and new.type != "https":
            raise ArchiveError(f"{req.full_url} sends to {new.full_url}, which is not encrypted; name another address")
        return new


_OPENER = urllib.request.build_opener(_SafeRedirects)


def request_file(address: str, start: int) -> http.client.HTTPResponse:
    """Return the answer of a server that is asked for a file from byte `start` on; its body is not read yet.

    Raises:
        NotThereError: there is no such file.
        CutError: the server is silent or overloaded.
        ArchiveError: anything else that will not change.
    """
    # Of a compressed transfer, lengths and ranges would not be those of the file.
    headers = {"User-Agent": f"attnmel/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        return _OPENER.open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return request_file(address, 0)  # the file has become shorter: start again
        raise _refusal(address, error.code) from None
    except (http.client.InvalidURL, ValueError) as error:
        raise ArchiveError(f"'{address}' is no address of a file: {error}") from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, TimeoutError | ConnectionResetError | http.client.HTTPException):
            raise CutError(f"the server does not answer ({reason(cause)})") from None
        raise ArchiveError(
            f"{address} cannot be reached ({reason(cause)}). Check the network and the address, or name a mirror."
        ) from None


def _refusal(address: str, code: int) -> Exception:
    if code in NOT_THERE:
        return NotThereError(f"no file at {address} (the server answers {code})")
    if code in OVERLOADED or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CutError(f"the server answers {code}")
    return ArchiveError(f"{address} cannot be fetched: the server answers {code}")


def reason(error: object) -> str:
    """Return why a connection failed, in the words of the system."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
