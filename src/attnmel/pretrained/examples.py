"""Six real dermoscopy images that come with the program, by name; none of them trained the model. No torch."""

from pathlib import Path

from attnmel.errors import ImageError

FOLDER = Path(__file__).parent / "examples"
"""Credits and licence stand in its CREDITS.md."""

PREFIX = "example:"
"""Before the id of an example, where an image is named."""


def example_names() -> tuple[str, ...]:
    """Return the ids of the example images, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.jpg")))


def example_images(text: str) -> list[Path] | None:
    """Return the file of `example:ID`, or all for `example:all`; None where the text does not start so, so is a path.

    Raises:
        ImageError: no example has that id; lists those that there are.
    """
    if not text.startswith(PREFIX):
        return None
    name, known = text.removeprefix(PREFIX), example_names()
    if name != "all" and name not in known:
        there = ", ".join(f"{PREFIX}{one}" for one in (*known, "all"))
        raise ImageError(f"no example image '{text}'; those that come with attnmel are {there}")
    return [FOLDER / f"{one}.jpg" for one in known if name in (one, "all")]
