"""What maps cost against prediction, and how long all overlap measures take: the three targets of speed.

    python benchmarks/evaluation/explain.py [--trunks vgg16_bn mobilenet_v2] [--images 4] [--size 224] [--batch 4]
                                            [--rounds 5] [--width 1.0] [--precision bf16] [--maps 60] [--full]

Small by default, for a minute on a free core; `--full` takes 600 images in batches of 16 and 600 maps, which is a
matter of an hour without a GPU. AttnMel-CNN with random weights on random images: no cost depends on their values. The
ways take turns within a round, so that a machine whose speed drifts drifts for all, and each is held against the
prediction of its own round; medians and ranges of rounds, after one that warms up. Overlap measures are timed on maps
of the network's input size against a lesion, and against a lesion, its background and four features, by the
processor's time on one core, and told for 600.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from attnmel.compute import runtime
from attnmel.evaluation.maps.localisation import map_overlap
from attnmel.models.classifiers import build_network
from attnmel.saliency.methods.registry import maps_of
from map_measures import SIDE, targets

TEST_IMAGES = 600
"""Of ISIC 2017."""

ATTENTION = ("attention-pool3", "attention-pool4")
GRADCAM = ("gradcam-pool3", "gradcam-pool4", "gradcam-pool5")

WANTED_ATTENTION, WANTED_GRADCAM = 1.1, 3.0
"""Times prediction, at most."""

WANTED_SECONDS = 5.0
"""Of all overlap measures for 600 maps, at most."""

Way = Callable[[nn.Module, Tensor, Tensor], object]


@torch.inference_mode()
def predict(network: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    """Return the classes' shares, as `evaluation.predict` does."""
    return network(images).logits.double().softmax(dim=1)


def ways() -> dict[str, tuple[Way, float | None]]:
    """Return what is timed, and how many times prediction it may take."""
    return {
        "prediction": (predict, None),
        "both attention maps": (partial(maps_of, names=ATTENTION), WANTED_ATTENTION),
        **{name: (partial(maps_of, names=[name]), WANTED_GRADCAM) for name in GRADCAM},
        "gradcam, all three": (partial(maps_of, names=GRADCAM), WANTED_GRADCAM),
    }


def seconds(way: Way, network: nn.Module, images: Tensor, classes: Tensor, chosen: argparse.Namespace) -> float:
    """Return how long a way takes for all images, batch by batch."""
    start = time.perf_counter()
    for some, wanted in zip(images.split(chosen.batch), classes.split(chosen.batch), strict=True):
        with runtime.autocast(images.device, chosen.precision):
            way(network, some, wanted)
    if images.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(trunk: str, chosen: argparse.Namespace) -> None:
    """Print what each way costs on one trunk."""
    device = runtime.choose_device()
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", trunk=trunk, width=chosen.width, classes=2).eval().to(device)
    images = torch.randn(chosen.images, 3, chosen.size, chosen.size, device=device)
    classes = torch.arange(chosen.images, device=device) % 2
    timed = ways()
    rounds = [
        {name: seconds(way, network, images, classes, chosen) for name, (way, _) in timed.items()}
        for _ in range(chosen.rounds + 1)
    ][1:]
    print(f"\n{trunk}, {chosen.precision}, {chosen.images} images of {chosen.size}, batch {chosen.batch}")
    for name, (_, wanted) in timed.items():
        rate = chosen.images / statistics.median(one[name] for one in rounds)
        ratios = [one[name] / one["prediction"] for one in rounds]
        told = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times prediction"
        print(f"{name:20} {rate:8.2f} images/s, {told}{verdict(statistics.median(ratios), wanted)}")


def measure(chosen: argparse.Namespace) -> None:
    """Print how long all overlap measures take for 600 maps."""
    maps = np.random.default_rng(1).random((chosen.maps, SIDE, SIDE)).astype(np.float32)
    every = targets(chosen.maps)
    print(f"\nall overlap measures, {chosen.maps} maps of {SIDE}, seconds of the processor for {TEST_IMAGES} maps")
    for name, against, wanted in (("lesion", every[:1], WANTED_SECONDS), ("and 5 more targets", every, None)):
        taken = []
        for _ in range(chosen.rounds):
            start = time.process_time()
            map_overlap(maps, against)
            taken.append((time.process_time() - start) * TEST_IMAGES / chosen.maps)
        middle = statistics.median(taken)
        print(f"{name:20} {middle:8.2f} ({min(taken):.2f} to {max(taken):.2f}){verdict(middle, wanted)}")


def verdict(found: float, wanted: float | None) -> str:
    """Say what was wanted, and whether it was reached."""
    return "" if wanted is None else f"; wanted: at most {wanted:g}, {'reached' if found <= wanted else 'MISSED'}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunks", nargs="+", default=["vgg16_bn", "mobilenet_v2"])
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    parser.add_argument("--maps", type=int, default=60, help="of which the overlap is measured")
    parser.add_argument("--full", action="store_true", help="600 images in batches of 16, and 600 maps")
    chosen = parser.parse_args()
    if chosen.full:
        chosen.images, chosen.batch, chosen.maps = TEST_IMAGES, 16, TEST_IMAGES
    runtime.use_threads()
    device = runtime.device_name(runtime.choose_device())
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, numpy {np.__version__}")
    print(f"medians of {chosen.rounds} rounds, and their range")
    for trunk in chosen.trunks:
        compare(trunk, chosen)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    threadpool_limits(1)
    measure(chosen)


if __name__ == "__main__":
    main()
