"""Unpack what was carried to a machine without a network, and prepare its images, before the clock of a table runs.

    python benchmarks/gpu/gpu_setup.py --home FOLDER [--data FOLDER] [--masks FOLDER] [--toy]

DATA is a mirror of ISIC 2017 (`2017/<official file name>`), MASKS one of the attribute masks that stand in for its
dermoscopic features (`2018/ISIC2018_Task2_Training_GroundTruth_v3.zip`); either may be absent, and what was unpacked
stays. `--toy` draws phantoms instead. Says what took how long.
"""

import argparse
import tempfile
import time
from pathlib import Path

from attnmel.config.load import load_recipe
from attnmel.data.archives.fetch import fetch
from attnmel.data.phantoms import write_mirror
from attnmel.pipeline.run.images.dataset import prepare

TOY_COUNTS = {"train": 64, "validation": 24, "test": 32}
MASKS = ("isic2018-task1", Path("2018") / "ISIC2018_Task2_Training_GroundTruth_v3.zip")
"""Data set and file of the attribute masks."""
RECIPE = "isic2017/attnmel-lesion"


def put_images(home: Path, data: Path) -> None:
    """Unpack ISIC 2017 and prepare its images for 224 pixels."""
    fetch("isic2017", home, mirror=data.absolute().as_uri())
    prepare(load_recipe(RECIPE).data, home=home)


def put_masks(home: Path, masks: Path) -> None:
    """Unpack the attribute masks where the program looks for them; their images are not needed."""
    fetch(MASKS[0], home, mirror=masks.absolute().as_uri())


def put_phantoms(home: Path) -> None:
    """Draw phantoms in the layout of ISIC 2017."""
    with tempfile.TemporaryDirectory() as mirror:
        write_mirror(Path(mirror), seed=0, counts=TOY_COUNTS)
        fetch("phantoms", home, mirror=Path(mirror).as_uri())


def main() -> None:
    """Do what there is to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("build/gpu/data"))
    parser.add_argument("--masks", type=Path, default=Path("build/gpu/masks"))
    parser.add_argument("--toy", action="store_true")
    chosen = parser.parse_args()
    chosen.home.mkdir(parents=True, exist_ok=True)
    steps = {
        "phantoms": (chosen.toy, lambda: put_phantoms(chosen.home)),
        "ISIC 2017": (not chosen.toy and (chosen.data / "2017").is_dir(), lambda: put_images(chosen.home, chosen.data)),
        "attribute masks": (
            not chosen.toy and (chosen.masks / MASKS[1]).is_file(),
            lambda: put_masks(chosen.home, chosen.masks),
        ),
    }
    for name, (wanted, put) in steps.items():
        start = time.perf_counter()
        if wanted:
            put()
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
