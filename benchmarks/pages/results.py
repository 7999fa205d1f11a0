"""Write the parts of docs/results/results.md from run folders and from what `compare` and `audit` say with --json.

    python benchmarks/pages/results.py RUN... [--each] [--compare COMPARE.json] [--audit AUDIT.json] [--table FOLDER]
        [--note "of the data"]

Nothing is computed here: every figure is read from what the commands wrote. Runs stand in one table, a line each;
with --each every run has its own tables.
"""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from attnmel import NOTICE
from attnmel.config.load import changes
from attnmel.evaluation.thesis.published import PUBLISHED
from attnmel.files.folders import RunFolder
from attnmel.pipeline.run.provenance import read_provenance
from attnmel.pipeline.run.results.results import SplitResults, read_measures
from attnmel.pipeline.run.run_location import read_recipe
from attnmel.pipeline.run.training.history import read_history

SHOWN = ("auc", "ap", "sensitivity", "specificity")


def measures(judged: SplitResults) -> list[str]:
    """Return the table of one judged split."""
    lines = ["| task | measure | value | 95 % interval |", "| --- | --- | --- | --- |"]
    return lines + [f"| {task} | {measure} | {value} | {span} |" for task, measure, value, span in judged.table()]


def section(run: RunFolder) -> list[str]:
    """Return everything known of one run."""
    recipe, provenance, history = read_recipe(run), read_provenance(run), read_history(run.history)
    data = provenance["data"]
    splits = data["splits"].items()
    short = [f"{s['name']}: {s['found']} of {s['expected']}" for s in data["archives"] if s["status"] != "complete"]
    hours = sum(row.seconds for row in history) / 3600
    lines = [
        f"## {recipe.title} on {data['title']}, seed {provenance['seed']}",
        "",
        "```sh",
        provenance["command"],
        "```",
        "",
        f"* Changed from the recipe `{recipe.name}`: {'; '.join(changes(recipe)) or 'nothing'}.",
        *(f"* {split}: {', '.join(f'{count} {name}' for name, count in held.items())}." for split, held in splits),
        f"* Short of the official archive: {'; '.join(short) or 'nothing'}. Licence {data['licence']}; content "
        f"`{data['content'][:16]}`.",
        f"* Cost: {len(history)} epochs, {hours:.2f} hours on {provenance['device']}, {provenance['precision']}; "
        f"torch {provenance['versions']['torch']}, attnmel {provenance['versions']['attnmel']}.",
    ]
    if recipe.published:
        row = PUBLISHED[recipe.published]
        overlap = "".join(f", {name} Jaccard {value}" for name, value in (row.overlap or {}).items())
        lines.append(f"* Published (whole recipe, ImageNet start, one run): AP {row.ap}, AUC {row.auc}{overlap}.")
    for name, judged in sorted(read_measures(run).items()):
        lines += ["", f"### {name}: {judged.sentence}", "", *measures(judged)]
    return [*lines, ""]


def line(path: Path) -> list[str]:
    """Return one run's test measures as cells."""
    run = RunFolder(path)
    recipe, judged = read_recipe(run), read_measures(run)["test"]
    main = recipe.data.positives[0]
    cells = [
        recipe.name,
        recipe.data.ablation,
        str(recipe.training.seed),
        str(judged.epoch),
        str(judged.judgement.images),
    ]
    rows = [judged.judgement.row(main, measure) for measure in SHOWN]
    cells += [f"{row.value:.3f} ({row.low:.3f} - {row.high:.3f})" for row in rows]
    maps = [judged.overlap.get(name) for name in ("pool3", "pool4")]
    return cells + [f"{one.value:.3f} ({one.low:.3f} - {one.high:.3f})" if one else "" for one in maps]


def together(paths: list[Path]) -> list[str]:
    """Return all runs in one table, with the commands and the cost."""
    runs = [RunFolder(path) for path in paths]
    commands = dict.fromkeys(read_provenance(run)["command"] for run in runs)
    hours = sum(row.seconds for run in runs for row in read_history(run.history)) / 3600
    provenance = read_provenance(runs[0])
    recipe = read_recipe(runs[0])
    head = ["recipe", "ablation", "seed", "epoch", "images", "AUC", "AP", "sensitivity", "specificity"]
    return [
        "```sh",
        *commands,
        "```",
        "",
        f"* Changed from the recipe `{recipe.name}`: {'; '.join(changes(recipe)) or 'nothing'}.",
        f"* Cost: {hours:.2f} hours in all on {provenance['device']}, {provenance['precision']}; "
        f"torch {provenance['versions']['torch']}, attnmel {provenance['versions']['attnmel']}.",
        "",
        *markdown([*head, "Jaccard pool-3", "Jaccard pool-4"], [line(path) for path in paths]),
        "",
    ]


