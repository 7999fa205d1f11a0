"""Images a second of a training step of AttnMel-CNN: bf16 with channels-last against float32 contiguous, in one run.

    python benchmarks/training_step.py [--size 224] [--batch 32] [--rounds 3] [--width 1.0]

The two take turns, so that a machine whose speed drifts drifts for both; medians and the ratio round by round.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from attnmel import runtime
from attnmel.losses import dice_loss, dice_sums, focal_loss
from attnmel.models.classifiers import build_network


def make_step(*, size: int, batch: int, width: float, precision: runtime.ComputePrecision) -> Callable[[], None]:
    """Return a whole training step: forward, loss with both Dice terms, backward, optimiser."""
    torch.manual_seed(0)
    network = build_network("attnmel-cnn", width=width, classes=2)
    layout = torch.channels_last if precision == "bf16" else torch.contiguous_format
    network = network.to(memory_format=layout).train()
    images = torch.rand(batch, 3, size, size).to(memory_format=layout)
    priors, has_prior = torch.rand(batch, 1, size, size), torch.ones(batch, dtype=torch.bool)
    labels = torch.arange(batch) % 2
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with runtime.autocast(torch.device("cpu"), precision):
            output = network(images)
        dice = [dice_loss(dice_sums(one, priors, has_prior)) for one in output.attention]
        (focal_loss(output.logits, labels, 2.0) + 0.001 * dice[0] + 0.01 * dice[1]).backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """Return how long one step takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=float, default=1.0)
    chosen = parser.parse_args()
    print(runtime.device_name(torch.device("cpu")), runtime.versions()["torch"])
    shape = {"size": chosen.size, "batch": chosen.batch, "width": chosen.width}
    plain, fast = (make_step(**shape, precision=precision) for precision in ("float32", "bf16"))
    for step in (plain, fast):
        step()
    pairs = [(seconds(plain), seconds(fast)) for _ in range(chosen.rounds)]
    ratios = [slow / quick for slow, quick in pairs]
    for name, column in (("float32, contiguous", 0), ("bf16, channels-last", 1)):
        rate = chosen.batch / statistics.median(pair[column] for pair in pairs)
        print(f"{name:22} {rate:6.2f} images/s")
    print(f"{'ratio':22} {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
