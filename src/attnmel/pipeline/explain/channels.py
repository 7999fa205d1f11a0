"""A run's split and a layer -> how each channel of it relates to the class and the lesion: a table and a page."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Int, UInt8

from attnmel.data.preprocess.images import BLACK_TO_WHITE
from attnmel.files.folders import MapsFolder
from attnmel.files.table_files import write_table
from attnmel.pipeline.explain.annotations import Annotations
from attnmel.pipeline.run.images.dataset import shown_pixels
from attnmel.pipeline.run.open_split import SplitModel
from attnmel.report.galleries.channels import Browser, ChannelImage, ChannelList, ShownChannel, write_browser
from attnmel.report.galleries.maps import border_address, map_address, picture_address
from attnmel.report.html.tables import spaced
from attnmel.saliency.map_files import quantised
from attnmel.saliency.methods.channels import Channels, Examples, channel_maps, measure_channels

EACH, STRONGEST = 8, 6
"""Channels of a list, and images of a channel."""


def explain_channels(model: SplitModel, layer: str, annotations: Annotations, folder: MapsFolder) -> Channels:
    """Write the table of a layer's channels, and the page of the most extreme ones, each over its strongest images.

    The channels are measured on the images that have a label; one batch of images is in memory at a time.

    Raises:
        ConfigError: no such layer; the known ones are listed.
    """
    places = np.flatnonzero(model.predictions.labels >= 0)
    channels = measure_channels(model.network, _examples(model, places, annotations), layer=layer)
    _write_table(folder, layer, channels, model)
    lists = _lists(channels, model.target_class)
    numbers = list(dict.fromkeys(number for chosen in lists.values() for number in chosen))
    # Of a channel, the places of the images that it is strongest on.
    strongest = channels.means[:, numbers].argsort(dim=0, descending=True, stable=True)[:STRONGEST].cpu().numpy()
    images = {number: places[strongest[:, column]] for column, number in enumerate(numbers)}
    shown = _pictured(model, layer, images, annotations)
    browser = Browser(
        title=f"Channels of {layer}, {model.name}, {model.split}",
        main=model.target_class,
        layer=layer,
        count=len(channels.correlation),
        images=len(places),
        licence=model.card.licence,
        lists=tuple(
            ChannelList(title, tuple(_shown(number, channels, shown) for number in chosen))
            for title, chosen in lists.items()
        ),
    )
    write_browser(folder.channels(layer), browser)
    return channels


def _examples(model: SplitModel, places: Int[np.ndarray, " n"], annotations: Annotations) -> Iterator[Examples]:
    is_class = model.predictions.is_class(model.target_class)
    with model.run.progress.bar("channels", len(places), "images") as advance:
        for some, images in model.batches(places):
            masks = torch.from_numpy(annotations.masks(some)).float() / BLACK_TO_WHITE
            yield Examples(images, torch.from_numpy(is_class[some]), masks)
            advance(len(some))


def _lists(channels: Channels, target_class: str) -> dict[str, list[int]]:
    """Return the most extreme channels, by the measure; those of a layer of few channels may be in several lists."""
    by_class = channels.by_correlation().tolist()
    lists = {
        f"Go most with {spaced(target_class)}": by_class[:EACH],
        f"Go most against {spaced(target_class)}": by_class[::-1][:EACH],
    }
    if not channels.overlap.isnan().any():
        lists["Lie best on the lesion"] = channels.by_overlap().tolist()[:EACH]
    return lists


def _pictured(
    model: SplitModel, layer: str, images: Mapping[int, Int[np.ndarray, " k"]], annotations: Annotations
) -> dict[int, tuple[ChannelImage, ...]]:
    """Return each channel over its images, by its number."""
    numbers, places = list(images), np.unique(np.concatenate(list(images.values())))
    found: dict[tuple[int, int], ChannelImage] = {}
    for some, batch in model.batches(places):
        maps = channel_maps(model.network, batch, layer=layer, channels=numbers).cpu().numpy()
        pixels, masks = shown_pixels(model.data, model.prepared, model.rows[some]), annotations.masks(some)
        for at, place in enumerate(some.tolist()):
            for column, number in enumerate(numbers):
                if place in images[number]:
                    levels = quantised(maps[at, column : column + 1])[0]
                    found[number, place] = _image(model, place, pixels[at, ..., :3], masks[at], levels)
    return {number: tuple(found[number, place] for place in of.tolist()) for number, of in images.items()}


def _image(
    model: SplitModel,
    place: int,
    pixels: UInt8[np.ndarray, "s s 3"],
    mask: UInt8[np.ndarray, "s s"],
    levels: UInt8[np.ndarray, "s s"],
) -> ChannelImage:
    predictions = model.predictions
    return ChannelImage(
        image_id=predictions.image_ids[place],
        label=predictions.classes[int(predictions.labels[place])],
        picture=picture_address(np.ascontiguousarray(pixels), large=True),
        border=border_address(mask) if mask.any() else "",
        map=map_address(levels),
    )


def _shown(number: int, channels: Channels, images: Mapping[int, tuple[ChannelImage, ...]]) -> ShownChannel:
    return ShownChannel(number, channels.correlation[number].item(), channels.overlap[number].item(), images[number])


def _write_table(folder: MapsFolder, layer: str, channels: Channels, model: SplitModel) -> None:
    columns = ("channel", f"correlation with {model.target_class}", "overlap with lesion")
    rows = zip(range(len(channels.overlap)), channels.correlation.tolist(), channels.overlap.tolist(), strict=True)
    write_table(folder.channel_table(layer), columns, rows, licence=model.card.licence)
