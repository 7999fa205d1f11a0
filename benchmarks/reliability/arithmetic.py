"""The same numbers in other environments: one, two and four threads, with and without AVX-512.

    python benchmarks/reliability/arithmetic.py

Each line is a process of its own, compared with the first one: the measures and intervals of 2,000 drawn scores, their
calibration, the features and probabilities of the shipped network in torch, and its probabilities in OpenVINO, on the
images that come along. 0 means equal to the last bit.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
NO_512 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
"""What keeps PyTorch, oneDNN (in PyTorch and OpenVINO), MKL, OpenBLAS and NumPy from AVX-512."""

CASES = {
    "one thread": {},
    "one thread, again": {},
    "two threads": dict.fromkeys(THREADS, "2"),
    "four threads": dict.fromkeys(THREADS, "4"),
    "without AVX-512": NO_512,
}


def numbers() -> dict[str, list[float]]:
    """Return what is compared."""
    import torch

    from attnmel import Predictor
    from attnmel.data.preprocess.images import prepared_image
    from attnmel.evaluation.calibration.calibration import calibration_of
    from attnmel.evaluation.classification.report import evaluate_classification
    from attnmel.models.weights.checkpoints import load_checkpoint
    from attnmel.pretrained.catalogue import DEFAULT, FOLDER
    from attnmel.pretrained.examples import example_images
    from attnmel.records import Predictions

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    chance = np.random.default_rng(0)
    labels = (chance.random(2000) < 0.3).astype(np.int64)
    scores = np.clip(chance.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
    ids = tuple(f"i{number}" for number in range(len(labels)))
    given = Predictions(ids, ("rest", "melanoma"), np.stack([1 - scores, scores], axis=1), labels, ids)
    report = evaluate_classification(given, ["melanoma"], resamples=200)
    found = calibration_of(given, given, "melanoma", resamples=200)
    network, card = load_checkpoint(FOLDER / DEFAULT)
    images = torch.rand((2, 3, card.size, card.size), generator=torch.Generator().manual_seed(0)) - 0.5
    with torch.inference_mode():
        logits = network(images).logits
    predictor = Predictor(FOLDER / DEFAULT / "model.onnx")
    files = example_images("example:all") or []
    predicted = [list(predictor.predict(path).probabilities.values()) for path in files]
    pixels = [float(prepared_image(path, crop=0.8, side=224).sum()) for path in files]
    return {
        "measures": [number for row in report.rows for number in (row.value, row.low, row.high)],
        "calibration": [*np.ravel([(v.value, v.low, v.high) for v in found.before.measures.values()]).tolist()],
        "torch": logits.softmax(1).ravel().tolist(),
        "prepared pixels": pixels,
        "openvino": np.ravel(predicted).tolist(),
    }


def run_all() -> None:
    """Run every environment and print how far its numbers are from those of the first."""
    first: dict[str, list[float]] = {}
    for name, changed in CASES.items():
        environment = {**os.environ, **dict.fromkeys(THREADS, "1"), **changed}
        ran = subprocess.run([sys.executable, __file__, "--numbers"], env=environment, capture_output=True, text=True)
        if ran.returncode:
            print(f"{name}: failed: {ran.stderr[-1000:]}")
            continue
        found = json.loads(ran.stdout.splitlines()[-1])
        first = first or found
        far = {key: float(np.nanmax(np.abs(np.subtract(found[key], first[key])))) for key in first}
        print(f"| {name} | " + " | ".join(f"{one:.2g}" for one in far.values()) + " |", flush=True)
        if found is first:
            print("| | " + " | ".join(first) + " |", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
    if "--numbers" in sys.argv:
        print(json.dumps(numbers()))
    else:
        run_all()
