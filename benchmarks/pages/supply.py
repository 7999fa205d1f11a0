"""List what the default install brings: versions, licences, a software bill of materials, and known holes.

    python benchmarks/pages/supply.py FOLDER [--extra serve] [--extra all]
    python benchmarks/pages/supply.py FOLDER --licences docs/licences.md

Writes FOLDER/requirements.txt (the whole tree, pinned as installed here), FOLDER/bom.json (CycloneDX, by cyclonedx-py)
and FOLDER/licences.md, and runs pip-audit and deptry where they are installed. With --licences it writes that page
alone: the licence of each package of the default install and of each extra. Nothing is installed or changed.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[2]
MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"
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
    """Return a package's licence: its expression, else its classifiers, else its own words, else MIT by its text."""
    about = cast("Message", package.metadata)
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or () if "License ::" in text]
    classifiers = [one for one in classifiers if one != "OSI Approved"]  # which says nothing
    own = " ".join((about.get("License") or "").replace("UNKNOWN", "").split())
    return about.get("License-Expression") or ", ".join(classifiers) or own[:LONGEST] or _by_text(package)


def _by_text(package: Distribution) -> str:
    files = cast("Message", package.metadata).get_all("License-File") or ()
    texts = (package.read_text(f"licenses/{name}") or "" for name in files)
    return "MIT" if any(MIT in " ".join(text.split()) for text in texts) else "not stated"


NOT_RUN = frozenset({"test", "all"})
"""Extras of people who work on the program."""

HEAD = """# Licences of what is installed

Made by `python benchmarks/pages/supply.py FOLDER --licences docs/licences.md` on Linux with Python 3.11: every package
that the default install and each extra bring, with the licence that the package states. Versions are those of the
environment in which a bill of materials is made (`FOLDER/bom.json`).
"""


def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def default_requirements() -> list[Requirement]:
    """Return what the default install asks for."""
    return [Requirement(one) for one in project()["dependencies"]]


def extras() -> dict[str, list[Requirement]]:
    """Return what each extra that runs a command asks for, without what names another extra."""
    listed = project()["optional-dependencies"]
    return {
        name: [one for one in map(Requirement, some) if one.name != "attnmel"]
        for name, some in listed.items()
        if name not in NOT_RUN
    }


def wanted_by(extra: str) -> list[Requirement]:
    """Return what an extra asks for; `all` what every extra does, those of people who work on the program too."""
    listed = project()["optional-dependencies"]
    some = (one for each in listed.values() for one in each) if extra == "all" else listed[extra]
    return [one for one in map(Requirement, some) if one.name != "attnmel"]


def licence_page() -> str:
    """Return the page of licences."""
    known = tree(default_requirements())
    parts = {"Default install": known}
    for name, wanted in extras().items():
        new = {package: one for package, one in tree(wanted).items() if package not in known}
        known = {**known, **new}
        parts[f"Extra `{name}`"] = new
    lines = [HEAD]
    for title, packages in parts.items():
        if packages:
            rows = [f"| {name} | {licence(one)} |" for name, one in packages.items()]
            lines += [f"## {title}\n", "| package | licence |\n| --- | --- |", *rows, ""]
    return "\n".join(lines)


def write_bill(pinned: Path, bill: Path) -> None:
    """Write the software bill of materials of pinned requirements.

    Raises:
        subprocess.CalledProcessError: cyclonedx-py is not there or fails.
    """
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(pinned)]
    subprocess.run([*command, "--output-file", str(bill), "--output-reproducible"], check=True, capture_output=True)


def write_pinned(path: Path, found: Mapping[str, Distribution]) -> None:
    """Write requirements that pin every package as it is installed here, without "+cpu"."""
    path.write_text("".join(f"{name}=={one.version.partition('+')[0]}\n" for name, one in found.items()))


def run_all() -> None:
    """Write the lists and run the checks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--licences", type=Path)
    options = parser.parse_args()
    if options.licences:
        options.licences.write_text(licence_page(), encoding="utf-8")
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    found = tree([*default_requirements(), *(one for name in options.extra for one in wanted_by(name))])
    pinned, bill = options.folder / "requirements.txt", options.folder / "bom.json"
    write_pinned(pinned, found)
    rows = [f"| {name} | {one.version} | {licence(one)} |" for name, one in found.items()]
    (options.folder / "licences.md").write_text(
        "\n".join(["| package | version | licence |", "| --- | --- | --- |", *rows, ""])
    )
    write_bill(pinned, bill)
    print(f"{len(found)} packages: {pinned}, {bill}")
    if ran := run("pip-audit", "-r", str(pinned), "--no-deps", "--disable-pip", "--format", "json"):
        print(known_holes(ran.stdout) if ran.stdout else f"pip-audit: {ran.stderr[-3000:]}")
    if ran := run("deptry", str(ROOT / "src"), "--config", str(ROOT / "pyproject.toml")):
        print(f"deptry: {ran.returncode}\n{ran.stdout[-6000:]}{ran.stderr[-3000:]}")


def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str] | None":
    """Run a program that is installed with this Python; None if it is not."""
    program = Path(sys.executable).parent / name
    if not program.exists():
        print(f"not run: {name} is not installed")
        return None
    return subprocess.run([program, *arguments], cwd=ROOT, check=False, capture_output=True, text=True)


def known_holes(found: str) -> str:
    """Say what pip-audit found; packages that its list does not have count as not looked up, not as free of holes."""
    packages = json.loads(found)["dependencies"]
    looked_up = [one for one in packages if "skip_reason" not in one]
    holes = [f"{one['name']} {one['version']}: {hole['id']}" for one in looked_up for hole in one["vulns"]]
    said = f"pip-audit looked up {len(looked_up)} of {len(packages)} packages, and knows {len(holes)} holes in them"
    return "\n".join([said, *holes])


if __name__ == "__main__":
    run_all()
