"""Copies that `attnmel audit` finds, beside imagededup's perceptual hash in an environment of its own, and the seconds.

    python benchmarks/data/duplicates.py IMAGES --python OTHER/bin/python [--images 15000] [--copied 150]

IMAGES is a folder of JPEG files, or of links to them. Of `--copied` of them, spread over all, four copies each are
added: turned by a quarter, mirrored, recoloured, and shifted, that is without 5 % at two sides. OTHER is an environment
with imagededup; where its torchvision does not fit its torch, the operations that are missed are declared before the
import (the hash uses none of them). Its import also fetches weights of a network that the hash does not use, which are
left out.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

GAMMAS = (0.8, 1.1, 1.3)
CUT = 0.05

HASH = """
import json, sys
import torch
kept = torch.library.Library("torchvision", "FRAGMENT")
try:
    import torchvision
except RuntimeError:
    for name in ("nms", "qnms"):
        kept.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
import torchvision.models
small = torchvision.models.mobilenet_v3_small
torchvision.models.mobilenet_v3_small = lambda weights=None: small()  # else the import below fetches its weights
from imagededup.methods import PHash
hashing = PHash(verbose=False)
codes = hashing.encode_images(image_dir=sys.argv[1])
found = hashing.find_duplicates(encoding_map=codes, max_distance_threshold=10)
print(json.dumps([[a.rpartition(".")[0], b.rpartition(".")[0]] for a, others in found.items() for b in others]))
"""


def copies(image: Image.Image) -> dict[str, Image.Image]:
    """Return the four copies of an image."""
    bands = zip(image.split(), GAMMAS, strict=True)
    toned = [
        band.point([min(255, round(255 * (level / 255) ** gamma)) for level in range(256)]) for band, gamma in bands
    ]
    left, top = round(CUT * image.width), round(CUT * image.height)
    return {
        "turned": image.transpose(Image.Transpose.ROTATE_90),
        "mirrored": image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "recoloured": Image.merge("RGB", toned),
        "shifted": image.crop((left, top, image.width, image.height)),
    }


def write(folder: Path, paths: list[Path], copied: int) -> list[tuple[str, str]]:
    """Write links to the images, the copies and labels.csv; return the kind and the original of each copy."""
    (folder / "images").mkdir(parents=True)
    made, chosen = [], set(paths[:: max(1, len(paths) // copied)][:copied])
    for path in paths:
        (folder / "images" / path.name).symlink_to(path.resolve())
        if path in chosen:
            for kind, one in copies(Image.open(path).convert("RGB")).items():
                one.save(folder / "images" / f"{path.stem}-{kind}.jpg", quality=90)
                made.append((kind, path.stem))
    names = sorted(one.stem for one in (folder / "images").iterdir())
    rows = [f"{name},{number % 2}\n" for number, name in enumerate(names)]
    (folder / "labels.csv").write_text("image,label\n" + "".join(rows))
    return made


def by_hash(python: str, folder: Path) -> Iterable[Iterable[str]]:
    """Return the pairs of imagededup."""
    ran = subprocess.run([python, "-c", HASH, str(folder / "images")], check=True, capture_output=True, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def by_audit(folder: Path, home: Path) -> Iterable[Iterable[str]]:
    """Return the pairs of `attnmel audit`."""
    command = [sys.executable, "-m", "attnmel", "audit", str(folder), "--home", str(home), "--json"]
    command += ["--out", str(home / "audit.html")]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    stored = json.loads(Path(json.loads(ran.stdout)["stored"]).read_text())
    names = [entry["image_id"] for entry in stored["entries"]]
    kinds = ("same picture", "same bytes")
    return [(names[one["first"]], names[one["second"]]) for one in stored["findings"] if one["kind"] in kinds]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--images", type=int, default=15_000)
    parser.add_argument("--copied", type=int, default=150)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place) / "folder", Path(place) / "home"
        home.mkdir()
        made = write(folder, sorted(chosen.source.glob("*.jpg"))[: chosen.images], chosen.copied)
        for name, way in (
            ("imagededup", lambda: by_hash(chosen.python, folder)),
            ("attnmel", lambda: by_audit(folder, home)),
        ):
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            pairs = {frozenset(pair) for pair in way()}
            elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{name}: {elapsed:.1f} s elapsed, {busy:.1f} s of the processor, start included")
            for kind in dict.fromkeys(kind for kind, _ in made):
                wanted = [frozenset((stem, f"{stem}-{kind}")) for one, stem in made if one == kind]
                print(f"  {kind}: {sum(pair in pairs for pair in wanted)} of {len(wanted)}")
            others = [pair for pair in pairs if len({one.partition("-")[0] for one in pair}) == 2]
            print(f"  pairs of different originals: {len(others)}")


if __name__ == "__main__":
    main()
