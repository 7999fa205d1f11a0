"""Polar pooling: means over cells of rings and sectors around the centre of a map, and how they differ when folded."""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

RINGS, SECTORS = 3, 4
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


def polar_means(features: Float[Tensor, "B C h w"], maps: Float[Tensor, "B M h w"]) -> Float[Tensor, "B M R A C"]:
    """Return the mean of each map times each channel over each cell; 0 for a cell without a position."""
    height, width = features.shape[-2:]
    shares = torch.tensor(cell_shares(height, width), device=features.device)
    weights = maps.flatten(2)[:, :, None] * shares
    means = weights.flatten(1, 2).to(features.dtype) @ features.flatten(2).transpose(1, 2)
    return means.unflatten(1, (maps.shape[1], RINGS, SECTORS))


def asymmetry(cells: Float[Tensor, "B M R A C"]) -> Float[Tensor, "B M axes C"]:
    """Return, by axis of symmetry, the mean squared difference between cells that lie on each other when folded.

    The axes are the borders between sectors, half as many as there are sectors.
    """
    folded = [[(2 * axis - 1 - sector) % SECTORS for sector in range(SECTORS)] for axis in range(SECTORS // 2)]
    return torch.stack([(cells - cells[:, :, :, order]).square().mean((2, 3)) for order in folded], dim=2)
