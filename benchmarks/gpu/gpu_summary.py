"""The tables that `gpu_rate.py` and `gpu_rows.py` leave, ready for the pages of docs/results."""

from collections.abc import Sequence
from typing import Any

Lines = Sequence[dict[str, Any]]

HEAD = (
    "side",
    "how",
    "precision",
    "batch",
    "images a second",
    "TFLOP/s",
    "of the measured bf16 peak",
    "of the data sheet's",
    "times the plain script",
    "once, s",
    "GPU memory, GB",
)
WANTED_SHARE, WANTED_RATIO = 0.4, 5


TOY = "**A rehearsal at toy size: its figures say nothing of a GPU.**"


def rate_table(lines: Lines, *, toy: bool) -> list[str]:
    """Return the measured rows as Markdown, with the device above and what failed below."""
    device: dict[str, Any] = next((line for line in lines if "peak" in line), {})
    rows = [line for line in lines if "images_a_second" in line]
    failed = [line for line in lines if "error" in line]
    return [
        *([TOY, ""] if toy else []),
        *_device(device),
        "",
        *markdown(HEAD, [_cells(row, device, _plain_rate(rows, row["batch"])) for row in rows]),
        "",
        f"Wanted: {WANTED_SHARE:.0%} of the bf16 peak and {WANTED_RATIO} times the plain script over JPEG files.",
        *(f"* Failed: {line['group']}: {line['error'].splitlines()[-1]}" for line in failed),
    ]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _device(device: dict[str, Any]) -> list[str]:
    if not device:
        return ["The device was not measured."]
    sheet = f", data sheet {device['sheet'] / 1e12:.0f}" if device["sheet"] else ""
    return [
        f"{device['device']}, torch {device['torch']}: bf16 products of {device['product']} x {device['product']} "
        f"random numbers {device['peak'] / 1e12:.3g} TFLOP/s{sheet}; copy {device['bandwidth'] / 1e9:.0f} GB/s."
    ]


def _plain_rate(rows: Lines, batch: int) -> float | None:
    wanted = ("plain", "JPEG files", batch)
    return next((one["images_a_second"] for one in rows if (one["side"], one["way"], one["batch"]) == wanted), None)


def _cells(row: dict[str, Any], device: dict[str, Any], plain: float | None) -> list[str]:
    rate, (low, high) = row["images_a_second"], row["range"]
    reached = rate * row["operations"]
    peak, sheet = device.get("peak"), device.get("sheet")
    return [
        row["side"],
        row["way"],
        row["precision"],
        str(row["batch"]),
        f"{rate:,.0f} ({low:,.0f} to {high:,.0f})",
        f"{reached / 1e12:.3g}",
        f"{reached / peak:.0%}" if peak else "",
        f"{reached / sheet:.0%}" if sheet else "",
        f"{rate / plain:.2f}" if plain else "",
        f"{row['once']:.1f}",
        f"{row['memory'] / 1e9:.1f}" if row["memory"] is not None else "",
    ]
