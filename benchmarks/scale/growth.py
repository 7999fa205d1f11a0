"""Time and peak memory against number of images, image size, batch size, seeds and resamples: plots and a table.

    python benchmarks/scale/growth.py [--out docs/growth] [--folder FOLDER] [--only cache audit ...]
        [--images 1000 2000 5000 10000 20000] [--sizes ...] [--batches ...] [--seeds ...] [--resamples ...]

Each point is a fresh process on one core: seconds of the processor for the work alone, and the kernel's own count of
resident memory at its highest (ru_maxrss), libraries included. The exponent is the slope of log(seconds) over
log(number): 1 is linear; below it, a part of the time is fixed, which weighs least between the last two points. Under
15 minutes on one core as it stands, of which drawing the phantoms takes three; --folder keeps them for the next time.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Point(NamedTuple):
    """What one process took."""

    value: int
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Plot:
    """What one figure shows."""

    kinds: tuple[str, ...]
    """Lines of the figure, by a name of `growth_points.POINTS`."""
    over: str
    """Label of the horizontal axis."""
    sentence: str


PLOTS = {
    "images": Plot(
        ("cache", "audit", "evaluation"),
        "images",
        "Preparing and evaluating take time in proportion to the images and a few kilobytes of memory for each; the "
        "audit compares each image with every other, so that the part of its time that is their square shows from "
        "10,000 on.",
    ),
    "size": Plot(("size",), "side of the input, pixels", "A step takes time and memory in proportion to the pixels."),
    "batch": Plot(("batch",), "images a batch", "A step takes time and memory in proportion to its images."),
    "seeds": Plot(("seeds",), "seeds", "After the start, seeds take time in proportion; memory is flat."),
    "resamples": Plot(("resamples",), "resamples", "Resamples take time in proportion; memory is flat."),
}


def point(kind: str, value: int, folder: Path) -> Point:
    """Measure in a fresh process."""
    script = Path(__file__).with_name("growth_points.py")
    command = [sys.executable, str(script), kind, str(value), str(folder)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"{kind} {value}: {ran.stderr}")
    seconds, megabytes = map(float, ran.stdout.split()[-2:])
    print(f"{kind:12} {value:7,}   {seconds:8.2f} s   {megabytes:7.0f} MB", flush=True)
    return Point(value, seconds, megabytes)


def measured(chosen: argparse.Namespace, folder: Path) -> dict[str, list[Point]]:
    """Measure all points; this process loads nothing meanwhile, because a child inherits its parent's peak."""
    values = {"size": chosen.sizes, "batch": chosen.batches, "seeds": chosen.seeds, "resamples": chosen.resamples}
    wanted = [kind for plot in PLOTS.values() for kind in plot.kinds if chosen.only is None or kind in chosen.only]
    if wanted:
        script = Path(__file__).with_name("growth_points.py")
        subprocess.run([sys.executable, str(script), "draw", str(max(chosen.images)), str(folder)], check=True)
    return {kind: [point(kind, value, folder) for value in values.get(kind, chosen.images)] for kind in wanted}


class Fit(NamedTuple):
    """How the points of a line grow."""

    exponent: float
    """Slope of log(seconds) over log(number), over all points."""
    last: float
    """The same between the last two points, where a fixed part weighs least."""
    each: float
    """Seconds that one more takes, by a straight line."""
    megabytes: float
    """Megabytes that one more takes, by a straight line."""


def fit(points: list[Point]) -> Fit:
    """Fit a power of the number and two straight lines."""
    import numpy as np

    values, seconds, megabytes = np.array(points).T
    exponent, last = (
        float(np.polyfit(np.log(values[-count:]), np.log(seconds[-count:]), 1)[0]) for count in (len(values), 2)
    )
    each, memory = (float(np.polyfit(values, column, 1)[0]) for column in (seconds, megabytes))
    return Fit(exponent, last, each, memory)


def draw(path: Path, plot: Plot, lines: dict[str, list[Point]]) -> None:
    """Draw time and memory side by side, each from 0 on, and write the figure."""
    from matplotlib.figure import Figure

    from attnmel.figures.svg import DASHES
    from attnmel.files.folders import replacing

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    time, memory = figure.subplots(1, 2)
    for (kind, points), dash in zip(lines.items(), DASHES, strict=False):
        values = [one.value for one in points]
        label = f"{kind}: exponent {fit(points).last:.2f} at the end"
        time.plot(values, [one.seconds for one in points], marker="o", linestyle=dash, label=label)
        memory.plot(values, [one.megabytes for one in points], marker="o", linestyle=dash, label=kind)
    for axes, label in ((time, "seconds of one core"), (memory, "peak memory, MB")):
        axes.set(xlabel=plot.over, ylabel=label, xlim=(0, None), ylim=(0, axes.get_ylim()[1] * 1.05))
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    with replacing(path) as part:
        figure.savefig(part, dpi=110)


def table(lines: dict[str, list[Point]]) -> str:
    """Return the Markdown table: from the least to the most, and how it grows."""
    rows = [
        "| | from, to | seconds | exponent, at the end | one more, ms | peak, MB | one more, kB |",
        "|" + " --- |" * 7,
    ]
    for kind, points in lines.items():
        first, last, fitted = points[0], points[-1], fit(points)
        rows.append(
            f"| {kind} | {first.value:,} to {last.value:,} | {first.seconds:.2f} to {last.seconds:.2f} | "
            f"{fitted.exponent:.2f}, {fitted.last:.2f} | {fitted.each * 1e3:.3g} | "
            f"{first.megabytes:.0f} to {last.megabytes:.0f} | {fitted.megabytes * 1e3:.3g} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Measure, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/growth"))
    parser.add_argument("--folder", type=Path, help="where phantoms and homes lie, kept for the next run")
    parser.add_argument("--only", nargs="*", help="kinds to measure anew; none: draw what was measured")
    parser.add_argument("--images", type=int, nargs="+", default=[1_000, 2_000, 5_000, 10_000, 20_000])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 96, 128, 160, 192, 224])
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 8, 16, 32, 64])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--resamples", type=int, nargs="+", default=[500, 1_000, 2_000, 5_000, 10_000, 20_000])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.folder or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        points = measured(chosen, folder)
    chosen.out.mkdir(parents=True, exist_ok=True)
    # What was measured before is drawn again, so that one kind can be measured anew.
    stored = chosen.out / "points.json"
    known = json.loads(stored.read_text()) if stored.exists() else {}
    points = {kind: [Point(*one) for one in several] for kind, several in known.items()} | points
    stored.write_text(json.dumps(points, indent=1) + "\n")
    for name, plot in PLOTS.items():
        lines = {kind: points[kind] for kind in plot.kinds if kind in points}
        if lines:
            draw(chosen.out / f"{name}.png", plot, lines)
            print(f"{chosen.out / name}.png: {plot.sentence}")
    print(table(points))


if __name__ == "__main__":
    main()
