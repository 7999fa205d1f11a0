"""The Containerfile does what the README says, step by step; `.ci/container` runs the same steps without an engine."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def test_a_container_stops_as_by_ctrl_c() -> None:
    """The kernel keeps SIGTERM from a first process that does not handle it; Python handles SIGINT."""
    assert re.findall(r"^STOPSIGNAL (.+)$", CONTAINERFILE, re.MULTILINE) == ["SIGINT"]


def test_torch_is_no_newer_than_the_program_allows() -> None:
    """Without the bound the next step would take torch again, with CUDA."""
    (bound,) = re.findall(r'^  "torch>=[\d.]+,(<[\d.]+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert f"pip install --no-cache-dir 'torch{bound}' --index-url https://" in CONTAINERFILE
    for page in ("README.md", "docs/start.md"):
        text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
        assert f"pip install 'torch{bound}' --index-url https://" in text, page


def test_ci_runs_the_steps() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == ".ci/container"
