#!/usr/bin/env bash
# The weight gradient of a depthwise convolution wider than 3 misses oneDNN's depthwise kernel; two parts of it do not.
#
# What happens. torch 2.13.0 on a CPU with AVX-512, channels-last: for the weight gradient of a convolution with as many
# groups as channels oneDNN has a kernel of its own, `jit_dw`, and takes it for kernels of 3x3. For 5x5 it takes the
# general kernel (`jit` in float32, `jit_bf16` in bfloat16). The same gradient computed in two parts, columns 1 to 3 and
# 4 to 5 of the kernel, takes `jit_dw` for both, although they have 5 rows: the limit is on the columns. On the one
# processor measured (bfloat16 instructions, no AMX) the whole takes 7 to 8 times as long as the parts in bfloat16 at
# 240 channels of 28 pixels and 14 to 26 times at 1152 of 7; in float32 1.4 to 2.3 times. This is the choice of a kernel
# for that instruction set; other processors choose among other kernels, and there the script prints 'not run'.
#
# From: oneDNN as torch 2.13.0 contains it. Which kernel was chosen is what ONEDNN_VERBOSE=1 prints.
#
# Why it matters here. Light networks for lesions have a depthwise convolution in each block, in EfficientNet-Lite often
# of 5x5, and small groups train them on CPUs. bfloat16, meant to shorten a step, makes this gradient 3 to 5 times as
# long as in float32, and a profile shows one slow operation, not that another form of it is quick.
#
# Exit status: 0 as described or not run, 1 something else was seen, 2 the packages could not be installed. Times are
# compared in bfloat16 only, by at least a factor of 3, and only where the kernel is `jit_bf16:avx512_core_bf16`.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place/packages" \
    torch==2.13.0 numpy==2.4.6 >&2 || exit 2

cat > "$place/gradient.py" <<'PYTHON'
import os
import subprocess
import sys
import time

import torch
from torch.nn import functional

torch.set_num_threads(1)
torch.manual_seed(0)
SHAPES = ((240, 28), (1152, 7))


def gradient(outer, inputs, weight, padding):
    """Return the weight's gradient, and nothing else's."""
    whole = torch.ops.aten.convolution_backward(
        outer, inputs, weight, None, (1, 1), padding, (1, 1), False, (0, 0), len(weight), (False, True, False)
    )
    return whole[1]


def in_parts(outer, inputs, weight):
    """Return the same for a 5x5 kernel, its columns in parts of 3 and 2."""
    wide, columns = functional.pad(inputs, (2, 2, 2, 2)), outer.shape[3]
    first = gradient(outer, wide[..., : columns + 2], weight[..., :3], (0, 0))
    return torch.cat([first, gradient(outer, wide[..., 3:], weight[..., 3:], (0, 0))], dim=3)


def example(channels, side, dtype, kernel=5):
    images = [torch.randn(16, channels, side, side).to(dtype, memory_format=torch.channels_last) for _ in range(2)]
    return *images, torch.randn(channels, 1, kernel, kernel).to(dtype)


def kernels(which, dtype):
    """Return the names of the kernels that oneDNN says it took for the weight's gradient, in another process."""
    command, verbose = [sys.executable, __file__, which, dtype], {**os.environ, "ONEDNN_VERBOSE": "1"}
    printed = subprocess.run(command, env=verbose, check=True, capture_output=True, text=True).stdout
    lines = [line.split(",") for line in printed.splitlines() if ",exec," in line and ",backward_weights," in line]
    # The kernel's name follows the kind of the operation.
    return sorted({fields[fields.index("convolution") + 1] for fields in lines})


def once(which, dtype):
    outer, inputs, weight = example(*SHAPES[0], getattr(torch, dtype), 3 if which == "3x3" else 5)
    if which == "parts":
        in_parts(outer, inputs, weight)
    else:
        gradient(outer, inputs, weight, (weight.shape[3] // 2,) * 2)


def ratio(channels, side, dtype):
    """Return the time of the whole over that of the parts, the best of 8 each in turn, and whether they agree."""
    outer, inputs, weight = example(channels, side, getattr(torch, dtype))
    best = [float("inf")] * 2
    for _ in range(8):
        before = time.process_time()
        whole = gradient(outer, inputs, weight, (2, 2))
        between = time.process_time()
        parts = in_parts(outer, inputs, weight)
        after = time.process_time()
        best = [min(best[0], between - before), min(best[1], after - between)]
    return best[0] / best[1], bool((whole - parts).abs().max() < 0.01 * whole.abs().max())


def main():
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"versions: torch {torch.__version__}")
    if capability != "AVX512":
        print(f"not run: the CPU's capability is {capability}, not AVX512")
        return 0
    print("guessed: the whole gradient takes the depthwise kernel too, and less time than its two parts")
    taken = {(w, d): kernels(w, d) for d in ("float32", "bfloat16") for w in ("3x3", "5x5", "parts")}
    ratios = {(d, *shape): ratio(*shape, d) for d in ("float32", "bfloat16") for shape in SHAPES}
    names = ", ".join(f"{which} {dtype} {'/'.join(found)}" for (which, dtype), found in taken.items())
    times = ", ".join(f"{c} channels {s} pixels {d} {r:.1f}" for (d, c, s), (r, _) in ratios.items())
    print(f"seen: kernels: {names}; time of the whole / of the parts: {times}")
    own = {key: all(name.startswith("jit_dw") for name in found) for key, found in taken.items()}
    chosen = all(taken.values()) and own["3x3", "float32"] and own["parts", "float32"] and not own["5x5", "float32"]
    timed = taken["5x5", "bfloat16"] == ["jit_bf16:avx512_core_bf16"]
    slower = not timed or all(r > 3 for (d, *_), (r, _) in ratios.items() if d == "bfloat16")
    return 0 if chosen and slower and all(same for _, same in ratios.values()) else 1


if len(sys.argv) == 3:
    once(*sys.argv[1:])
else:
    sys.exit(main())
PYTHON
PYTHONPATH="$place/packages" "$python" -W ignore "$place/gradient.py"
