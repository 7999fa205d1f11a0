"""One point of `growth.py` in this process: something of a given size, timed alone. Heavy imports stand inside.

Phantoms are drawn once into FOLDER/drawn; each number of images is a folder of hard links with its own labels.csv, and
a home of its own, so that no point finds what another has prepared.
"""

import csv
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

for _folder in ("evaluation", "training"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))

HEIGHT, WIDTH = 48, 64
"""Pixels of a phantom: small, so that 20,000 of them are drawn in some minutes."""
SIZE = 32
LEARNT = 200
"""Phantoms that the network of the evaluation is trained on; none of those that it is judged on."""
TINY = (f"data.size={SIZE}", "model.width=0.05", "training.precision=float32", "training.device=cpu")
STEP_WIDTH, STEP_SIZE, STEP_BATCH = 0.25, 96, 8
"""Of the network and the batches of a training step, where they are not what varies."""


def draw(folder: Path, images: int) -> None:
    """Draw as many phantoms as are not there yet, with masks, and the folder that the network learns from."""
    from attnmel.data.phantoms.files import Order, drawn_contents

    (folder / "drawn").mkdir(parents=True, exist_ok=True)
    for index in range(LEARNT + images):
        picture = folder / "drawn" / f"p{index:06d}.jpg"
        if picture.exists():
            continue
        contents = drawn_contents(Order(0, index, HEIGHT, WIDTH, "melanoma" if index % 3 == 0 else "nevus"))
        picture.with_suffix(".png").write_bytes(contents.mask)
        picture.write_bytes(contents.image)
    _link(folder, "learnt", range(LEARNT))


def _link(folder: Path, name: str, indices: range) -> Path:
    """Make a data set of some of the drawn phantoms."""
    made = folder / name
    if (made / "labels.csv").exists():
        return made
    made.mkdir(exist_ok=True)
    rows = []
    for index in indices:
        picture = f"p{index:06d}"
        shutil.rmtree(made / picture, ignore_errors=True)
        os.link(folder / "drawn" / f"{picture}.jpg", made / f"{picture}.jpg")
        os.link(folder / "drawn" / f"{picture}.png", made / f"{picture}_mask.png")
        rows.append((f"{picture}.jpg", "melanoma" if index % 3 == 0 else "rest", f"{picture}_mask.png"))
    with (made / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "mask"), *rows])
    return made


def _timed(work: Callable[[], object]) -> float:
    """Return the seconds that the processor works, which other programs on the machine do not change much."""
    start = time.process_time()
    work()
    return time.process_time() - start


def cache(folder: Path, images: int) -> float:
    """Prepare that many images: hash, decode, cut, resize, write."""
    from attnmel.config.fields import prepared_side
    from attnmel.data.datasets.own.folder import read_folder
    from attnmel.data.preprocess.cache import open_cache

    home = folder / f"home-{images}"
    shutil.rmtree(home, ignore_errors=True)
    lesions = read_folder(_link(folder, f"images-{images}", range(LEARNT, LEARNT + images))).lesions
    return _timed(lambda: open_cache(lesions, crop=0.8, side=prepared_side(SIZE), home=home, workers=1))


def audit(folder: Path, images: int) -> float:
    """Compare each of that many prepared images with all others, in eight symmetries."""
    from attnmel.pipeline.data.audit import audit, prepare_audit

    looked = prepare_audit([str(folder / f"images-{images}")], home=folder / f"home-{images}")
    return _timed(lambda: audit(looked, home=folder / f"home-{images}"))


def evaluation(folder: Path, images: int) -> float:
    """Predict and judge that many images, with intervals, maps and their overlap."""
    from attnmel.config.load import load_recipe
    from attnmel.files.folders import RunFolder
    from attnmel.pipeline.evaluate.evaluate import evaluate_run
    from attnmel.pipeline.experiment import run_recipe
    from attnmel.pipeline.run.run import Run
    from attnmel.pipeline.train.train import recipe_fabric

    run = RunFolder(folder / "run")
    if not run.measures.exists():
        shutil.rmtree(run.path, ignore_errors=True)
        recipe = load_recipe("demo", [*TINY, f"data.dataset={folder / 'learnt'}", "training.epochs=1"])
        run_recipe(recipe, run, home=folder / "home-learnt", fabric=recipe_fabric(recipe))
    judged = RunFolder(folder / f"run-{images}")
    shutil.rmtree(judged.path, ignore_errors=True)
    shutil.copytree(run.path, judged.path)
    home, on = folder / f"home-{images}", str(folder / f"images-{images}")
    return _timed(lambda: evaluate_run(Run(judged, home), on=on))


def size(folder: Path, side: int) -> float:
    """Take a training step at an image size."""
    return _step(folder, side=side, batch=STEP_BATCH)


def batch(folder: Path, images: int) -> float:
    """Take a training step of a number of images."""
    return _step(folder, side=STEP_SIZE, batch=images)


def _step(folder: Path, *, side: int, batch: int, steps: int = 3) -> float:
    """Take some steps after one that warms up, and return the seconds of one."""
    from attnmel.config.fields import prepared_side
    from random_cache import OneStep, random_batches, random_cache
    from training_loop import training_loop

    place = folder / "noise"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    noise = random_cache(place, images=64, side=prepared_side(side))
    batches = random_batches(noise, size=side, batch=batch, kind=OneStep)
    loop = training_loop(noise, batches, width=STEP_WIDTH, precision="float32", epochs=steps + 1)
    next(loop)
    return _timed(lambda: [next(loop) for _ in range(steps)]) / steps


def seeds(folder: Path, count: int) -> float:
    """Train that many seeds by one command."""
    from attnmel.cli.app import app

    out = folder / f"seeds-{count}"
    shutil.rmtree(out, ignore_errors=True)
    changes = [part for one in (*TINY, "training.epochs=2") for part in ("--set", one)]
    data = ["--set", f"data.dataset={folder / 'learnt'}", "--home", str(folder / "home-learnt")]
    arguments = ["train", "demo", *changes, *data, "--seeds", str(count), "--out", str(out)]
    sys.argv = ["attnmel", *arguments]
    return _timed(lambda: app(arguments, standalone_mode=False))


def resamples(folder: Path, count: int) -> float:
    """Judge 1,512 images of seven classes with that many resamples."""
    from attnmel.evaluation.classification.report import evaluate_classification
    from bootstrap import CLASSES, predictions

    judged = predictions()
    return _timed(lambda: evaluate_classification(judged, CLASSES, resamples=count))


POINTS: dict[str, Callable[[Path, int], float]] = {
    "cache": cache,
    "audit": audit,
    "evaluation": evaluation,
    "size": size,
    "batch": batch,
    "seeds": seeds,
    "resamples": resamples,
}


def main() -> None:
    """Measure one point and print its seconds and its peak in megabytes: KIND VALUE FOLDER."""
    import resource

    kind, value, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if kind == "draw":
        draw(folder, value)
        return
    seconds = POINTS[kind](folder, value)
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


if __name__ == "__main__":
    main()
