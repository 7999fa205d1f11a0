"""What pydantic found in settings -> a sentence: the key, what is wrong, and which keys and values are known."""

import re
from typing import Any

from attnmel.config.expected import expected
from attnmel.config.settings.data import Settings
from attnmel.config.system import FEATURE_KINDS, FEATURES
from attnmel.errors import did_you_mean


def problem(kind: type[Settings], error: dict[str, Any]) -> str:
    """Return in words what pydantic found in the settings of a kind of recipe."""
    # Below a feature's name the location has its kind, too, which is no key.
    keys = [part for at, part in enumerate(error["loc"]) if not (at == 2 and error["loc"][0] == FEATURES)]
    place = ".".join(map(str, keys))
    if error["type"] == "extra_forbidden":
        known = _known_keys(kind, error["loc"][:-1])
        name = str(error["loc"][-1])
        meant = places_of(kind, name) if len(keys) <= 2 else []
        hint = f" (did you mean '{' or '.join(meant)}'?)" if meant else did_you_mean(name, known)
        return f"unknown key '{place}'{hint}; known: {', '.join(known)}"
    if error["type"] == "missing":
        return f"the key '{place}' is missing"
    message = expected(error)
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        message += did_you_mean(error["input"], re.findall(r"'([^']*)'", error["ctx"]["expected"]))
    if isinstance(error["input"], dict) or error["type"] == "value_error":
        return f"{place}: {message}" if place else message
    return f"{place} = {error['input']!r}: {message}"


def places_of(kind: type[Settings], name: str) -> list[str]:
    """Return the settings of that name in the tables of a kind of recipe, as `training.epochs` of `epochs`."""
    return [
        f"{table}.{name}"
        for table, field in kind.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, Settings)
        and name in field.annotation.model_fields
    ]


def _known_keys(kind: type[Settings], groups: tuple[int | str, ...]) -> list[str]:
    model: Any = kind
    for group in groups:
        if group == FEATURES:
            return sorted(FEATURE_KINDS[str(groups[2])].model_fields)
        if isinstance(group, str) and group in model.model_fields:  # else a place in a list
            model = _settings_class(model.model_fields[group].annotation)
    return sorted(model.model_fields)


def _settings_class(annotation: Any) -> Any:  # noqa: ANN401 - a type expression of any kind
    if isinstance(annotation, type):
        return annotation
    return next(part for part in annotation.__args__ if isinstance(part, type) and issubclass(part, Settings))
