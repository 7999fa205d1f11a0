"""List what the default install brings: versions, licences, a software bill of materials, and known holes.

    python benchmarks/supply.py FOLDER [--extra serve]

Writes FOLDER/requirements.txt (the whole tree, pinned as installed here), FOLDER/bom.json (CycloneDX, by cyclonedx-py)
and FOLDER/licences.md, and runs pip-audit and deptry where they are installed. Nothing is installed or changed.
"""

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent
LONGEST = 60
"""Characters of a licence; some packages put its whole text there."""


def tree(wanted: Iterable[Requirement]) -> dict[str, Distribution]:
    """Return the packages that requirements bring here, by name, as installed."""
    found: dict[str, Distribution] = {}
    left = list(wanted)
    while left:
        one = left.pop()
        name = canonicalize_name(one.name)
        if one.marker is not None and not any(one.marker.evaluate({"extra": extra}) for extra in (one.extras or {""})):
            continue
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            print(f"not installed here: {one}")
            continue
        left += _requirements(found[name], one.extras)
    return dict(sorted(found.items()))


def _requirements(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in package.requires or ():
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            one.marker = None
            yield one


def licence(package: Distribution) -> str:
    """Return a package's licence: its expression, else its classifiers, else its own words."""
    about = cast("Message", package.metadata)
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or () if "License ::" in text]
    own = " ".join((about.get("License") or "").split())
    return about.get("License-Expression") or ", ".join(classifiers) or own[:LONGEST] or "not stated"


def run_all() -> None:
    """Write the lists and run the checks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extra", action="append", default=[])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(one for name in options.extra for one in project["optional-dependencies"][name]),
    ]
    found = tree(map(Requirement, wanted))
    pinned = options.folder / "requirements.txt"
    versions = {name: one.version.partition("+")[0] for name, one in found.items()}  # without "+cpu"
    pinned.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
    rows = [f"| {name} | {versions[name]} | {licence(one)} |" for name, one in found.items()]
    (options.folder / "licences.md").write_text(
        "\n".join(["| package | version | licence |", "| --- | --- | --- |", *rows, ""])
    )
    print(f"{len(found)} packages: {pinned}")
    bin_folder = Path(sys.executable).parent
    bill = ["requirements", str(pinned), "--output-file", str(options.folder / "bom.json"), "--output-reproducible"]
    for command in (
        ["cyclonedx-py", *bill],
        ["pip-audit", "-r", str(pinned), "--no-deps", "--disable-pip", "--progress-spinner", "off"],
        ["deptry", str(ROOT / "src"), "--config", str(ROOT / "pyproject.toml")],
    ):
        if not (bin_folder / command[0]).exists():
            print(f"not run: {command[0]} is not installed")
            continue
        ran = subprocess.run(
            [bin_folder / command[0], *command[1:]], cwd=ROOT, check=False, capture_output=True, text=True
        )
        print(f"{command[0]}: {ran.returncode}\n{ran.stdout[-6000:]}{ran.stderr[-3000:]}")


if __name__ == "__main__":
    run_all()
