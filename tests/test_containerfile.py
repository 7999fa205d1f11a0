"""The Containerfile does what the README says, step by step; `.ci/container` runs the same steps without an engine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
STEPS = re.findall(r"^RUN (.+)$", CONTAINERFILE, re.MULTILINE)
README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


def test_every_step_is_one_of_the_readme_in_its_order() -> None:
    plain = [step.replace(" --no-cache-dir", "").replace("'.[serve]'", "'.[NAME]'") for step in STEPS]
    assert len(plain) == 4
    for step in plain:
        assert step in README, step
    assert "serve" in re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


def test_nothing_is_copied_that_only_this_machine_has() -> None:
    ignored = (ROOT / ".containerignore").read_text().split()
    assert {".git", ".venv", "runs"} <= set(ignored)
    assert re.findall(r"^COPY (.+)$", CONTAINERFILE, re.MULTILINE) == [". ."]
    assert '["/attnmel/.venv/bin/attnmel"]' in CONTAINERFILE


@pytest.mark.long
def test_the_steps_run_in_a_clean_folder(tmp_path: Path) -> None:
    done = subprocess.run([ROOT / ".ci" / "container", tmp_path / "clean"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "probability_melanoma" in done.stdout
