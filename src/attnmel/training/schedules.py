"""How long a network is trained, and the learning rate of each step; epochs and steps are counted from 0."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class EpochSchedule:
    """The classifiers' schedule, set in epochs.

    "steps" multiplies the rate by `decay` after every `decay_every` epochs; "cosine" lowers it along half a cosine to 0
    (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts).
    """

    epochs: int
    learning_rate: float
    decay: float
    decay_every: int
    kind: Literal["steps", "cosine"] = "steps"
    warm_up: float = 0.0
    """Epochs over which the rate rises linearly from 0."""

    def rate(self, epoch: float) -> float:
        """Return the learning rate at a moment, in epochs from the start: 1.5 is the middle of the second epoch."""
        rising = min(1.0, epoch / self.warm_up) if self.warm_up else 1.0
        falling = (
            self.decay ** (epoch // self.decay_every)
            if self.kind == "steps"
            else (1 + math.cos(math.pi * epoch / self.epochs)) / 2
        )
        return self.learning_rate * rising * falling

    def step_rate(self, epoch: int, step: int, steps: int) -> float:
        """Return the rate in the middle of one of the `steps` steps of an epoch."""
        return self.rate(epoch + (step + 0.5) / steps)

    def epoch_rate(self, epoch: int, steps: int) -> float:
        """Return the rate in the middle of the epoch, for the history."""
        return self.rate(epoch + 0.5)


@dataclass(frozen=True, kw_only=True)
class WarmUpCosine:
    """The segmenter's schedule: a linear rise over a share of all steps, then half a cosine down towards 0."""

    epochs: int
    learning_rate: float
    """The highest."""
    warm_up: float
    """Share of all steps over which the rate rises."""

    def step_rate(self, epoch: int, step: int, steps: int) -> float:
        """Return the rate of one of the `steps` steps of an epoch: the highest at the end of the rise, never 0."""
        step, steps = epoch * steps + step, self.epochs * steps
        rising = max(1, round(self.warm_up * steps))
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        return self.learning_rate * (1 + math.cos(math.pi * (step - rising + 1) / (steps - rising + 1))) / 2

    def epoch_rate(self, epoch: int, steps: int) -> float:
        """Return the rate of the epoch's last step, for the history."""
        return self.step_rate(epoch, steps - 1, steps)


Schedule = EpochSchedule | WarmUpCosine