def compared(path: Path) -> list[str]:
    """Return what `attnmel compare --json` found."""
    found = json.loads(path.read_text(encoding="utf-8"))
    comparison = found["comparison"]
    summaries = [
        [
            one["name"], one["measure"], str(len(one["values"])), f"{one['mean']:.3f}", f"{one['deviation'] or 0:.3f}",
            f"{one['chosen']['low']:.3f} to {one['chosen']['high']:.3f}",
        ]
        for one in comparison["summaries"]
    ]  # fmt: skip
    differences = [
        [
            f"{one['second']} less {one['first']}", one["measure"], f"{one['value']:+.3f}",
            f"{one['outcome']['chosen']['low']:+.3f} to {one['outcome']['chosen']['high']:+.3f}",
            f"{one['outcome']['chosen']['p']:.2f}", f"{one['corrected']:.2f}",
        ]
        for one in comparison["differences"]
    ]  # fmt: skip
    return [
        *markdown(["recipe", "measure", "seeds", "mean", "deviation over seeds", "95 % interval"], summaries),
        "",
        *markdown(["difference", "measure", "value", "95 % interval", "p", "p after Holm"], differences),
        "",
        *(f"* {sentence}." for sentence in found["sentences"]),
        "",
    ]


def audited(path: Path) -> list[str]:
    """Return what `attnmel audit --json` found: counts by kind and side, and the pairs across ISIC 2017's split."""
    found = json.loads(path.read_text(encoding="utf-8"))
    counts = [[one["kind"], one["first"], one["second"], f"{one['pairs']:,}"] for one in found["counts"]]
    images = sum(found["images"].values())
    sides = ", ".join(f"{count:,} of {side}" for side, count in found["images"].items())
    repeated = "; ".join(
        f"{count:,} lesions of {name} have several images" for name, count in found["repeated_lesions"].items()
    )
    across = [one for one in found["findings"] if one["kind"] == "same picture" and _across(one, "isic2017")]
    across.sort(key=lambda one: -one["likeness"])
    labels = [one for one in found["findings"] if one["kind"] == "labels differ"]
    return [
        f"{images:,} images: {sides}. {repeated}.",
        "",
        *markdown(["found", "between", "and", "pairs"], counts),
        "",
        "One picture on both sides of ISIC 2017's official train and test (likeness): "
        + ", ".join(f"{_ids(one)} ({one['likeness']:.2f})" for one in across) + ".",
        "",
        "Labels that differ: "
        + ", ".join(f"{_ids(one)} ({one['first']['diagnosis']}, {one['second']['diagnosis']})" for one in labels) + ".",
        "",
    ]  # fmt: skip


def reproduced(folder: Path) -> list[str]:
    """Return the table that `attnmel reproduce` wrote, as a section: headings one step down, the notice left out."""
    lines = (folder / "table.md").read_text(encoding="utf-8").splitlines()
    return [f"#{line}" if line.startswith("#") else line for line in lines if line != NOTICE] + [""]


def _across(finding: dict[str, Any], dataset: str) -> bool:
    sides = {(one["dataset"], one["split"]) for one in (finding["first"], finding["second"])}
    return sides == {(dataset, "train"), (dataset, "test")}


def _ids(finding: dict[str, Any]) -> str:
    return "-".join(dict.fromkeys(finding[side]["image"].removeprefix("ISIC_") for side in ("first", "second")))


def markdown(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def main() -> None:
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--note", default="")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--audit", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("runs", nargs="*", type=Path)
    chosen = parser.parse_args()
    lines = [textwrap.fill(chosen.note, 120), ""] if chosen.note else []
    if chosen.runs:
        lines += (
            [one for path in chosen.runs for one in section(RunFolder(path))] if chosen.each else together(chosen.runs)
        )
    lines += compared(chosen.compare) if chosen.compare else []
    lines += audited(chosen.audit) if chosen.audit else []
    lines += reproduced(chosen.table) if chosen.table else []
    print("\n".join(lines).rstrip())


if __name__ == "__main__":
    main()
