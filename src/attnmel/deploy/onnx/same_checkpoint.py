"""Whether a run's exported file is of the checkpoint that the run has now. No torch."""

import shlex

from safetensors import SafetensorError, safe_open

from attnmel.deploy.onnx.export_facts import read_onnx_card
from attnmel.errors import CheckpointError
from attnmel.files.folders import RunFolder
from attnmel.models.weights.card import CARD, Card, read_card

OF_WEIGHTS = ("recipe", "seed", "epoch", "temperature", "recalibrated_on")
"""Parts of a card that an exported file shares with its checkpoint."""


def require_same_checkpoint(run: RunFolder) -> None:
    """Refuse a run's exported file of an earlier checkpoint of it, which is what predicts without torch.

    Where the run has no checkpoint, or none that can be read, there is nothing to compare.

    Raises:
        CheckpointError: names what differs, or the exported file cannot be read.
    """
    if not run.best.is_file():
        return
    try:
        with safe_open(run.best, framework="np") as file:
            text = (file.metadata() or {}).get(CARD)
    except (SafetensorError, OSError):
        return
    if text is not None:
        check_same_checkpoint(run, read_onnx_card(run.onnx)[0], read_card(text, run.best))


def check_same_checkpoint(run: RunFolder, exported: Card, card: Card) -> None:
    """Compare the card of a run's exported file with that of its checkpoint.

    Raises:
        CheckpointError: it is of another training, epoch or temperature; names what differs.
    """
    pairs = {key: (getattr(exported, key), getattr(card, key)) for key in OF_WEIGHTS}
    if differing := [f"{key} {before}, now {now}" for key, (before, now) in pairs.items() if before != now]:
        command = shlex.join(["attnmel", "export", str(run.path), "--onnx"])
        raise CheckpointError(
            f"{run.onnx} was exported of another checkpoint than {run.best.name} ({'; '.join(differing)}); export it "
            f"again: {command}"
        )
