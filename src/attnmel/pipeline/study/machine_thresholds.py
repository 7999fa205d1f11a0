"""The thresholds that a user names for machines: one for all, or one for each by name."""

from collections.abc import Mapping, Sequence

from attnmel.errors import ConfigError

Chosen = float | Mapping[str, float] | None
"""A threshold for all machines, or for each by its name; None where none is named."""


def parsed_thresholds(texts: Sequence[str]) -> Chosen:
    """Return the thresholds named as SCORE, once and for all machines, or as NAME=SCORE for each.

    Raises:
        ConfigError: a text is neither, or both kinds are mixed.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, score = text.rpartition("=")
        try:
            value = float(score)
        except ValueError:
            raise ConfigError(f"--machine-threshold {text}; expected a number, or NAME=NUMBER") from None
        if name in found or (found and not (name and all(found))):
            raise ConfigError(f"--machine-threshold {text}; expected one for all machines, or one for each by name")
        found[name] = value
    return found.get("", found or None)
