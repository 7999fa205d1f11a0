"""The documented tree is the tree; the files that CONTRIBUTING.md names exist."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "attnmel"
INDENT = 2


def documented_folders() -> set[str]:
    """Read the folders of the tree in docs/architecture.md, below the package, by their indentation."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.partition("<!-- tree -->")[2].partition("<!-- end of tree -->")[0]
    found, above = set(), [""]
    for line in tree.splitlines():
        match = re.match(r"    ( *)(\w+)/(?: |$)", line)
        if match and match[2] != "attnmel":
            depth = len(match[1]) // INDENT
            above[depth:] = [f"{above[depth - 1]}{match[2]}/"]
            found.add(above[depth])
    return found


def test_every_folder_of_the_tree_exists_and_every_folder_is_in_it() -> None:
    packages = {f"{path.parent.relative_to(PACKAGE).as_posix()}/" for path in PACKAGE.rglob("__init__.py")} - {"./"}
    documented = documented_folders()
    assert documented - {"recipes/"} == packages
    assert all((PACKAGE / folder).is_dir() for folder in documented)


def test_every_file_of_the_repository_that_a_page_names_exists() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")):
        named = set(re.findall(r"`((?:src|tests|docs|benchmarks|\.ci)/[\w./-]+)`", page.read_text(encoding="utf-8")))
        missing = {name for name in named if not (ROOT / name.rstrip("/")).exists()}
        assert not missing, page
    assert (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").count("`src/attnmel/") > 20


def test_names_that_contributing_places_in_a_file_are_defined_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    placed = re.findall(r"`([A-Z]\w+)`[^`]{0,30}?\s(?:of|in)\s+`(src/[\w/]+\.py)`", page)
    assert len(placed) > 5
    for name, path in placed:
        assert re.search(rf"^(?:class |def )?{name}\b\s*[:=(]", (ROOT / path).read_text(encoding="utf-8"), re.M), name


def test_every_benchmark_is_in_their_readme_and_none_else() -> None:
    folder = ROOT / "benchmarks"
    cells = re.findall(r"^\| (`.+?`) \|", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    named = sorted(re.findall(r"`(.+?)`", " ".join(cells)))
    assert named == sorted(path.name for path in folder.glob("*/*.*") if path.suffix != ".pyc")
    assert [path.name for path in folder.glob("*.*")] == ["README.md"], "each script lies in a folder"


def test_no_two_classes_share_a_name() -> None:
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    names = Counter(name for text in texts for name in re.findall(r"^class (\w+)\b", text, re.MULTILINE))
    assert len(names) > 100
    assert [name for name, count in names.items() if count > 1 and not name.startswith("_")] == []


def test_what_docstrings_name_by_its_folder_is_there() -> None:
    texts = {path.relative_to(PACKAGE): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    known = {
        f".{'.'.join(path.with_suffix('').parts)}": set(re.findall(r"^ *(?:def |class )?(\w+)\b *[(:=]", text, re.M))
        for path, text in texts.items()
    }
    for path, text in texts.items():
        for named in re.findall(r"`([a-z_]+(?:\.\w+)+)`", text):
            module, _, name = named.rpartition(".")
            if (PACKAGE / named.partition(".")[0]).is_dir():
                found = (
                    one.endswith(f".{named}") or (one.endswith(f".{module}") and name in known[one]) for one in known
                )
                assert any(found), (path, named)
