"""What a person sees in a browser whose request the server refuses: one sentence that says what to do."""

import base64
import hashlib
import html

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

NO_TOKEN = (
    "Open the whole address of this page, with ?token= and the token at its end; whoever started attnmel serve "
    "can give it to you."
)

STYLE = """
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1d1e20; --rule: #c9c9c2; }
@media (prefers-color-scheme: dark) { :root { --paper: #141618; --ink: #e8e6e0; --rule: #41464b; } }
body { margin: 0 auto; padding: 12vh 1.5rem; max-width: 34rem; background: var(--paper); color: var(--ink);
  font: 1.1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
h1 { margin: 0 0 0.8rem; padding-bottom: 0.6rem; border-bottom: 1px solid var(--rule); font-size: 1.2rem; }
p { margin: 0; overflow-wrap: anywhere; }
"""
"""In the colours of the page; that page's own file is refused as well."""

POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def wants_page(headers: Headers) -> bool:
    """Return whether a request is that of a browser which opens an address, by what it accepts."""
    kinds = headers.get("accept", "").split(",")
    return "text/html" in (one.partition(";")[0].strip().lower() for one in kinds)


def refusal_page(sentence: str, status: int) -> HTMLResponse:
    """Return a page with a sentence alone; for a missing token (401) with the one for a person."""
    shown = html.escape(NO_TOKEN if status == 401 else f"{sentence[0].upper()}{sentence[1:]}.")
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>No access · attnmel</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body><main><h1>attnmel</h1><p>{shown}</p></main></body>
</html>
""",
        status,
        {"content-security-policy": POLICY},
    )
