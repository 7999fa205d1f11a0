"""What a request gives by name, in its address or as JSON: an unknown name is refused, a wrong value explained."""

from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException, Request

from attnmel.config.expected import expected
from attnmel.data.tables.problems import LONGEST
from attnmel.errors import did_you_mean

NO_OBJECT = ("json_invalid", "model_type")
"""Kinds of pydantic's errors of a body that is not a JSON object at all."""


def refuse_unknown_parameters(request: Request) -> None:
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


def value_problems(errors: Sequence[Any], known: Sequence[str] = ()) -> str:
    """Return in a sentence what is wrong with given values, as pydantic found it; `known` are an object's keys."""
    if any(one["type"] in NO_OBJECT for one in errors):
        return f"the body is no JSON object; expected one with the keys {', '.join(known)}"
    missing = [str(one["loc"][-1]) for one in errors if one["type"] == "missing"]
    return "; ".join(
        [
            *(_value_problem(one, known) for one in errors if one["type"] != "missing"),
            *([f"missing: {', '.join(missing)}; expected the keys {', '.join(known)}"] if missing else []),
        ]
    )


def _value_problem(error: Any, known: Sequence[str]) -> str:  # noqa: ANN401 - pydantic's own dict
    name = str(error["loc"][-1])
    if error["type"] == "extra_forbidden":
        return f"unknown key '{name}'{did_you_mean(name, known)}; known: {', '.join(known)}"
    given = repr(error["input"])
    return f"{name} = {given if len(given) <= LONGEST else given[:LONGEST] + '...'}: {expected(error)}"
