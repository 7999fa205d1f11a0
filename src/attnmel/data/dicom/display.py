"""Pixels of DICOM as they are stored -> RGB of 8 bits as a viewer shows them. No torch; needs pydicom."""

import numpy as np
from jaxtyping import Float, Integer, UInt8
from pydicom.dataset import Dataset
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi,
    apply_windowing,
    convert_color_space,
)

Range = tuple[float, float]
"""The values that become black and white."""


def displayed(
    samples: Integer[np.ndarray, "H W *channels"], colours: str, dataset: Dataset
) -> UInt8[np.ndarray, "H W 3"]:
    """Return the pixels as RGB in 0..255.

    Grey goes through the modality's rescaling, then the first window or table of values of interest (PS3.3, C.11); if
    there is none, the range of the stored bits is black to white, never that of the picture: equal pixels stay equal
    in two pictures. Colours of more than 8 bits are scaled by that range as well.
    """
    if colours.startswith("MONOCHROME"):
        grey = _grey(samples, colours, dataset)
        return np.repeat(grey[..., None], 3, axis=2)
    if colours == "PALETTE COLOR":
        palette = _table_range(dataset.RedPaletteColorLookupTableDescriptor)
        return _eight_bits(apply_color_lut(samples, dataset), palette)
    pixels = _eight_bits(samples, _stored_range(dataset))
    return convert_color_space(pixels, "YBR_FULL", "RGB") if colours.startswith("YBR_FULL") else pixels


def how_shown(colours: str, dataset: Dataset) -> str:
    """Return what was done to the values, in a few words; "" where they are 8-bit colours already."""
    if colours.startswith("MONOCHROME"):
        by = "by its window" if _has_window(dataset) else f"by its {dataset.BitsStored} stored bits"
        return f"grey, shown {by}{', inverted' * _is_inverted(colours, dataset)}"
    if colours == "PALETTE COLOR":
        return "colours by its palette"
    return f"{dataset.BitsStored} bits a channel made 8" if dataset.BitsStored > 8 else ""


def _grey(samples: Integer[np.ndarray, "H W"], colours: str, dataset: Dataset) -> UInt8[np.ndarray, "H W"]:
    values, black_white = apply_modality_lut(samples, dataset), _rescaled_range(dataset)
    if dataset.get("VOILUTSequence"):
        values, black_white = apply_voi(values, dataset), _table_range(dataset.VOILUTSequence[0].LUTDescriptor)
    elif _has_window(dataset):
        values = apply_windowing(values, dataset)
    grey = _eight_bits(values, black_white)
    return 255 - grey if _is_inverted(colours, dataset) else grey


def _has_window(dataset: Dataset) -> bool:
    return bool(dataset.get("VOILUTSequence")) or (
        dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None
    )


def _is_inverted(colours: str, dataset: Dataset) -> bool:
    return colours == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE"


def _stored_range(dataset: Dataset) -> Range:
    values = 2**dataset.BitsStored
    return (-values / 2, values / 2 - 1) if dataset.get("PixelRepresentation") else (0, values - 1)


def _rescaled_range(dataset: Dataset) -> Range:
    if dataset.get("ModalityLUTSequence"):
        return _table_range(dataset.ModalityLUTSequence[0].LUTDescriptor)
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None:
        return _stored_range(dataset)
    low, high = sorted(float(value) * float(slope) + float(intercept) for value in _stored_range(dataset))
    return low, high


def _table_range(descriptor: "list[int]") -> Range:
    return 0, 2 ** descriptor[2] - 1


def _eight_bits(
    values: Integer[np.ndarray, "..."] | Float[np.ndarray, "..."], black_white: Range
) -> UInt8[np.ndarray, "..."]:
    if values.dtype == np.uint8 and black_white == (0, 255):
        return values
    black, white = black_white
    return np.rint((values.astype(np.float64) - black) * (255 / (white - black))).clip(0, 255).astype(np.uint8)
