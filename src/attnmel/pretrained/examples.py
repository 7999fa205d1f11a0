"""Six real dermoscopy images of the installation, by name; no pretrained model was trained on them. No torch."""

from pathlib import Path

from attnmel.errors import ImageError

FOLDER = Path(__file__).parent / "examples"
"""CREDITS.md in it contains credits and licence."""

PREFIX = "example:"
"""Prefix of the id of an example image."""


def example_names() -> tuple[str, ...]:
    """Return the ids of the example images, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.jpg")))


def example_images(text: str) -> list[Path] | None:
    """Return the file of `example:ID`, or all for `example:all`; None for any other text, which is a path.

    Raises:
        ImageError: no example has that id; lists the known ones.
    """
    if not text.startswith(PREFIX):
        return None
    name, known = text.removeprefix(PREFIX), example_names()
    if name != "all" and name not in known:
        examples = ", ".join(f"{PREFIX}{one}" for one in (*known, "all"))
        raise ImageError(f"no example image '{text}'; known: {examples}")
    return [FOLDER / f"{one}.jpg" for one in known if name in (one, "all")]
