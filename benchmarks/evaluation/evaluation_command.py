"""Time of what `attnmel evaluate` does with stored predictions: read, measures and intervals, details, write.

    python benchmarks/evaluation/evaluation_command.py [--images 20000 100000] [--classes 2 7] [--before FOLDER]

Each point runs in a process of its own; seconds of the processor on one thread, and its peak memory. The validation
predictions, which thresholds and calibration are chosen on, are a tenth as many. `--before` names the `src` of another
version, which runs each point in turn with this one.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from attnmel.evaluation.classification.report import evaluate_classification
from attnmel.records import Predictions

POSITIVE = 0.2
PARTS = ("read", "measures", "details", "write")


def predictions(images: int, classes: int, seed: int) -> Predictions:
    """Return probabilities that know something of the classes; of two classes a fifth is positive."""
    generator = np.random.default_rng(seed)
    rare = (generator.random(images) < POSITIVE).astype(np.int64)
    labels = rare if classes == 2 else generator.integers(classes, size=images)
    logits = generator.normal(size=(images, classes)) + 2 * np.eye(classes)[labels]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple(f"ISIC_{number:07d}" for number in range(images))
    return Predictions(names, tuple("ABCDEFGHIJ"[:classes]), shares, labels, names)


def module(name: str, before: str) -> Any:  # noqa: ANN401 - of this or an earlier version
    """Import a module by its name, or by that of an earlier version."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return import_module(before)


def point(images: int, classes: int) -> dict[str, float]:
    """Return the seconds of each part, and the peak memory in MB."""
    results = module("attnmel.pipeline.run.results.results", "attnmel.pipeline.run.results")
    details = module("attnmel.pipeline.run.results.details", "attnmel.pipeline.run.results_details")
    with tempfile.TemporaryDirectory() as folder:
        stored, out = Path(folder) / "test.csv", Path(folder) / "out.json"
        predictions(images, classes, 0).write(stored, "none")
        validation = predictions(images // 10, classes, 1)
        seconds, last = {}, time.process_time()

        def lap(part: str) -> None:
            nonlocal last
            seconds[part] = time.process_time() - last
            last = time.process_time()

        read = Predictions.read(stored)
        positives = read.classes if classes > 2 else read.classes[1:]
        lap("read")
        report = evaluate_classification(read, positives)
        lap("measures")
        judged = results.SplitResults(
            name="test", dataset="stored", on=None, split="test", epoch=1, licence="none", judgement=report,
            overlap={}, masks=0, submission="",
        )  # fmt: skip
        found = details.find_details(judged, read, validation, positives)
        lap("details")
        out.write_text(json.dumps([judged.as_dict(), found.as_dict()], default=str))
        lap("write")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {**seconds, "all": sum(seconds.values()), "peak": peak}


def measured(source: str, images: int, classes: int) -> dict[str, float]:
    """Return a point, measured by the version in `source`."""
    one = {"PYTHONPATH": source, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ATTNMEL_THREADS": "1"}
    command = [sys.executable, __file__, "--point", str(images), str(classes)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **one})
    return json.loads(ran.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 7])
    parser.add_argument("--before", help="the folder src of an earlier version")
    parser.add_argument("--point", type=int, nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.point:
        with contextlib.redirect_stdout(io.StringIO()):
            found = point(*chosen.point)
        print(json.dumps(found))
        return
    here = str(Path(import_module("attnmel").__path__[0]).parent)
    for classes in chosen.classes:
        for images in chosen.images:
            now = measured(here, images, classes)
            shown = ", ".join(f"{part} {now[part]:.1f}" for part in PARTS)
            print(f"{classes} classes, {images} images: {now['all']:.1f} s ({shown}), {now['peak']:.0f} MB", flush=True)
            if chosen.before:
                old = measured(chosen.before, images, classes)
                shown = ", ".join(f"{part} {old[part]:.1f}" for part in PARTS)
                print(
                    f"  before: {old['all']:.1f} s ({shown}), {old['peak']:.0f} MB; now {now['all'] / old['all']:.2f} "
                    "times",
                    flush=True,
                )


if __name__ == "__main__":
    main()
