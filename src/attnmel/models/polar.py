"""Polar pooling: means over cells of rings and sectors of a disc or an ellipse, and how they differ when folded."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn import functional

RINGS, SECTORS = 3, 4
LEAST_LESION = 0.01
"""Share of a map that a lesion has at least: two positions of 14 x 14."""

SAMPLES = 8
"""Points a side at which each position of a map is looked up; even, so that none lies on the axes."""


@lru_cache
def cell_shares(height: int, width: int) -> Float32[np.ndarray, "cells positions"]:
    """Return how much each position counts in the mean over each cell, rings from the inside, sectors by angle.

    The rings divide the ellipse that touches the map's borders into parts of equal area; positions outside count
    nowhere, those on a border by the share of their area. Each cell's shares sum to 1, or are all 0 where no position
    is in it.
    """
    y, x = (2 * (np.arange(side * SAMPLES) + 0.5) / (side * SAMPLES) - 1 for side in (height, width))
    squared = y[:, None] ** 2 + x**2
    ring = np.floor(RINGS * squared).astype(int)
    sector = np.floor(np.arctan2(y[:, None], x) % (2 * math.pi) / (2 * math.pi / SECTORS)).astype(int) % SECTORS
    cell = np.where(squared < 1, ring * SECTORS + sector, -1)
    inside = cell == np.arange(RINGS * SECTORS)[:, None, None]
    areas = inside.reshape(-1, height, SAMPLES, width, SAMPLES).sum((2, 4)).reshape(len(inside), -1)
    return (areas / np.maximum(areas.sum(1, keepdims=True), 1)).astype(np.float32)


class Ellipses(NamedTuple):
    """Where the polar grid of each image lies."""

    to_disc: Float[Tensor, "B 2 3"]
    """From a map's coordinates, both -1 to 1 from edge to edge, to those in which the ellipse is the unit disc."""
    is_disc: Bool[Tensor, " B"]
    """Whether no lesion was found, so that the grid is that of the disc which touches the map's borders."""


def lesion_ellipses(shares: Float[Tensor, "B 1 h w"]) -> Ellipses:
    """Return the ellipse with the moments of each lesion: its centre, axes and angle; u runs along the long axis.

    `shares` are a lesion map in [0, 1], of which what is above 0.5 counts. An ellipse filled evenly has its own axes
    back. Where less than `LEAST_LESION` of the map counts, the grid is that of the disc.
    """
    shares = shares.float()
    lesion = shares * (shares > 0.5)
    height, width = shares.shape[-2:]
    y = _centres(height, shares)[:, None].expand(height, width)
    x = _centres(width, shares).expand(height, width)
    mass = lesion.sum((1, 2, 3))
    is_disc = mass < LEAST_LESION * height * width
    weights = lesion[:, 0] / mass.clamp(min=1e-6)[:, None, None]
    cx, cy = ((weights * one).sum((1, 2)) for one in (x, y))
    dx, dy = x - cx[:, None, None], y - cy[:, None, None]
    # Of a position, which is a rectangle, its own variance is added.
    xx = (weights * dx * dx).sum((1, 2)) + 1 / (3 * width**2)
    yy = (weights * dy * dy).sum((1, 2)) + 1 / (3 * height**2)
    xy = (weights * dx * dy).sum((1, 2))
    difference = ((xx - yy) ** 2 + 4 * xy**2).sqrt()
    # No angle function, so that every exported form has the same numbers: cos and sin of half the angle.
    double = ((xx - yy) / difference.clamp(min=1e-6)).where(difference > 1e-6, torch.ones_like(xx)).clamp(-1, 1)
    cosine, sine = ((1 + double) / 2).sqrt(), ((1 - double) / 2).sqrt() * torch.where(xy < 0, -1.0, 1.0)
    long = 2 * ((xx + yy + difference) / 2).sqrt()
    short = 2 * ((xx + yy - difference) / 2).clamp(min=1e-6).sqrt()
    u = torch.stack([cosine, sine, -(cosine * cx + sine * cy)], dim=1) / long[:, None]
    v = torch.stack([-sine, cosine, sine * cx - cosine * cy], dim=1) / short[:, None]
    disc = torch.eye(2, 3, device=shares.device)
    return Ellipses(torch.where(is_disc[:, None, None], disc, torch.stack([u, v], dim=1)), is_disc)


def ellipse_shares(to_disc: Float[Tensor, "B 2 3"], height: int, width: int) -> Float[Tensor, "B cells positions"]:
    """Return how much each position counts in the mean over each cell of each image's ellipse, as `cell_shares`."""
    y, x = _centres(height * SAMPLES, to_disc)[:, None], _centres(width * SAMPLES, to_disc)
    of_u, of_v = to_disc[:, 0, :, None, None], to_disc[:, 1, :, None, None]
    u = of_u[:, 0] * x + of_u[:, 1] * y + of_u[:, 2]
    v = of_v[:, 0] * x + of_v[:, 1] * y + of_v[:, 2]
    squared = u * u + v * v
    # Four sectors are the quadrants, anticlockwise from u > 0, v > 0 on.
    sectors = ((u >= 0) & (v >= 0), (u < 0) & (v >= 0), (u < 0) & (v < 0), (u >= 0) & (v < 0))
    rings = [(squared >= ring / RINGS) & (squared < (ring + 1) / RINGS) for ring in range(RINGS)]
    inside = torch.stack([ring & sector for ring in rings for sector in sectors], dim=1).to(to_disc.dtype)
    areas = functional.avg_pool2d(inside, SAMPLES).flatten(2)
    return areas / areas.sum(2, keepdim=True).clamp(min=1e-6)


def _centres(count: int, like: Tensor) -> Float[Tensor, " count"]:
    """Return the centres of so many parts of the line from -1 to 1."""
    return (2 * torch.arange(count, device=like.device, dtype=torch.float32) + 1) / count - 1


def polar_means(
    features: Float[Tensor, "B C h w"],
    maps: Float[Tensor, "B M h w"],
    shares: Float[Tensor, "B cells positions"] | None = None,
) -> Float[Tensor, "B M R A C"]:
    """Return the mean of each map times each channel over each cell; 0 for a cell without a position.

    `shares` are those of `ellipse_shares`; by default the cells are of the disc.
    """
    height, width = features.shape[-2:]
    if shares is None:
        shares = torch.tensor(cell_shares(height, width), device=features.device)[None]
    weights = maps.flatten(2)[:, :, None] * shares[:, None]
    means = weights.flatten(1, 2).to(features.dtype) @ features.flatten(2).transpose(1, 2)
    return means.unflatten(1, (maps.shape[1], RINGS, SECTORS))


def asymmetry(cells: Float[Tensor, "B M R A C"]) -> Float[Tensor, "B M axes C"]:
    """Return, by axis of symmetry, the mean squared difference between cells that lie on each other when folded.

    The axes are the borders between sectors, half as many as there are sectors.
    """
    folded = [[(2 * axis - 1 - sector) % SECTORS for sector in range(SECTORS)] for axis in range(SECTORS // 2)]
    return torch.stack([(cells - cells[:, :, :, order]).square().mean((2, 3)) for order in folded], dim=2)
