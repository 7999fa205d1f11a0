"""A run's split and a layer -> what each channel of it has to do with the class and the lesion: a table and a page."""

import csv
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Int, UInt8

from attnmel.data.preprocess.images import BLACK_TO_WHITE
from attnmel.folders import MapsFolder, replacing
from attnmel.pipeline.explain.annotations import Annotations
from attnmel.pipeline.run.dataset import shown_pixels
from attnmel.pipeline.run.open_split import SplitModel
from attnmel.progress import SILENT, Progress
from attnmel.records import notice_lines
from attnmel.report.galleries.channels import Browser, ChannelImage, ChannelList, ShownChannel, write_browser
from attnmel.report.galleries.maps import border_address, map_address, picture_address
from attnmel.report.html.tables import spaced
from attnmel.saliency.map_files import quantised
from attnmel.saliency.methods.channels import Channels, Examples, channel_maps, judge_channels

EACH, STRONGEST = 8, 6
"""Channels of a list, and images of a channel."""


def explain_channels(
    asked: SplitModel, layer: str, marks: Annotations, folder: MapsFolder, progress: Progress = SILENT
) -> Channels:
    """Write the table of a layer's channels, and the page of those that stand out, each over its strongest images.

    The channels are judged on the images that have a label; one batch of images is held at a time.

    Raises:
        ConfigError: no such layer; the known ones are listed.
    """
    places = np.flatnonzero(asked.predictions.labels >= 0)
    channels = judge_channels(asked.network, _examples(asked, places, marks, progress), layer=layer)
    _write_table(folder, layer, channels, asked)
    lists = _lists(channels, asked.main)
    numbers = list(dict.fromkeys(number for chosen in lists.values() for number in chosen))
    # Of a channel, the places of the images that it is strongest on.
    strongest = channels.means[:, numbers].argsort(dim=0, descending=True, stable=True)[:STRONGEST].cpu().numpy()
    images = {number: places[strongest[:, column]] for column, number in enumerate(numbers)}
    shown = _pictured(asked, layer, images, marks)
    browser = Browser(
        title=f"Channels of {layer}, {asked.name}, {asked.split}",
        main=asked.main,
        layer=layer,
        count=len(channels.correlation),
        images=len(places),
        licence=asked.card.licence,
        lists=tuple(
            ChannelList(title, tuple(_shown(number, channels, shown) for number in chosen))
            for title, chosen in lists.items()
        ),
    )
    write_browser(folder.channels(layer), browser)
    return channels


def _examples(
    asked: SplitModel, places: Int[np.ndarray, " n"], marks: Annotations, progress: Progress
) -> Iterator[Examples]:
    is_class = asked.predictions.is_class(asked.main)
    with progress.bar("channels", len(places), "images") as advance:
        for some, images in asked.batches(places):
            masks = torch.from_numpy(marks.masks(some)).float() / BLACK_TO_WHITE
            yield Examples(images, torch.from_numpy(is_class[some]), masks)
            advance(len(some))


def _lists(channels: Channels, main: str) -> dict[str, list[int]]:
    """Return the channels that stand out, by what they stand out in; a layer of few channels has them in several."""
    by_class = channels.by_correlation().tolist()
    lists = {
        f"Go most with {spaced(main)}": by_class[:EACH],
        f"Go most against {spaced(main)}": by_class[::-1][:EACH],
    }
    if not channels.overlap.isnan().any():
        lists["Lie best on the lesion"] = channels.by_overlap().tolist()[:EACH]
    return lists


def _pictured(
    asked: SplitModel, layer: str, images: Mapping[int, Int[np.ndarray, " k"]], marks: Annotations
) -> dict[int, tuple[ChannelImage, ...]]:
    """Return each channel over its images, by its number."""
    numbers, places = list(images), np.unique(np.concatenate(list(images.values())))
    found: dict[tuple[int, int], ChannelImage] = {}
    for some, batch in asked.batches(places):
        maps = channel_maps(asked.network, batch, layer=layer, channels=numbers).cpu().numpy()
        pixels, masks = shown_pixels(asked.data, asked.prepared, asked.rows[some]), marks.masks(some)
        for at, place in enumerate(some.tolist()):
            for column, number in enumerate(numbers):
                if place in images[number]:
                    levels = quantised(maps[at, column : column + 1])[0]
                    found[number, place] = _image(asked, place, pixels[at, ..., :3], masks[at], levels)
    return {number: tuple(found[number, place] for place in of.tolist()) for number, of in images.items()}


def _image(
    asked: SplitModel,
    place: int,
    pixels: UInt8[np.ndarray, "s s 3"],
    mask: UInt8[np.ndarray, "s s"],
    levels: UInt8[np.ndarray, "s s"],
) -> ChannelImage:
    predictions = asked.predictions
    return ChannelImage(
        image_id=predictions.image_ids[place],
        label=predictions.classes[int(predictions.labels[place])],
        picture=picture_address(np.ascontiguousarray(pixels), large=True),
        border=border_address(mask) if mask.any() else "",
        map=map_address(levels),
    )


def _shown(number: int, channels: Channels, images: Mapping[int, tuple[ChannelImage, ...]]) -> ShownChannel:
    return ShownChannel(number, channels.correlation[number].item(), channels.overlap[number].item(), images[number])


def _write_table(folder: MapsFolder, layer: str, channels: Channels, asked: SplitModel) -> None:
    with replacing(folder.channel_table(layer)) as part, part.open("w", newline="", encoding="utf-8") as file:
        file.write(notice_lines(asked.card.licence))
        table = csv.writer(file)
        table.writerow(["channel", f"correlation with {asked.main}", "overlap with lesion"])
        overlaps = ["" if np.isnan(one) else repr(one) for one in channels.overlap.tolist()]
        table.writerows(zip(range(len(overlaps)), map(repr, channels.correlation.tolist()), overlaps, strict=True))
