"""What `gpu_rate.py` measures, in order of worth, and how large: full size on a GPU, toy size as a rehearsal."""

from typing import Literal, NamedTuple

from attnmel.config.fields import ComputePrecision

Side = Literal["program", "plain"]


class Case(NamedTuple):
    """One row of the table."""

    side: Side
    way: str
    """Of the program a key of `gpu_rate.CHANGES`; of the plain script what its images come from."""
    batch: int
    precision: ComputePrecision = "bf16"
    """The plain script knows float32 alone, as torch's own defaults round it on a GPU."""


AS_IT_IS = "as it is"
FILES, ON_DEVICE = "JPEG files", "images there already"

MACHINE = "machine"
GROUPS: dict[str, tuple[Case, ...]] = {
    MACHINE: (),
    "program": (Case("program", AS_IT_IS, 32), Case("program", AS_IT_IS, 128)),
    "plain": (Case("plain", FILES, 32, "float32"), Case("plain", ON_DEVICE, 32, "float32")),
    "compiled": (Case("program", "compiled", 32), Case("program", "compiled", 128)),
    "graphed": (Case("program", "graphed", 32),),
    "compiled-graphs": (Case("program", "compiled, CUDA graphs", 32),),
    "tuned": (Case("program", "cuDNN tuned", 32), Case("program", "cuDNN tuned", 128)),
    "float32": (Case("program", AS_IT_IS, 32, "float32"), Case("program", AS_IT_IS, 128, "float32")),
    "plain-128": (Case("plain", FILES, 128, "float32"), Case("plain", ON_DEVICE, 128, "float32")),
}
"""A process each, so that one that fails or hangs takes no other with it."""

CUDA_ALONE = ("graphed", "compiled-graphs", "tuned")
"""Groups that a CPU cannot rehearse."""

BF16_PEAK = {"H200": 989.4, "H100 PCIe": 756.5, "H100": 989.4, "A100": 312.0, "L40S": 362.0, "L4": 121.0}
"""Dense bf16 TFLOP/s of NVIDIA's data sheets, by what the device's name holds; the first that fits counts."""


class Scale(NamedTuple):
    """How large everything is."""

    size: int
    width: float
    images: dict[ComputePrecision, int]
    """A round."""
    rounds: int
    files: int
    """JPEG files of the plain script, used again and again."""
    workers: int
    """Of its DataLoader; 0: as many as there are processors."""
    product: int
    """Rows and columns of the matrices of the peak."""
    shrink: int = 1
    """What batches are divided by."""


FULL = Scale(224, 1.0, {"bf16": 3200, "float32": 1280}, rounds=4, files=64, workers=0, product=8192)
TOY = Scale(32, 0.1, {"bf16": 8, "float32": 8}, rounds=1, files=4, workers=1, product=256, shrink=16)


def sheet_peak(device: str) -> float | None:
    """Return the operations a second of the data sheet; None for a device that is not listed."""
    return next((teraflops * 1e12 for name, teraflops in BF16_PEAK.items() if name in device), None)
