"""The channels of a layer to one page: those that are distinctive, each over the images that it is strongest on.

The page is self-contained, loads nothing from the network, and needs no script.
"""

from dataclasses import dataclass
from pathlib import Path

from attnmel.report.html.page import write_template


@dataclass(frozen=True, kw_only=True)
class ChannelImage:
    """One image and where a channel is strong on it."""

    image_id: str
    label: str
    """True class."""
    picture: str
    """`data:` address, as that of border and map."""
    border: str
    """Empty without a lesion in view."""
    map: str


@dataclass(frozen=True)
class ShownChannel:
    """One channel."""

    number: int
    correlation: float
    """With the class, in [-1, 1]."""
    overlap: float
    """With the lesion, in [0, 1]; NaN without a mask."""
    images: tuple[ChannelImage, ...]
    """Strongest first."""


@dataclass(frozen=True)
class ChannelList:
    """Channels that are distinctive in one way, the first most."""

    title: str
    channels: tuple[ShownChannel, ...]


@dataclass(frozen=True, kw_only=True)
class Browser:
    """All that the page shows."""

    title: str
    main: str
    """The class that channels are compared with."""
    layer: str
    count: int
    """Channels of the layer."""
    images: int
    """On which they were evaluated."""
    licence: str
    lists: tuple[ChannelList, ...]


def write_browser(path: Path, browser: Browser) -> None:
    """Write the page."""
    write_template(path, "channels.html", browser=browser)
