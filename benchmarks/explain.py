"""Images a second of prediction, attention maps and Grad-CAM, each against prediction; occlusion's passes counted.

    python benchmarks/explain.py [--images 600] [--size 224] [--batch 16] [--rounds 3] [--width 1.0] [--precision bf16]

Small by default, for a minute on two free cores. AttnMel-CNN with random weights on random images, `--batch` at a time.
The ways take turns in each round, so that a machine whose speed drifts drifts for all; medians of rounds, after one
that warms up. Wanted: attention maps at most 1.1 times, Grad-CAM at any stage at most 3 times prediction's seconds.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from attnmel import runtime
from attnmel.explain.attention import attention_maps
from attnmel.explain.methods import build_method
from attnmel.explain.occlusion import occlusion
from attnmel.models.classifiers import build_network

WANTED = {"attention maps": 1.1, "gradcam-pool3": 3.0, "gradcam-pool4": 3.0, "gradcam-pool5": 3.0}

OCCLUDED = 2

Way = Callable[[nn.Module, Tensor, Tensor], object]


@torch.inference_mode()
def predict(network: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    """Return the classes' shares, as `evaluation.predict` does."""
    return network(images).logits.double().softmax(dim=1)


def ways() -> dict[str, Way]:
    """Return what is timed."""
    both: Way = lambda network, images, classes: attention_maps(network, images)  # noqa: E731
    return {"prediction": predict, "attention maps": both, **{name: build_method(name) for name in list(WANTED)[1:]}}


def seconds(way: Way, network: nn.Module, images: Tensor, classes: Tensor, chosen: argparse.Namespace) -> float:
    """Return how long a way takes for all images, batch by batch."""
    start = time.perf_counter()
    for some, wanted in zip(images.split(chosen.batch), classes.split(chosen.batch), strict=True):
        with runtime.autocast(images.device, chosen.precision):
            way(network, some, wanted)
    if images.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def occlusion_passes(network: nn.Module, images: Tensor, classes: Tensor) -> list[int]:
    """Return how many images each forward pass of an occlusion takes."""
    sizes: list[int] = []
    hook = network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    occlusion(network, images[:OCCLUDED], classes[:OCCLUDED])
    hook.remove()
    return sizes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="float32")
    chosen = parser.parse_args()
    device = runtime.choose_device()
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", width=chosen.width, classes=2).eval().to(device)
    images = torch.randn(chosen.images, 3, chosen.size, chosen.size, device=device)
    classes = torch.arange(chosen.images, device=device) % 2
    print(f"{runtime.device_name(device)}, torch {torch.__version__}, {chosen.precision}")
    print(
        f"{chosen.images} images of {chosen.size}, batch {chosen.batch}, width {chosen.width}; {chosen.rounds} rounds"
    )
    timed = ways()
    rounds = [
        {name: seconds(way, network, images, classes, chosen) for name, way in timed.items()}
        for _ in range(chosen.rounds + 1)
    ][1:]
    for name in timed:
        rate = chosen.images / statistics.median(one[name] for one in rounds)
        ratios = [one[name] / one["prediction"] for one in rounds]
        wanted = f"; wanted: at most {WANTED[name]}" if name in WANTED else ""
        spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{name:16} {rate:8.2f} images/s, {statistics.median(ratios):.2f} {spread} times prediction{wanted}")
    narrow = build_network("attnmel-cnn", width=0.02, classes=2).to(device)
    sizes = occlusion_passes(narrow, images, classes)
    print(
        f"occlusion of 2 images: {sum(sizes)} image passes in {len(sizes)} batches (169 patches and 1 uncovered each)"
    )


if __name__ == "__main__":
    main()
