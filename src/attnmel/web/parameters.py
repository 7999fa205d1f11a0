"""Query parameters of the API: one that is not known is refused, and a value that is not possible is explained."""

from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException, Request

from attnmel.config.expected import expected
from attnmel.errors import did_you_mean


def refuse_unknown(request: Request) -> None:
    """Refuse a request with a query parameter that its address does not take.

    Raises:
        HTTPException: 400, and lists those that it takes.
    """
    known = [one.alias for one in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            meant = did_you_mean(name, known)
            raise HTTPException(
                400, f"unknown query parameter '{name}'{meant}; known: {', '.join(known) or 'none at this address'}"
            )


def value_problems(errors: Sequence[Any]) -> str:
    """Return in a sentence what is wrong with the values of query parameters, as FastAPI found it."""
    return "; ".join(f"{one['loc'][-1]} = {one['input']!r}: {expected(one)}" for one in errors)
