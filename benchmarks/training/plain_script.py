"""How many times faster the program trains AttnMel-CNN than a plain script does.

    python benchmarks/training/plain_script.py [--trunk vgg16_bn] [--batch 32] [--rounds 3] [--workers 2] [--shared]

The plain script: float32, contiguous, a DataLoader that opens JPEG files and moves them by Pillow (central square,
resize to 256, random crop of 224, turn, flips), the slides' loss, SGD; all written out in `plain_network` and here,
without the program's code. The program: its own loop in bf16, set up as `attnmel train` does, over a cache made of the
same files before. Each side is a process of its own, for the program sets up its memory; one batch each in turns, after
one that warms up. Wanted: 2.4 times the images a second. `--shared` is for a core shared with other programs: one
thread, no workers, and the processor's time counted.
"""

import argparse
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from attnmel.compute import runtime
from attnmel.data.preprocess.cache import open_cache
from attnmel.records import Lesion
from plain_network import PlainAttnMel, PlainBatch, plain_training
from random_cache import MEAN, STD, random_batches
from training_loop import RATE, training_loop

WANTED = 2.4
Files = tuple[list[Path], list[Path]]
"""Images and masks."""
Side = Callable[[Files, argparse.Namespace], Iterator[object]]
"""Makes a training whose `next` takes a step."""


class JpegFiles(Dataset[tuple[Tensor, int, Tensor]]):
    """Images and masks opened and moved one by one, by Pillow."""

    def __init__(self, images: Sequence[Path], masks: Sequence[Path]) -> None:
        self.images, self.masks = images, masks

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, int, Tensor]:
        """Open and move one image with its mask."""
        left, top, turns = random.randint(0, 32), random.randint(0, 32), random.randint(0, 3)
        mirrors = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)
        flips = [flip for flip in mirrors if random.random() < 0.5]
        moved = []
        for path, colours in ((self.images[place], "RGB"), (self.masks[place], "L")):
            picture = Image.open(path).convert(colours)
            side = round(0.8 * min(picture.size))
            x, y = (picture.width - side) // 2, (picture.height - side) // 2
            picture = picture.crop((x, y, x + side, y + side)).resize((256, 256), Image.Resampling.BILINEAR)
            picture = picture.crop((left, top, left + 224, top + 224)).rotate(90 * turns)
            for flip in flips:
                picture = picture.transpose(flip)
            moved.append(torch.from_numpy(np.array(picture, dtype=np.float32) / 255))
        image, mask = moved
        return ((image - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1).contiguous(), place % 2, mask[None]


def write_files(folder: Path, count: int) -> Files:
    """Write JPEG images of noise, enlarged to 1024 x 768, with a mask each."""
    drawn = np.random.default_rng(0)
    for number in range(count):
        noise = Image.fromarray(drawn.integers(0, 256, (96, 128, 3), dtype=np.uint8))
        noise.resize((1024, 768), Image.Resampling.BILINEAR).save(folder / f"{number:04d}.jpg", quality=90)
        mask = np.zeros((768, 1024), dtype=np.uint8)
        mask[200:500, 300:700] = 255
        Image.fromarray(mask).save(folder / f"{number:04d}.png")
    return sorted(folder.glob("*.jpg")), sorted(folder.glob("*.png"))


def plain_batches(files: Files, chosen: argparse.Namespace) -> Iterator[PlainBatch]:
    """Give batches of the files without end."""
    workers = chosen.workers
    loader = DataLoader(
        JpegFiles(*files), batch_size=chosen.batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    while True:
        yield from loader


def plain(files: Files, chosen: argparse.Namespace) -> Iterator[object]:
    """Train by the plain script, a step at a time."""
    torch.manual_seed(0)
    return plain_training(PlainAttnMel(batch_norm=chosen.trunk == "vgg16_bn"), plain_batches(files, chosen), RATE)


def program(files: Files, chosen: argparse.Namespace, precision: runtime.ComputePrecision = "bf16") -> Iterator[object]:
    """Train by the program, a step at a time."""
    lesions = [
        Lesion(image_id=image.stem, image=image, mask=mask, diagnosis=None, split=None)
        for image, mask in zip(*files, strict=True)
    ]
    cache = open_cache(lesions, crop=0.8, side=256, home=files[0][0].parent / "home")
    batches = random_batches(cache, size=224, batch=chosen.batch)
    return training_loop(cache, batches, width=1.0, precision=precision, epochs=chosen.rounds + 1, trunk=chosen.trunk)


def serve(
    make: Side,
    files: Files,
    chosen: argparse.Namespace,
    pipe: Connection,
) -> None:
    """Take a step whenever asked, and tell how long it took."""
    if chosen.shared:
        torch.set_num_threads(1)
    clock = time.process_time if chosen.shared else time.perf_counter
    steps = make(files, chosen)
    while pipe.recv():
        start = clock()
        next(steps)
        pipe.send(clock() - start)


def measured(chosen: argparse.Namespace, files: Files, makes: Sequence[Side] = (plain, program)) -> list[list[float]]:
    """Return the seconds of a step of each side, for each round after one that warms up."""
    spawning = multiprocessing.get_context("spawn")
    pipes, sides = [], []
    for make in makes:
        ours, theirs = spawning.Pipe()
        sides.append(spawning.Process(target=serve, args=(make, files, chosen, theirs)))
        sides[-1].start()
        pipes.append(ours)

    def step(pipe: Connection) -> float:
        pipe.send(True)
        return pipe.recv()

    pairs = [[step(pipe) for pipe in pipes] for _ in range(chosen.rounds + 1)]
    for pipe, side in zip(pipes, sides, strict=True):
        pipe.send(False)
        side.join()
    return pairs[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunk", choices=["vgg16", "vgg16_bn"], default="vgg16_bn")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes of the plain script's DataLoader")
    parser.add_argument("--shared", action="store_true", help="one thread, no workers, processor time")
    chosen = parser.parse_args()
    if chosen.shared:
        chosen.workers = 0
    threads = 1 if chosen.shared else torch.get_num_threads()
    print(f"torch {torch.__version__}, {threads} threads; {chosen.trunk}, batch {chosen.batch}, interleaved")
    with tempfile.TemporaryDirectory() as folder:
        pairs = measured(chosen, write_files(Path(folder), chosen.batch))
    for name, side in zip(("plain script", "attnmel, bf16"), zip(*pairs, strict=True), strict=True):
        rates = [chosen.batch / seconds for seconds in side]
        print(f"{name:14} {statistics.median(rates):6.2f} images/s ({min(rates):.2f} to {max(rates):.2f})")
    ratios = [slow / quick for slow, quick in pairs]
    print(f"{'ratio':14} {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f}); wanted: {WANTED}")


if __name__ == "__main__":
    main()
