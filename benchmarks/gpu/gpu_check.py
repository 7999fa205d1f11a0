"""Which packages that the program needs are missing here: one line; no package is needed to ask.

    python benchmarks/gpu/gpu_check.py

Names are those of `pyproject.toml`. Ends with 1 where one is missing; a version other than the one asked for is said
and left to whoever runs this, for a machine without a network has what it has.
"""

import re
import sys
import tomllib
from importlib import metadata, util
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
NAME = re.compile(r"[A-Za-z0-9_.-]+")


def needed() -> list[str]:
    """Return what the program depends on, as `pyproject.toml` says it."""
    return tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]


def is_missing(name: str) -> bool:
    """Whether a package can neither be asked for its version nor imported; some come inside others."""
    return _version(name) is None and util.find_spec(name.replace("-", "_")) is None


def unfit(requirement: str, name: str) -> str:
    """Return the version that is here where it is another than asked for, else nothing."""
    here = _version(name)
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return ""
    asked = requirement.removeprefix(name)
    return "" if here is None or SpecifierSet(asked).contains(here, prereleases=True) else f"{name} {here} ({asked})"


def device() -> str:
    """Return what torch would train on."""
    try:
        import torch
    except ImportError:
        return "no torch"
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"torch {torch.__version__}, {name}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Print the line."""
    names = {match[0]: requirement for requirement in needed() if (match := NAME.match(requirement))}
    missing = [name for name in names if is_missing(name)]
    other = [one for name, requirement in names.items() if (one := unfit(requirement, name))]
    print(
        f"python {sys.version.split()[0]}, {device()}; missing: {', '.join(missing) or 'nothing'}; "
        f"of another version than asked for: {', '.join(other) or 'nothing'}"
    )
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
